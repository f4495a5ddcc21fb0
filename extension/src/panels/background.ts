import { Notification } from '@jupyterlab/apputils';
import { ISignal, Signal } from '@lumino/signaling';

import { followRun } from '../api/follow';
import { Host, Run, RunEvent, WorkbenchClient } from '../api/port';
import { RUN_WORDS } from '../components/steps';
import { Background } from '../components/Workflow';

/** Follows runs while JupyterLab is open and says when one has ended. */
export class BackgroundRuns {
  constructor(
    private readonly client: WorkbenchClient,
    private readonly host: Host
  ) {}

  /** Emitted when there is news of any run. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Counts the runs that began or ended. */
  get revision(): number {
    return this._revision;
  }

  of(notebook: string): Background | null {
    return this._active.get(notebook) ?? null;
  }

  async start(notebook: string): Promise<void> {
    this.follow(await this.client.startRun(notebook));
  }

  async stop(notebook: string): Promise<void> {
    const active = this._active.get(notebook);
    if (active) {
      await this.client.stopRun(active.run.id);
    }
  }

  /** Take up the runs that were under way before the page was loaded. */
  async resume(): Promise<void> {
    const runs = await this.client.runs();
    runs
      .filter(run => run.status === 'running')
      .forEach(run => this.follow(run));
  }

  private follow(run: Run): void {
    this._active.set(run.notebook, { run, step: '', sampling: null });
    this._revision++;
    this._changed.emit();
    void followRun(
      this.client,
      run.id,
      event => this.take(run.notebook, event),
      new AbortController().signal
    )
      .then(() => this.client.run(run.id))
      .then(ended => this.announce(ended))
      .catch(reason => console.warn('The run cannot be followed.', reason))
      .finally(() => {
        this._active.delete(run.notebook);
        this._revision++;
        this._changed.emit();
      });
  }

  private take(notebook: string, event: RunEvent): void {
    const active = this._active.get(notebook);
    if (!active) {
      return;
    }
    if (event.type === 'sampling') {
      this._active.set(notebook, { ...active, sampling: event });
    } else if (event.type === 'step' && event.state === 'started') {
      const step = `step ${event.index} of ${event.count}`;
      this._active.set(notebook, { ...active, step, sampling: null });
    }
    this._changed.emit();
  }

  private announce(run: Run): void {
    const { executed } = run;
    const message = `${run.name}: ${RUN_WORDS[run.status].toLowerCase()}. ${run.message}`;
    const open = {
      label: 'Open result',
      callback: () => void this.host.openNotebook(executed!)
    };
    Notification.emit(message.trim(), NOTES[run.status], {
      autoClose: false,
      actions: executed ? [open] : []
    });
  }

  private _active = new Map<string, Background>();
  private _revision = 0;
  private _changed = new Signal<this, void>(this);
}

const NOTES = {
  running: 'info',
  passed: 'success',
  warned: 'warning',
  failed: 'error',
  stopped: 'info',
  error: 'error'
} as const;
