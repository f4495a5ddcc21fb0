import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { guidePlugin } from './panels/plugin';
import { verdictsPlugin } from './panels/verdicts';
import { workbenchPlugin } from './panels/workbench';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  workbenchPlugin,
  guidePlugin,
  verdictsPlugin
];

export default plugins;
