import { Notification } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { ISignal, Signal } from '@lumino/signaling';

import { followRun } from '../api/follow';
import {
  hasEnded,
  Run,
  RunEvent,
  RunStatus,
  WorkbenchClient
} from '../api/port';
import { BEGUN, follow } from '../components/following';
import { RUN_WORDS } from '../components/steps';
import { outcome } from '../components/workflow/lineage';
import { Background } from '../components/workflow/view';
import { LabHost } from './host';

/** Follows runs while JupyterLab is open and says when one has ended. */
export class BackgroundRuns {
  constructor(
    private readonly client: WorkbenchClient,
    private readonly host: Pick<LabHost, 'openNotebook'>,
    private readonly trans: TranslationBundle
  ) {}

  /** Which runs are announced when they end; settings may say less. */
  announces: (ended: RunStatus) => boolean = () => true;

  /** Emitted when there is news of any run. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Counts the runs that began or ended. */
  get revision(): number {
    return this._revision;
  }

  /** The runs that are under way. */
  get active(): Background[] {
    return [...this._active.values()];
  }

  of(notebook: string): Background | null {
    return this._active.get(notebook) ?? null;
  }

  /** The autopilot of a notebook that ended last, until it is closed. */
  triedFor(notebook: string): Run | null {
    return this._tried.get(notebook) ?? null;
  }

  closeTried(notebook: string): void {
    this._tried.delete(notebook);
    this._changed.emit();
  }

  async start(notebook: string, autopilot = 0): Promise<void> {
    const run = await this.client.startRun(notebook, {}, autopilot);
    this._tried.delete(notebook);
    this.follow(run);
  }

  async stop(notebook: string): Promise<void> {
    const active = this._active.get(notebook);
    if (active) {
      await this.client.stopRun(active.run.id);
    }
  }

  /** Open the executed notebook of a run. */
  async open(id: string): Promise<void> {
    const { executed } = await this.client.run(id);
    if (executed) {
      await this.host.openNotebook(executed);
    }
  }

  /** Open a notebook of the workspace. */
  openNotebook(path: string): Promise<void> {
    return this.host.openNotebook(path);
  }

  /** Take up the runs that were under way before the page was loaded. */
  async resume(): Promise<void> {
    const runs = await this.client.runs();
    runs.filter(run => !hasEnded(run.status)).forEach(run => this.follow(run));
  }

  /** Follow a run until it ends; one that is followed already goes on being so. */
  follow(run: Run): void {
    if (this._active.get(run.notebook)?.run.id === run.id) {
      return;
    }
    this._active.set(run.notebook, { run, ...BEGUN });
    this._revision++;
    this._changed.emit();
    void followRun(
      this.client,
      run.id,
      event => this.take(run, event),
      new AbortController().signal
    )
      .then(() => this.client.run(run.id))
      .then(ended => this.announce(ended))
      .catch(reason => console.warn('The run cannot be followed.', reason))
      .finally(() => {
        if (this._active.get(run.notebook)?.run.id === run.id) {
          this._active.delete(run.notebook);
        }
        this._revision++;
        this._changed.emit();
      });
  }

  private take({ id, notebook }: Run, event: RunEvent): void {
    const active = this._active.get(notebook);
    if (active?.run.id === id) {
      this._active.set(notebook, { ...active, ...follow(active, event) });
      this._changed.emit();
    }
  }

  private announce(run: Run): void {
    const { executed, lineage } = run;
    if (lineage) {
      this._tried.set(run.notebook, run);
    }
    const ended = outcome(run);
    const message = `${run.name}: ${this.trans.__(RUN_WORDS[ended])}. ${lineage?.stopped || run.message}`;
    if (!this.announces(ended)) {
      return;
    }
    const open = (label: string, step?: string) => ({
      label,
      callback: () => void this.host.openNotebook(executed!, step)
    });
    const { step } = telling(run);
    const answer = hasFailed(ended)
      ? this.trans.__('See what failed')
      : this.trans.__('See the answer');
    Notification.emit(message.trim(), NOTES[ended], {
      autoClose: false,
      actions: executed
        ? [...(step ? [open(answer, step)] : []), open(this.trans.__('Open'))]
        : []
    });
  }

  private _active = new Map<string, Background>();
  private _tried = new Map<string, Run>();
  private _revision = 0;
  private _changed = new Signal<this, void>(this);
}

const NOTES = {
  queued: 'info',
  running: 'info',
  passed: 'success',
  warned: 'warning',
  failed: 'error',
  stopped: 'info',
  cancelled: 'info',
  error: 'error'
} as const;

function hasFailed(status: RunStatus): boolean {
  return status === 'failed' || status === 'error';
}

/** The verdict that tells most: the first that failed, or the last. */
function telling({ verdicts }: Run): { step?: string } {
  const failed = verdicts.find(one => one.status === 'fail' && !one.waived);
  return failed ?? verdicts.find(one => one.step === 'answer') ?? {};
}
