import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { ISignal, Signal } from '@lumino/signaling';

import { Guide } from '../components/Guide';
import { WizardStore } from '../components/wizard';
import { WordsProvider } from '../components/words';
import { guideIcon } from './icon';
import { IWorkbench } from './workbench';

/** The guide, in JupyterLab's left sidebar or in a tab of the main area. */
export class GuidePanel extends ReactWidget {
  constructor(
    id: string,
    private readonly workbench: IWorkbench,
    private readonly wizard: WizardStore
  ) {
    super();
    this.id = id;
    this.addClass('jp-modelcompose-Panel');
    this.title.icon = guideIcon;
  }

  /** Begin a new analysis with a file of the workspace. */
  analyse(path: string): void {
    this._request = { path };
    this._requested.emit();
  }

  /** Show the tour; `onEnd` is called when it was closed. */
  showTour(onEnd: () => void): void {
    this._onTourEnd = () => {
      this._onTourEnd = null;
      this._requested.emit();
      onEnd();
    };
    this._requested.emit();
  }

  /** Emitted when the panel came into view or went out of it. */
  get shown(): ISignal<this, boolean> {
    return this._shown;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._shown.emit(true);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._shown.emit(false);
  }

  protected override onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  protected override render(): JSX.Element {
    const { client, host, model, background, trans } = this.workbench;
    return (
      <WordsProvider value={trans}>
        <UseSignal signal={this._requested}>
          {() => (
            <UseSignal signal={model.changed}>
              {() => (
                <Guide
                  client={client}
                  host={host}
                  view={model.view}
                  actions={model}
                  wizard={this.wizard}
                  request={this._request}
                  runsRevision={background.revision}
                  onTourEnd={this._onTourEnd}
                  onRunStarted={run => background.follow(run)}
                />
              )}
            </UseSignal>
          )}
        </UseSignal>
      </WordsProvider>
    );
  }

  private _onTourEnd: (() => void) | null = null;
  private _request: { path: string } | null = null;
  private _shown = new Signal<this, boolean>(this);
  private _requested = new Signal<this, void>(this);
}
