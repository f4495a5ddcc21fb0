import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';

import {
  hasEnded,
  Run,
  RunComparison,
  WorkbenchClient,
  WorkbenchError
} from '../api/port';
import { Comparison } from '../components/runs/Comparison';
import { guideIcon } from './icon';
import { IWorkbench } from './workbench';

const MOST_COMPARED = 6;

const PATH = {
  args: {
    type: 'object' as const,
    properties: {
      path: {
        type: 'string' as const,
        description: 'The notebook; the selected one when left out'
      }
    }
  }
};

/** What can be done with a notebook of the file browser, without opening it. */
export const notebooksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:notebooks',
  description: 'Runs, publishes and compares notebooks of the file browser.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    palette: ICommandPalette | null
  ) => {
    const { client, host, background, model, trans } = workbench;
    const add = (
      id: string,
      label: string,
      caption: string,
      work: (path: string) => Promise<void>
    ) => {
      const path = (given: unknown) =>
        (given as string | undefined) ??
        host.selectedNotebook() ??
        model.view?.path;
      app.commands.addCommand(id, {
        label,
        caption,
        icon: guideIcon,
        describedBy: PATH,
        isEnabled: args => path(args.path) !== undefined,
        execute: args => path(args.path) && told(() => work(path(args.path)!))
      });
      palette?.addItem({ command: id, category: 'ModelCompose' });
    };
    add(
      'modelcompose:run-notebook',
      trans.__('Run the Notebook in the Background'),
      trans.__('Runs a copy, and keeps the result with the runs'),
      async path => {
        await background.start(path);
        Notification.info(trans.__('%1 runs in the background.', path), {
          autoClose: 4000
        });
      }
    );
    add(
      'modelcompose:publish-notebook',
      trans.__('Publish the Last Run'),
      trans.__('A report to read and an app to try, without the code'),
      async path => {
        const run = (await client.runs()).find(
          one => one.notebook === path && one.executed
        );
        if (!run) {
          throw nothing(trans.__('%1 has no finished run yet.', path), trans);
        }
        const { report, app } = await client.publish(run.id);
        const open = (label: string, address: string) => ({
          label,
          callback: () => void window.open(address, '_blank', 'noopener')
        });
        Notification.success(trans.__('%1 is published.', run.name), {
          autoClose: false,
          actions: [
            ...(report
              ? [open(trans.__('Read the report'), host.reportUrl(report))]
              : []),
            ...(app ? [open(trans.__('Try the app'), host.appUrl(app))] : [])
          ]
        });
      }
    );
    add(
      'modelcompose:compare-notebook',
      trans.__('Compare the Last Runs'),
      trans.__('The last runs of this notebook side by side'),
      async path => {
        const runs = comparable(await client.runs(), path);
        if (runs.length < 2) {
          const said = trans.__('%1 has fewer than two finished runs.', path);
          throw nothing(said, trans);
        }
        const compared = await client.compareRuns(runs.map(({ id }) => id));
        const tab = new ComparisonTab(client, compared, () => host.openRuns());
        tab.title.label = trans.__('Runs of %1', path);
        app.shell.add(tab, 'main');
      }
    );
  }
};

/** The last finished runs of a notebook; a sweep is compared by itself. */
export function comparable(runs: Run[], notebook: string): Run[] {
  return runs
    .filter(
      run =>
        run.notebook === notebook &&
        run.kind !== 'sweep' &&
        run.executed !== null &&
        hasEnded(run.status)
    )
    .slice(0, MOST_COMPARED);
}

function nothing(message: string, trans: TranslationBundle): WorkbenchError {
  const remedy = trans.__('Run the notebook in the background first.');
  return new WorkbenchError({ message, remedy });
}

/** Do something that was asked for outside the panel; what goes wrong is said with its remedy. */
async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (reason) {
    const { message, remedy } = WorkbenchError.from(reason);
    Notification.error([message, remedy].filter(Boolean).join(' '), {
      autoClose: 10000
    });
  }
}

class ComparisonTab extends ReactWidget {
  constructor(
    private readonly client: WorkbenchClient,
    private readonly compared: RunComparison,
    private readonly onAll: () => void
  ) {
    super();
    this.id = `modelcompose:comparison-${Date.now()}`;
    this.addClass('jp-modelcompose-Page');
    this.title.icon = guideIcon;
    this.title.closable = true;
  }

  protected override onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  protected override render(): JSX.Element {
    return (
      <div className="jp-modelcompose-Surface">
        <Comparison
          client={this.client}
          compared={this.compared}
          onClose={() => {
            this.onAll();
            this.close();
          }}
        />
      </div>
    );
  }
}
