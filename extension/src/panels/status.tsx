import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';

import { BackgroundRuns } from './background';
import { guideIcon } from './icon';
import { IWorkbench } from './workbench';

/** How many runs are under way; a click shows them. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:status',
  description: 'Shows in the status bar how many runs are under way.',
  autoStart: true,
  requires: [IWorkbench, IStatusBar],
  activate: (
    _: JupyterFrontEnd,
    { background, host, trans }: IWorkbench,
    bar: IStatusBar
  ) => {
    bar.registerStatusItem('modelcompose:runs', {
      item: new RunningRuns(background, trans, () => host.openRuns()),
      align: 'left',
      rank: 20,
      isActive: () => background.active.length > 0,
      activeStateChanged: background.changed
    });
  }
};

class RunningRuns extends ReactWidget {
  constructor(
    private readonly background: BackgroundRuns,
    private readonly trans: TranslationBundle,
    private readonly onOpen: () => void
  ) {
    super();
  }

  protected override render(): JSX.Element {
    return (
      <UseSignal signal={this.background.changed}>
        {() => {
          const { active } = this.background;
          const text = this.trans._n('%1 run', '%1 runs', active.length);
          return (
            <button
              className="jp-modelcompose-Status"
              title={active
                .map(({ run, step }) => [run.name, step].join(' · '))
                .join('\n')}
              onClick={this.onOpen}
            >
              <guideIcon.react tag="span" aria-hidden="true" />
              {text}
            </button>
          );
        }}
      </UseSignal>
    );
  }
}
