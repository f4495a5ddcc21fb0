import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const noLab = {
  group: ['@jupyterlab/*', '@jupyter/*', '@lumino/*'],
  message:
    'Components also run in notebooks and under Voila: take props and callbacks.'
};

/** Forbid imports from the floors above, so that api ← components ← panels | widgets ← index holds. */
function floor(files, patterns) {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

export default defineConfig(
  { ignores: ['lib', 'node_modules', 'coverage', 'style/index.js'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  hooks.configs.flat.recommended,
  {
    rules: {
      '@typescript-eslint/no-empty-object-type': 'off',
      curly: ['error', 'all'],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': ['error', { allow: ['error', 'warn'] }]
    }
  },
  floor(
    ['src/api/**'],
    [{ group: ['**/components/**', '**/panels/**', '**/widgets/**', 'react'] }]
  ),
  floor(
    ['src/components/**'],
    [noLab, { group: ['**/panels/**', '**/widgets/**', '**/api/rest'] }]
  ),
  floor(['src/widgets/**'], [noLab, { group: ['**/panels/**'] }]),
  { files: ['*.mjs'], languageOptions: { globals: { process: 'readonly' } } }
);
