import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';

import { RunsPage } from '../components/runs/RunsPage';
import { guideIcon } from './icon';
import { IWorkbench } from './workbench';

/** The runs of the workspace, in a tab of the main area. */
export class RunsPanel extends ReactWidget {
  constructor(
    private readonly workbench: IWorkbench,
    label: string
  ) {
    super();
    this.id = 'modelcompose:runs';
    this.addClass('jp-modelcompose-Panel');
    this.title.icon = guideIcon;
    this.title.label = label;
    this.title.closable = true;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._seen.emit();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._seen.emit();
  }

  protected override render(): JSX.Element {
    const { client, host, background } = this.workbench;
    return (
      <UseSignal signal={this._seen}>
        {() => (
          <div className="jp-modelcompose-Surface jp-modelcompose-Tab">
            <RunsPage
              client={client}
              host={host}
              visible={this.isVisible}
              onStarted={run => background.follow(run)}
            />
          </div>
        )}
      </UseSignal>
    );
  }

  private _seen = new Signal<this, void>(this);
}
