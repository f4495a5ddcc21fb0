import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';

import { Host, WorkbenchClient } from '../api/port';
import { Guide } from '../components/Guide';
import { AnalysisModel } from './analysis';
import { BackgroundRuns } from './background';
import { guideIcon } from './icon';

/** The guide in JupyterLab's left sidebar. */
export class GuidePanel extends ReactWidget {
  constructor(
    private readonly client: WorkbenchClient,
    private readonly host: Host,
    private readonly model: AnalysisModel,
    private readonly background: BackgroundRuns
  ) {
    super();
    this.id = 'modelcompose:guide';
    this.addClass('jp-modelcompose-Panel');
    this.title.icon = guideIcon;
    this.title.caption = 'ModelCompose';
  }

  /** Begin a new analysis with a file of the workspace. */
  analyse(path: string): void {
    this._request = { path };
    this._requested.emit();
  }

  protected override render(): JSX.Element {
    return (
      <UseSignal signal={this._requested}>
        {() => (
          <UseSignal signal={this.model.changed}>
            {() => (
              <Guide
                client={this.client}
                host={this.host}
                view={this.model.view}
                actions={this.model}
                request={this._request}
                runsRevision={this.background.revision}
              />
            )}
          </UseSignal>
        )}
      </UseSignal>
    );
  }

  private _request: { path: string } | null = null;
  private _requested = new Signal<this, void>(this);
}
