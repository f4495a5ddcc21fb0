import {
  Changes,
  Lineage,
  Publication,
  Run,
  RunComparison,
  RunEvent,
  RunStatus,
  WorkbenchError
} from '../port';
import { fakeComparison } from './lineage';
import { FakeNotebooks } from './notebook';

/** Runs, which end when a test says so. */
export abstract class FakeRuns extends FakeNotebooks {
  readonly log: RunEvent[] = [];
  private readonly records: Run[] = [];

  /** What was asked of each run that was started. */
  readonly started: { changes: Changes; autopilot: number }[] = [];

  async startRun(
    notebook: string,
    changes: Changes = {},
    autopilot = 0
  ): Promise<Run> {
    this.check('startRun');
    this.started.push({ changes, autopilot });
    const id = String(this.records.length + 1);
    const run: Run = {
      id,
      name: `${notebook.replace('.ipynb', '')} #${id}`,
      notebook,
      status: 'running',
      started: '2026-11-20T10:00:00Z',
      ended: null,
      model: 'varying-slopes',
      message: '',
      verdicts: [],
      executed: null,
      report: null,
      app: null,
      parent: '',
      autopilot,
      lineage: null,
      kind: 'run',
      paused: false,
      partial: false,
      priority: 0,
      cores: 0,
      memory: 0,
      timeout: 0,
      retries: 0,
      attempt: 1,
      after: [],
      sampler: 'nutpie',
      seconds: null,
      tags: {}
    };
    this.records.unshift(run);
    return run;
  }

  async runs(): Promise<Run[]> {
    this.check('runs');
    return this.records.map(run => ({ ...run }));
  }

  async run(id: string): Promise<Run> {
    this.check('run');
    return { ...this.find(id) };
  }

  async events(
    id: string,
    since: number
  ): Promise<{ events: RunEvent[]; status: RunStatus }> {
    this.check('events');
    // A real server keeps the request open; a short wait stands for that.
    await new Promise(resolve => setTimeout(resolve, 5));
    const events = this.log.filter(event => event.n > since);
    return { events, status: this.find(id).status };
  }

  async stopRun(id: string): Promise<Run> {
    this.check('stopRun');
    return this.finish(id, 'stopped', 'Stopped by you.');
  }

  async cancelRun(id: string): Promise<Run> {
    this.check('cancelRun');
    return this.finish(id, 'cancelled', 'Cancelled by you.');
  }

  async pauseRun(id: string): Promise<Run> {
    this.check('pauseRun');
    const run = this.find(id);
    run.paused = true;
    this.emit({ type: 'paused' });
    return { ...run };
  }

  async resumeRun(id: string): Promise<Run> {
    this.check('resumeRun');
    const run = this.find(id);
    if (run.paused) {
      run.paused = false;
      this.emit({ type: 'continued' });
      return { ...run };
    }
    if (!['error', 'stopped', 'cancelled'].includes(run.status)) {
      throw new WorkbenchError({
        type: 'Conflict',
        message: `Run '${run.name}' has nothing to resume.`
      });
    }
    Object.assign(run, { status: 'running', message: '', ended: null });
    return { ...run };
  }

  async compareRuns(ids: string[]): Promise<RunComparison> {
    this.check('compareRuns');
    ids.forEach(id => this.find(id));
    return fakeComparison(ids);
  }

  async publish(id: string): Promise<Publication> {
    this.check('publish');
    const run = this.find(id);
    run.report = `reports/${id}.html`;
    run.app = `apps/${id}/app.ipynb`;
    return { report: run.report, app: run.app };
  }

  /** Let a run end, as the server would. */
  finish(
    id: string,
    status: RunStatus,
    message: string,
    lineage: Lineage | null = null
  ): Run {
    const run = this.find(id);
    Object.assign(run, {
      status,
      message,
      lineage,
      ended: '2026-11-20T10:00:04Z',
      executed: `runs/${id}/executed.ipynb`
    });
    this.emit({ type: 'end', status, message });
    return run;
  }

  emit(event: Record<string, unknown>): void {
    const n = this.log.length + 1;
    this.log.push({ n, time: '2026-11-20T10:00:01Z', ...event } as RunEvent);
  }

  private find(id: string): Run {
    const run = this.records.find(item => item.id === id);
    if (!run) {
      throw new WorkbenchError({
        type: 'NotFound',
        message: `There is no run ${id}.`
      });
    }
    return run;
  }
}
