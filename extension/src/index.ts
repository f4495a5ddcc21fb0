import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { columnsPlugin } from './panels/columns';
import { notebooksPlugin } from './panels/notebooks';
import { guidePlugin } from './panels/plugin';
import { readingPlugin } from './panels/reading';
import { runsPlugin } from './panels/runs';
import { statusPlugin } from './panels/status';
import { verdictsPlugin } from './panels/verdicts';
import { workbenchPlugin } from './panels/workbench';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  workbenchPlugin,
  guidePlugin,
  columnsPlugin,
  notebooksPlugin,
  readingPlugin,
  runsPlugin,
  statusPlugin,
  verdictsPlugin
];

export default plugins;
