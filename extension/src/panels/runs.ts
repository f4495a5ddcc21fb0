import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import {
  ITranslator,
  nullTranslator,
  TranslationBundle
} from '@jupyterlab/translation';

import { guideIcon } from './icon';
import { RunsPanel } from './RunsPanel';
import { SamplerPanel } from './SamplerPanel';
import { IWorkbench } from './workbench';

const OPEN_RUNS = 'modelcompose:open-runs';
const WATCH_RUN = 'modelcompose:watch-run';

interface Parts {
  app: JupyterFrontEnd;
  workbench: IWorkbench;
  restorer: ILayoutRestorer | null;
  trans: TranslationBundle;
}

export const runsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:runs',
  description: 'The runs of the workspace, and how one samples, in tabs.',
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
    const parts = { app, workbench, restorer, trans };
    addRuns(parts);
    addSampler(parts);
    palette?.addItem({ command: OPEN_RUNS, category: 'ModelCompose' });
  }
};

function addRuns({ app, workbench, restorer, trans }: Parts): void {
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
    }
  });
  void restorer?.restore(tracker, { command: OPEN_RUNS, name: () => 'runs' });
}

function addSampler({ app, workbench, restorer, trans }: Parts): void {
  const tracker = new WidgetTracker<SamplerPanel>({
    namespace: 'modelcompose-sampler'
  });
  app.commands.addCommand(WATCH_RUN, {
    label: trans.__('Watch a Run Sample'),
    icon: guideIcon,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          id: { type: 'string', description: 'The id of the run' },
          name: { type: 'string', description: 'What the tab is called' }
        },
        required: ['id']
      }
    },
    execute: args => {
      const id = String(args['id'] ?? '');
      let panel = tracker.find(one => one.run.id === id);
      if (!panel) {
        const name = String(args['name'] ?? id.slice(0, 8));
        panel = new SamplerPanel(workbench, { id, name });
        app.shell.add(panel, 'main', { mode: 'split-right' });
        void tracker.add(panel);
      }
      app.shell.activateById(panel.id);
    }
  });
  void restorer?.restore(tracker, {
    command: WATCH_RUN,
    args: ({ run }) => run,
    name: ({ run }) => run.id
  });
}
