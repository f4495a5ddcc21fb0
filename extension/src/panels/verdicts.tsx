import { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  ITranslator,
  nullTranslator,
  TranslationBundle
} from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';

import { Verdict, VERDICT_MIME } from '../api/port';
import { WordsProvider } from '../components/words';
import { lastChange } from '../components/workflow/lineage';
import { isVerdict, VerdictOutput } from '../components/workflow/VerdictOutput';
import { verdictActions } from '../components/workflow/view';
import { AnalysisModel } from './analysis';
import { IWorkbench } from './workbench';

/** Before HTML, which stands beside every verdict for viewers that do not know it. */
const RANK = 10;

/** Draws a verdict as the guide's card; its buttons act where it stands in the active analysis. */
export class RenderedVerdict
  extends ReactWidget
  implements IRenderMime.IRenderer
{
  constructor(
    private readonly model: AnalysisModel | null,
    private readonly trans: TranslationBundle
  ) {
    super();
  }

  renderModel(mime: IRenderMime.IMimeModel): Promise<void> {
    this._mime = mime;
    this.update();
    return Promise.resolve();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    // Which notebook it belongs to is known only now.
    this.update();
  }

  protected override render(): JSX.Element {
    const verdict = this._mime?.data[VERDICT_MIME];
    if (!isVerdict(verdict)) {
      return <pre>{String(this._mime?.data['text/plain'] ?? '')}</pre>;
    }
    const { model } = this;
    return (
      <WordsProvider value={this.trans}>
        {model ? (
          <UseSignal signal={model.changed}>
            {() => this.draw(verdict)}
          </UseSignal>
        ) : (
          this.draw(verdict)
        )}
      </WordsProvider>
    );
  }

  private draw(verdict: Verdict): JSX.Element {
    const { model } = this;
    const view = model?.contains(this.node) ? model.view : null;
    const step = view?.inspection.steps.find(one => one.step === verdict.step);
    const picture = this._mime?.data['image/png'];
    return (
      <VerdictOutput
        verdict={verdict}
        picture={typeof picture === 'string' ? picture : ''}
        stale={step?.stale ?? false}
        change={view && lastChange(view.lineage, verdict.step)}
        actions={
          model && view && step
            ? verdictActions(view, model, verdict.step)
            : null
        }
      />
    );
  }

  private _mime: IRenderMime.IMimeModel | null = null;
}

export const verdictsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelcompose:verdicts',
  description: 'Draws the verdicts of steps as cards in notebooks.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [IWorkbench, ITranslator],
  activate: (
    _,
    rendermime: IRenderMimeRegistry,
    workbench: IWorkbench | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('modelcompose');
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [VERDICT_MIME],
        createRenderer: () =>
          new RenderedVerdict(workbench?.model ?? null, trans)
      },
      RANK
    );
  }
};
