import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { guideIcon } from './icon';
import { RunsPanel } from './RunsPanel';
import { IWorkbench } from './workbench';

const OPEN_RUNS = 'modelcompose:open-runs';

export const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:runs',
  description: 'The runs of the workspace, in a tab of the main area.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILayoutRestorer, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('modelcompose');
    const tracker = new WidgetTracker<RunsPanel>({
      namespace: 'modelcompose-runs'
    });
    app.commands.addCommand(OPEN_RUNS, {
      label: trans.__('Runs'),
      caption: trans.__('List, filter and compare the runs of the workspace'),
      icon: guideIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        let panel = tracker.find(() => true);
        if (!panel) {
          panel = new RunsPanel(workbench, trans.__('Runs'));
          app.shell.add(panel, 'main');
          void tracker.add(panel);
        }
        app.shell.activateById(panel.id);
        return panel;
      }
    });
    void restorer?.restore(tracker, { command: OPEN_RUNS, name: () => 'runs' });
    palette?.addItem({ command: OPEN_RUNS, category: 'ModelCompose' });
  }
};
