import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    globals: true,
    include: ['tests/**/*.test.{ts,tsx}'],
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//] } },
    setupFiles: ['tests/setup.ts']
  }
});
