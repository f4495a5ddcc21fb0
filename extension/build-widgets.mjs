// Each widget becomes one self-contained file: anywidget puts its text into every instance's state.
import { build } from 'esbuild';

const widgets = ['whatif', 'profile'];

await build({
  entryPoints: widgets.map(name => `src/widgets/${name}.tsx`),
  outdir: '../modelcompose/widgets/static',
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: process.argv.includes('--minify'),
  legalComments: 'none',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  alias: { react: 'preact/compat', 'react-dom': 'preact/compat' },
  loader: { '.css': 'text' },
  logLevel: 'info'
});
