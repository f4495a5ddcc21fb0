import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { guidePlugin } from './panels/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [guidePlugin];

export default plugins;
