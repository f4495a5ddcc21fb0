import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';

import { SamplerPage } from '../components/sampler/SamplerPage';
import { guideIcon } from './icon';
import { IWorkbench } from './workbench';

/** How one run samples, in a tab that docks anywhere. */
export class SamplerPanel extends ReactWidget {
  constructor(
    private readonly workbench: IWorkbench,
    readonly run: { id: string; name: string }
  ) {
    super();
    this.id = `modelcompose:sampler-${run.id}`;
    this.addClass('jp-modelcompose-Panel');
    this.title.icon = guideIcon;
    this.title.label = run.name;
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
    const { client, host } = this.workbench;
    return (
      <UseSignal signal={this._seen}>
        {() => (
          <div className="jp-modelcompose-Surface jp-modelcompose-Tab">
            <SamplerPage
              client={client}
              host={host}
              id={this.run.id}
              visible={this.isVisible}
            />
          </div>
        )}
      </UseSignal>
    );
  }

  private _seen = new Signal<this, void>(this);
}
