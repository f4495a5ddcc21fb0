import {
  Changes,
  Lineage,
  NotebookDifference,
  Posteriors,
  Publication,
  Published,
  PublishMode,
  ReportFormat,
  Run,
  RunComparison,
  Annotation,
  Deleted,
  RunEvent,
  RunPage,
  RunQuery,
  RunRecord,
  RunStatus,
  RunView,
  WorkbenchError
} from '../port';
import { fakeComparison } from './lineage';
import { FakeNotebooks } from './notebook';

/** Runs, which end when a test says so. */
export abstract class FakeRuns extends FakeNotebooks {
  readonly log: RunEvent[] = [];
  private records: Run[] = [];
  private trashed: Run[] = [];
  private savedViews: RunView[] = [];
  /** What is published. */
  shelf: Published[] = [];

  /** What was asked of each run that was started. */
  readonly started: { changes: Changes; autopilot: number }[] = [];

  async startRun(
    notebook: string,
    changes: Changes = {},
    autopilot = 0
  ): Promise<Run> {
    this.check('startRun');
    this.started.push({ changes, autopilot });
    const id = String(this.started.length);
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
      page: null,
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
      data: 'sleepstudy.csv',
      elpd: null,
      elpd_se: null,
      reproduces: '',
      grade: '',
      starred: false,
      note: '',
      tags: {}
    };
    this.records.unshift(run);
    return run;
  }

  async runs(): Promise<Run[]> {
    this.check('runs');
    return this.records.map(run => ({ ...run }));
  }

  /** The pages that were asked for. */
  readonly asked: (RunQuery & { page: string })[] = [];

  /** How many runs are on a page. */
  pageSize = 100;

  async runPage(query: RunQuery, page = ''): Promise<RunPage> {
    this.check('runPage');
    this.asked.push({ ...query, page });
    const { text, sort, trash } = query;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = (trash ? this.trashed : this.records).filter(run =>
      words.every(word =>
        word === 'starred'
          ? run.starred
          : word.startsWith('status:')
            ? run.status === word.slice(7)
            : `${run.name} ${run.model}`.toLowerCase().includes(word)
      )
    );
    const column = sort.replace('-', '') as keyof Run;
    if (sort) {
      const sign = sort.startsWith('-') ? -1 : 1;
      found.sort((a, b) => (a[column]! > b[column]! ? sign : -sign));
    }
    const from = Number(page || 0);
    const to = from + this.pageSize;
    return {
      runs: found.slice(from, to).map(run => ({ ...run })),
      next: to < found.length ? String(to) : ''
    };
  }

  async runRecord(id: string): Promise<RunRecord> {
    this.check('runRecord');
    this.find(id);
    return {
      record: {
        data: { source: 'sleepstudy.csv', version: 'sleep@2', rows: 180 },
        recipe: [{ do: 'filter' }, { do: 'rename' }],
        git: { commit: '0123456789abcdef' }
      },
      sentences: ['It rests on version 2 of sleep.']
    };
  }

  async reproduceRun(id: string): Promise<Run> {
    this.check('reproduceRun');
    const run = await this.startRun(this.find(id).notebook);
    run.reproduces = id;
    return run;
  }

  async annotateRun(id: string, noted: Annotation): Promise<Run> {
    this.check('annotateRun');
    const run = this.find(id);
    const tags = Object.entries({ ...run.tags, ...noted.tags });
    Object.assign(run, noted, {
      tags: Object.fromEntries(tags.filter(([, value]) => value !== null))
    });
    return { ...run };
  }

  async trashRuns(ids: string[]): Promise<void> {
    this.check('trashRuns');
    this.trashed.push(...ids.map(id => this.find(id)));
    this.records = this.records.filter(({ id }) => !ids.includes(id));
  }

  async restoreRuns(ids: string[]): Promise<void> {
    this.check('restoreRuns');
    this.records.push(...this.trashed.filter(({ id }) => ids.includes(id)));
    this.trashed = this.trashed.filter(({ id }) => !ids.includes(id));
  }

  async deleteRuns(ids: string[]): Promise<Deleted> {
    this.check('deleteRuns');
    const gone = this.trashed.filter(
      ({ id }) => ids.length === 0 || ids.includes(id)
    );
    this.trashed = this.trashed.filter(run => !gone.includes(run));
    return {
      deleted: gone.map(({ id, name }) => ({
        ...{ id, name, kept: [] },
        bytes: 2_500_000
      })),
      bytes: 2_500_000 * gone.length
    };
  }

  async runViews(): Promise<RunView[]> {
    this.check('runViews');
    return [...this.savedViews];
  }

  async saveRunView(view: RunView): Promise<RunView[]> {
    this.check('saveRunView');
    const others = this.savedViews.filter(({ name }) => name !== view.name);
    this.savedViews = [...others, view];
    return [...this.savedViews];
  }

  async removeRunView(name: string): Promise<RunView[]> {
    this.check('removeRunView');
    this.savedViews = this.savedViews.filter(one => one.name !== name);
    return [...this.savedViews];
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

  async comparePosteriors(
    ids: string[],
    names: string[] = []
  ): Promise<Posteriors> {
    this.check('comparePosteriors');
    const x = [-2, -1, 0, 1, 2];
    const curve = (at: number) => ({
      x: x.map(value => value + at),
      y: [0.05, 0.24, 0.4, 0.24, 0.05],
      at: null
    });
    const available = ['Intercept', 'Days', 'sigma'];
    return {
      quantities: (names.length > 0 ? names : available).map(name => ({
        name,
        runs: Object.fromEntries(ids.map((id, at) => [id, curve(at)]))
      })),
      available: [...available, '1|Subject[308]'],
      without: []
    };
  }

  async compareNotebooks(ids: string[]): Promise<NotebookDifference> {
    this.check('compareNotebooks');
    const source = (at: number) => `draws = 1000\nmodel = "model-${at}"`;
    return {
      cells: [
        {
          step: 'parameters',
          runs: Object.fromEntries(ids.map((id, at) => [id, source(at)]))
        }
      ],
      same: 9,
      without: []
    };
  }

  async publish(
    id: string,
    mode: PublishMode | '' = '',
    format: ReportFormat = 'html'
  ): Promise<Publication> {
    this.check('publish');
    const run = this.find(id);
    const made: Publication = { report: null, page: null, app: null };
    const paths = {
      report: `reports/${id}.${format}`,
      page: `pages/${id}.html`,
      app: `apps/${id}/app.ipynb`
    };
    for (const one of mode ? [mode] : (['report', 'app'] as const)) {
      made[one] = paths[one];
      if (one !== 'report' || format === 'html') {
        run[one] = paths[one];
      }
      this.shelf = [
        {
          path: paths[one],
          mode: one,
          format: one === 'report' ? format : 'html',
          run: id,
          name: run.name,
          notebook: run.notebook,
          when: '2026-11-21T10:00:00+00:00',
          stale: [],
          url: ''
        },
        ...this.shelf.filter(({ path }) => path !== paths[one])
      ];
    }
    return made;
  }

  async published(): Promise<Published[]> {
    this.check('published');
    return this.shelf;
  }

  async unpublish(path: string): Promise<void> {
    this.check('unpublish');
    this.shelf = this.shelf.filter(one => one.path !== path);
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
