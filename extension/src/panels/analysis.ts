import { ISessionContextDialogs, Notification } from '@jupyterlab/apputils';
import {
  INotebookTracker,
  NotebookActions,
  NotebookPanel
} from '@jupyterlab/notebook';
import { KernelMessage } from '@jupyterlab/services';
import { Debouncer } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import {
  Edit,
  ErrorBody,
  Changes,
  Inspection,
  Remedy,
  Revision,
  RunEvent,
  Sampling,
  StepView,
  WorkbenchClient,
  WorkbenchError
} from '../api/port';
import { failedStep, nextStep } from '../components/steps';
import { Changed } from '../components/Difference';
import { AnalysisActions, AnalysisView } from '../components/Workflow';
import { BackgroundRuns } from './background';
import {
  applyEdits,
  errorOf,
  looksLikeAnalysis,
  project,
  ranIn,
  readyKernel,
  runningCell,
  Undoable,
  widgetsOf
} from './notebook';
import { Leg, plan } from './plan';

const INSPECT_AFTER_MS = 300;

/** The active notebook seen as an analysis: what the panel shows and does is read from and written to it. */
export class AnalysisModel implements AnalysisActions {
  constructor(
    private readonly client: WorkbenchClient,
    tracker: INotebookTracker,
    private readonly background: BackgroundRuns,
    private readonly localPath: (path: string) => string,
    private readonly dialogs?: ISessionContextDialogs
  ) {
    tracker.currentChanged.connect(() => this.attach(tracker.currentWidget));
    NotebookActions.executionScheduled.connect(this.onExecution, this);
    NotebookActions.executed.connect(this.onExecution, this);
    background.changed.connect(() => this._changed.emit());
    this.attach(tracker.currentWidget);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get view(): AnalysisView | null {
    const panel = this._panel;
    const inspection = this._inspection;
    if (!panel || !inspection || !isAnalysis(inspection)) {
      return null;
    }
    const path = this.localPath(panel.context.path);
    return {
      path,
      inspection,
      running: this.runningSteps(panel, inspection.steps),
      activity: this._activity,
      sampling: this._sampling,
      background: this.background.of(path),
      error: this._error,
      undo: this._undo?.stands() ? this._undo.label : null
    };
  }

  runNext(): void {
    const next = nextStep(this.steps);
    if (next) {
      this.run(next.step, []);
    }
  }

  runRest(): void {
    this.run(this.steps.at(-1)?.step, []);
  }

  runAll(): void {
    const steps = this.steps.map(({ step }) => step);
    this.run(steps.at(-1), steps);
  }

  runStep(step: string): void {
    this.run(step, [step]);
  }

  interrupt(): void {
    void this._panel?.sessionContext.session?.kernel?.interrupt();
  }

  applyRemedy(remedy: Remedy, step: string): void {
    void this.act('Changing the parameters…', async panel => {
      const { edits, kept, from } = await this.revise(panel, remedy.changes);
      this.write(panel, edits, remedy.label);
      if (kept.length > 0) {
        Notification.warning(
          'Cells that you edited by hand were left as they are. Check that they fit the new parameters.',
          { autoClose: 8000 }
        );
      }
      const names = this.steps.map(item => item.step);
      const first = names.indexOf(from);
      const last = Math.max(first, names.indexOf(step));
      await this.execute(
        panel,
        names[last]!,
        new Set(first < 0 ? [] : names.slice(first, last + 1))
      );
    });
  }

  undo(): void {
    this._undo?.undo();
    this._undo = null;
    this._changed.emit();
  }

  /** The cells of a step that were edited by hand, beside what would be composed now. */
  async compare(step: string): Promise<Changed[]> {
    const panel = this._panel;
    const edits = panel ? await this.originals(panel, step) : [];
    const cells = panel ? project(panel) : [];
    return edits.map(({ id, source }) => ({
      mine: cells.find(cell => cell.id === id)?.source ?? '',
      composed: source
    }));
  }

  takeComposed(step: string): void {
    void this.act('Taking the composed version…', async panel => {
      this.write(
        panel,
        await this.originals(panel, step),
        'Taking the composed version'
      );
      await this.inspect(panel);
    });
  }

  runInBackground(): void {
    void this.act('Saving and starting the run…', async panel => {
      await panel.context.save();
      await this.background.start(this.localPath(panel.context.path));
    });
  }

  stopBackground(): void {
    void this.act('Stopping the run…', panel =>
      this.background.stop(this.localPath(panel.context.path))
    );
  }

  showCell(step: string): void {
    const notebook = this._panel?.content;
    const widget = notebook?.widgets.find(
      ({ model }) => model.getMetadata('modelcompose')?.step === step
    );
    if (notebook && widget) {
      // What was selected before would run together with this cell.
      notebook.deselectAll();
      notebook.activeCellIndex = notebook.widgets.indexOf(widget);
      void notebook.scrollToCell(widget, 'start');
    }
  }

  private get steps(): StepView[] {
    return this._inspection?.steps ?? [];
  }

  private revise(panel: NotebookPanel, changes: Changes): Promise<Revision> {
    const path = this.localPath(panel.context.path);
    return this.client.revise(project(panel), changes, path);
  }

  private async originals(panel: NotebookPanel, step: string): Promise<Edit[]> {
    const cells = this.steps.find(item => item.step === step)?.cells ?? [];
    const { composed } = await this.revise(panel, {});
    return composed.filter(({ id }) => cells.includes(id));
  }

  private write(panel: NotebookPanel, edits: Edit[], label: string): void {
    this._undo = { label, ...applyEdits(panel, edits) };
  }

  private run(through: string | undefined, force: string[]): void {
    if (through !== undefined) {
      void this.act('Getting the kernel ready…', panel =>
        this.execute(panel, through, new Set(force))
      );
    }
  }

  /** Run what `through` needs, step by step, and stop where a cell or a check fails. */
  private async execute(
    panel: NotebookPanel,
    through: string,
    force: ReadonlySet<string>
  ): Promise<void> {
    const kernel = await readyKernel(panel);
    if (!kernel) {
      throw new WorkbenchError({
        message: 'The notebook has no kernel.',
        remedy: 'Choose one with Kernel → Change Kernel, then try again.'
      });
    }
    await this.recompose(panel);
    const { steps } = await this.inspect(panel);
    const ran = await ranIn(kernel);
    const cells = project(panel);
    for (const leg of plan({ cells, steps, ran, through, force })) {
      if (!(await this.runLeg(panel, leg)) && leg.step !== through) {
        return;
      }
    }
  }

  /** Composed cells follow the parameters cell, also when that was changed by hand. */
  private async recompose(panel: NotebookPanel): Promise<void> {
    const followers = this.steps.flatMap(step => step.cells);
    const { edits } = await this.revise(panel, {});
    applyEdits(
      panel,
      edits.filter(({ id }) => followers.includes(id))
    );
  }

  /** Whether the leg ran and its check did not fail. */
  private async runLeg(panel: NotebookPanel, leg: Leg): Promise<boolean> {
    const title = this.steps.find(({ step }) => step === leg.step)?.title;
    this.say(title ? `Running: ${title}` : 'Running…');
    this.showCell(leg.step ?? '');
    const finished = await NotebookActions.runCells(
      panel.content,
      widgetsOf(panel, leg.cells),
      panel.sessionContext,
      this.dialogs
    );
    this._sampling = null;
    this.showCell(leg.step ?? '');
    const { steps } = await this.inspect(panel);
    const failed = failedStep(steps)?.step === leg.step;
    // A failed check may end its cell with an error: its card says more than the error would.
    if (!finished && !failed) {
      throw stopped(panel, leg, title);
    }
    return !failed;
  }

  /** One action at a time, with its busy state and its error. */
  private async act(
    activity: string,
    work: (panel: NotebookPanel) => Promise<void>
  ): Promise<void> {
    const panel = this._panel;
    if (!panel || this._activity !== null) {
      return;
    }
    this._error = null;
    this.say(activity);
    try {
      await work(panel);
    } catch (reason) {
      this._error = WorkbenchError.from(reason);
    } finally {
      this.say(null);
    }
  }

  private say(activity: string | null): void {
    this._activity = activity;
    this._changed.emit();
  }

  private attach(panel: NotebookPanel | null): void {
    if (panel === this._panel) {
      return;
    }
    this.detach();
    this._panel = panel;
    this._inspection = null;
    this._sampling = null;
    this._error = null;
    this._undo = null;
    this._changed.emit();
    if (panel) {
      panel.sessionContext.iopubMessage.connect(this.onMessage, this);
      panel.disposed.connect(this.detach, this);
      void panel.context.ready.then(() => {
        if (panel === this._panel) {
          panel.content.model?.contentChanged.connect(this.onContent, this);
          void this.refresh();
        }
      });
    }
  }

  private detach(): void {
    const panel = this._panel;
    this._panel = null;
    if (panel) {
      panel.sessionContext.iopubMessage.disconnect(this.onMessage, this);
      panel.content.model?.contentChanged.disconnect(this.onContent, this);
      panel.disposed.disconnect(this.detach, this);
    }
  }

  private onContent(): void {
    void this._inspectSoon.invoke();
  }

  private onExecution(
    _: unknown,
    args: { notebook: NotebookPanel['content'] }
  ): void {
    if (args.notebook === this._panel?.content) {
      this._changed.emit();
      this.onContent();
    }
  }

  private onMessage(_: unknown, message: KernelMessage.IMessage): void {
    if ((message.header.msg_type as string) !== 'modelcompose_event') {
      return;
    }
    const event = message.content as unknown as RunEvent;
    if (event.type === 'sampling') {
      this._sampling = event;
      this._changed.emit();
    }
  }

  private async refresh(): Promise<void> {
    const panel = this._panel;
    if (!panel) {
      return;
    }
    try {
      await this.inspect(panel);
    } catch (reason) {
      this._error = WorkbenchError.from(reason);
      this._changed.emit();
    }
  }

  /** Ask the server what the notebook is; an answer that was overtaken is dropped. */
  private async inspect(panel: NotebookPanel): Promise<Inspection> {
    const cells = project(panel);
    const turn = ++this._turn;
    const inspection = looksLikeAnalysis(cells)
      ? await this.client.inspect(cells)
      : NOT_AN_ANALYSIS;
    if (panel === this._panel && turn === this._turn) {
      this._inspection = inspection;
      this._changed.emit();
    }
    return inspection;
  }

  private runningSteps(panel: NotebookPanel, steps: StepView[]): string[] {
    const cell = runningCell(panel);
    return steps
      .filter(step => cell !== null && step.cells.includes(cell))
      .map(({ step }) => step);
  }

  private _panel: NotebookPanel | null = null;
  private _inspection: Inspection | null = null;
  private _sampling: Sampling | null = null;
  private _activity: string | null = null;
  private _error: ErrorBody | null = null;
  private _undo: ({ label: string } & Undoable) | null = null;
  private _turn = 0;
  private _changed = new Signal<this, void>(this);
  private _inspectSoon = new Debouncer(() => this.refresh(), INSPECT_AFTER_MS);
}

const NOT_AN_ANALYSIS: Inspection = {
  analysis: null,
  problem: null,
  steps: []
};

function isAnalysis({ analysis, steps }: Inspection): boolean {
  return analysis !== null || steps.length > 0;
}

function stopped(panel: NotebookPanel, leg: Leg, title = ''): WorkbenchError {
  const error = errorOf(panel, leg.cells);
  if (error?.ename === 'KeyboardInterrupt') {
    return new WorkbenchError({ message: 'Stopped.', where: title || null });
  }
  return new WorkbenchError({
    type: error?.ename ?? 'CellError',
    message: error ? error.evalue || error.ename : 'A cell did not finish.',
    where: title || null,
    remedy:
      'The notebook shows the details at the cell. Put it right, then run the step again.'
  });
}
