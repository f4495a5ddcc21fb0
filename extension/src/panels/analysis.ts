import { ISessionContextDialogs, Notification } from '@jupyterlab/apputils';
import {
  INotebookTracker,
  NotebookActions,
  NotebookPanel
} from '@jupyterlab/notebook';
import { KernelMessage } from '@jupyterlab/services';
import { TranslationBundle } from '@jupyterlab/translation';
import { Debouncer } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import {
  Cell,
  Changes,
  Edit,
  ErrorBody,
  Inspection,
  Lineage,
  Planned,
  Remedy,
  Revision,
  Round,
  Run,
  RunEvent,
  Sampling,
  StepView,
  WorkbenchClient,
  WorkbenchError
} from '../api/port';
import { located } from '../components/models/located';
import { nextStep } from '../components/steps';
import { Changed } from '../components/workflow/Difference';
import { changesTo, settled, withRound } from '../components/workflow/lineage';
import { AnalysisActions, AnalysisView } from '../components/workflow/view';
import { BackgroundRuns } from './background';
import { execute, Stage } from './execution';
import {
  applyEdits,
  looksLikeAnalysis,
  project,
  readLineage,
  runningCell,
  showStep,
  Undoable,
  writeLineage
} from './notebook';

const INSPECT_AFTER_MS = 300;

/** The active notebook seen as an analysis: what the panel shows and does is read from and written to it. */
export class AnalysisModel implements AnalysisActions {
  constructor(
    private readonly client: WorkbenchClient,
    tracker: INotebookTracker,
    private readonly background: BackgroundRuns,
    private readonly localPath: (path: string) => string,
    private readonly trans: TranslationBundle,
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

  /** Whether something on the page belongs to the notebook that is acted on. */
  contains(node: Node): boolean {
    return this._panel?.node.contains(node) ?? false;
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
      tried: this.background.triedFor(path),
      lineage: readLineage(panel),
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
    void this.act(this.trans.__('Changing the parameters…'), async panel => {
      const before = await this.inspect(panel);
      const lineage = withRound(readLineage(panel), before, remedy, step);
      const { changes, label } = remedy;
      await this.change(panel, changes, label, step, lineage);
    });
  }

  async waive(step: string, by: string, reason: string): Promise<void> {
    const revision = await this.asked((cells, path) =>
      this.client.waive(cells, step, by, reason, path)
    );
    void this.act(this.trans.__('Writing it down…'), async panel => {
      this.write(
        panel,
        revision.edits,
        reason ? this.trans.__('Let it pass') : this.trans.__('Taken back')
      );
      await this.execute(panel, ...this.again(revision, step));
    });
  }

  plan(): Promise<Planned> {
    return this.asked((cells, path) => this.client.plan(cells, path));
  }

  async lockPlan(by: string): Promise<void> {
    const revision = await this.asked((cells, path) =>
      this.client.lockPlan(cells, by, path)
    );
    await this.act(this.trans.__('Locking the plan…'), async panel => {
      this.write(panel, revision.edits, this.trans.__('The plan is locked'));
      await this.inspect(panel);
    });
  }

  takeOver(): void {
    void this.act(this.trans.__('Taking the choices over…'), async panel => {
      const { run, best } = this.tried(panel) ?? {};
      if (run?.lineage && best) {
        const changes = changesTo(run.lineage, run.id);
        await this.change(panel, changes, best.label, best.step, run.lineage);
        this.closeTried();
      }
    });
  }

  openBest(): void {
    void this.act(this.trans.__('Opening the notebook…'), async panel => {
      const { best } = this.tried(panel) ?? {};
      if (best) {
        await this.background.open(best.run);
      }
    });
  }

  closeTried(): void {
    if (this._panel) {
      this.background.closeTried(this.localPath(this._panel.context.path));
    }
  }

  composeFull(): void {
    void this.act(this.trans.__('Writing the notebook…'), async panel => {
      const analysis = this._inspection?.analysis;
      if (analysis) {
        const path = this.localPath(panel.context.path);
        const composed = await this.client.compose(
          located(analysis, path),
          'full',
          path.replace(/(\.ipynb)?$/, '-full.ipynb')
        );
        await this.background.openNotebook(composed);
      }
    });
  }

  undo(): void {
    const { lineage } = this._undo ?? {};
    this._undo?.undo();
    this._undo = null;
    if (this._panel && lineage !== undefined) {
      writeLineage(this._panel, lineage);
    }
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
    void this.act(
      this.trans.__('Taking the composed version…'),
      async panel => {
        this.write(
          panel,
          await this.originals(panel, step),
          this.trans.__('Taking the composed version')
        );
        await this.inspect(panel);
      }
    );
  }

  runInBackground(autopilot = 0): void {
    void this.act(
      this.trans.__('Saving and starting the run…'),
      async panel => {
        await panel.context.save();
        const path = this.localPath(panel.context.path);
        await this.background.start(path, autopilot);
      }
    );
  }

  stopBackground(): void {
    void this.act(this.trans.__('Stopping the run…'), panel =>
      this.background.stop(this.localPath(panel.context.path))
    );
  }

  showCell(step: string): void {
    if (this._panel) {
      showStep(this._panel.content, step);
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

  /** The autopilot of a notebook that ended last, and its best round. */
  private tried(panel: NotebookPanel): { run: Run; best?: Round } | null {
    const run = this.background.triedFor(this.localPath(panel.context.path));
    const best = run?.lineage?.rounds.find(
      ({ id }) => id === run.lineage?.best
    );
    return run && { run, best };
  }

  /** Ask the server about the open notebook. */
  private asked<T>(
    ask: (cells: Cell[], path: string) => Promise<T>
  ): Promise<T> {
    const panel = this._panel;
    if (!panel) {
      throw new WorkbenchError({
        message: this.trans.__('No notebook is open.')
      });
    }
    return ask(project(panel), this.localPath(panel.context.path));
  }

  /** Change choices, keep in the notebook what was changed and why, and run what depends on it. */
  private async change(
    panel: NotebookPanel,
    changes: Changes,
    label: string,
    step: string,
    lineage: Lineage
  ): Promise<void> {
    const revision = await this.revise(panel, changes);
    const before = readLineage(panel);
    writeLineage(panel, lineage);
    this.write(panel, revision.edits, label, before);
    if (revision.kept.length > 0) {
      Notification.warning(
        this.trans.__(
          'Cells that you edited by hand were left as they are. Check that they fit the new parameters.'
        ),
        { autoClose: 8000 }
      );
    }
    await this.execute(panel, ...this.again(revision, step));
    this.settle(panel);
  }

  /** How far to run after a change, and what: of the steps that have to run again those that had run, and `step`. */
  private again(
    { again }: Revision,
    step: string
  ): [string, ReadonlySet<string>] {
    const names = this.steps.map(one => one.step);
    const had = this.steps
      .filter(one => again.includes(one.step) && one.state !== 'todo')
      .map(one => one.step);
    const last = [...had, step].reduce((one, other) =>
      names.indexOf(other) > names.indexOf(one) ? other : one
    );
    return [last, new Set(had)];
  }

  /** Once a change has been judged, the notebook says what came of it. */
  private settle(panel: NotebookPanel): void {
    const lineage = readLineage(panel);
    const news =
      lineage && this._inspection && settled(lineage, this._inspection);
    if (news) {
      writeLineage(panel, news);
      this._changed.emit();
    }
  }

  /** `lineage` is what the notebook said of its rounds before, when that changes with the edits. */
  private write(
    panel: NotebookPanel,
    edits: Edit[],
    label: string,
    lineage?: Lineage | null
  ): void {
    this._undo = { label, lineage, ...applyEdits(panel, edits) };
  }

  private run(through: string | undefined, force: string[]): void {
    if (through !== undefined) {
      void this.act(this.trans.__('Getting the kernel ready…'), async panel => {
        await this.execute(panel, through, new Set(force));
        this.settle(panel);
      });
    }
  }

  private execute(
    panel: NotebookPanel,
    through: string,
    force: ReadonlySet<string>
  ): Promise<void> {
    const stage: Stage = {
      recompose: () => this.recompose(panel),
      inspect: () => this.inspect(panel),
      enter: step => {
        this.say(
          step
            ? this.trans.__('Running: %1', step.title)
            : this.trans.__('Running…')
        );
        this.showCell(step?.step ?? '');
      },
      leave: step => {
        this._sampling = null;
        this.showCell(step?.step ?? '');
      }
    };
    return execute(panel, through, force, stage, this.dialogs);
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
  private _undo:
    ({ label: string; lineage?: Lineage | null } & Undoable) | null = null;
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
