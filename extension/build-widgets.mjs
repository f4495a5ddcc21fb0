// Each widget becomes one self-contained file: anywidget puts its text into every instance's state.
import { readFile } from 'node:fs/promises';

import { build, transform } from 'esbuild';

const widgets = ['whatif', 'profile', 'priors'];
const minify = process.argv.includes('--minify');

/** Style sheets come as text; esbuild minifies only those that it bundles itself. */
const styles = {
  name: 'styles',
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), {
        loader: 'css',
        minify
      });
      return { contents: code, loader: 'text' };
    });
  }
};

const options = {
  outdir: '../modelcompose/widgets/static',
  bundle: true,
  target: 'es2022',
  minify,
  legalComments: 'none',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  alias: { react: 'preact/compat', 'react-dom': 'preact/compat' },
  plugins: [styles],
  logLevel: 'info'
};

await build({
  ...options,
  format: 'esm',
  entryPoints: widgets.map(name => `src/widgets/${name}.tsx`)
});
// A page without a kernel holds its script within itself, where no module can be imported from.
await build({
  ...options,
  format: 'iife',
  minify: true,
  entryPoints: ['src/widgets/frozen.tsx']
});
