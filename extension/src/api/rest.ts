import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import {
  AddedVersion,
  Analysis,
  Annotation,
  Answer,
  Cell,
  Changes,
  Contract,
  DataDescription,
  DatasetHistory,
  Deleted,
  Elicited,
  Inspection,
  ModelCard,
  ModelCheck,
  ModelSummary,
  NotebookDifference,
  Plan,
  Planned,
  Posteriors,
  PriorPrediction,
  PriorTable,
  Publication,
  Published,
  PublishMode,
  ReportFormat,
  Recommendation,
  RecipeStep,
  Revision,
  Run,
  RunComparison,
  RunEvent,
  RunPage,
  RunQuery,
  RunRecord,
  RunStatus,
  RunView,
  Sample,
  Schema,
  StepPreview,
  StoredDataset,
  TableProfile,
  Thresholds,
  VersionDifference,
  Views,
  WorkbenchClient,
  WorkbenchError,
  WorkflowName
} from './port';

const PATIENCE_S = 20;
const PAGE = 100;

/** The workbench behind jupyter-server's REST interface. */
export class RestWorkbench implements WorkbenchClient {
  constructor(private readonly settings = ServerConnection.makeSettings()) {}

  schema(): Promise<Schema> {
    return this.get('schema');
  }

  async samples(): Promise<Sample[]> {
    return (await this.get<{ samples: Sample[] }>('samples')).samples;
  }

  async addSample(name: string): Promise<Analysis> {
    const added = await this.post<{ path: string; analysis?: object }>(
      `samples/${encodeURIComponent(name)}`
    );
    return { ...added.analysis, data: added.path };
  }

  describe(analysis: Analysis): Promise<DataDescription> {
    return this.post('data/describe', { analysis });
  }

  profile(analysis: Analysis): Promise<TableProfile> {
    return this.post('data/profile', { analysis });
  }

  preview(analysis: Analysis, step: RecipeStep): Promise<StepPreview> {
    return this.post('data/preview', { analysis, step });
  }

  async script(analysis: Analysis): Promise<string> {
    return (await this.post<{ script: string }>('data/script', { analysis }))
      .script;
  }

  async paste(text: string): Promise<string> {
    return (await this.post<{ data: string }>('data/paste', { text })).data;
  }

  async datasets(): Promise<StoredDataset[]> {
    return (await this.get<{ datasets: StoredDataset[] }>('data')).datasets;
  }

  addVersion(
    analysis: Analysis,
    name: string,
    message: string
  ): Promise<AddedVersion> {
    return this.post('data', { analysis, name, message });
  }

  history(name: string): Promise<DatasetHistory> {
    return this.get(dataPath(name));
  }

  difference(
    name: string,
    old: number,
    next: number
  ): Promise<VersionDifference> {
    return this.get(`${dataPath(name)}/diff?old=${old}&new=${next}`);
  }

  async contract(name: string): Promise<Contract | null> {
    const path = `${dataPath(name)}/contract`;
    return (await this.get<{ contract: Contract | null }>(path)).contract;
  }

  async agree(name: string, rules: Contract | null): Promise<Contract> {
    const path = `${dataPath(name)}/contract`;
    return (await this.post<{ contract: Contract }>(path, { contract: rules }))
      .contract;
  }

  async rollBack(name: string, version: number): Promise<string> {
    const path = `${dataPath(name)}/rollback`;
    return (await this.post<{ data: string }>(path, { version: `${version}` }))
      .data;
  }

  async removeVersion(name: string, version: number): Promise<void> {
    await this.post(`${dataPath(name)}/remove`, { version: `${version}` });
  }

  async verify(name: string): Promise<{ checked: number; problems: string[] }> {
    const { checked, problems } = await this.post<{
      checked: number;
      problems: { number: number; problem: string }[];
    }>('data/verify', { name });
    return {
      checked,
      problems: problems.map(one => `${one.number}: ${one.problem}`)
    };
  }

  async exportVersion(
    name: string,
    version: number,
    path: string
  ): Promise<string> {
    const body = { version: `${version}`, path };
    return (await this.post<{ path: string }>(`${dataPath(name)}/export`, body))
      .path;
  }

  recommend(analysis: Analysis): Promise<Recommendation> {
    return this.post('models/recommend', { analysis });
  }

  async listModels(): Promise<ModelSummary[]> {
    return (await this.get<{ models: ModelSummary[] }>('models')).models;
  }

  showModel(id: string): Promise<ModelCard> {
    return this.get(modelPath(id));
  }

  views(analysis: Analysis, code: string): Promise<Views> {
    return this.post('models/views', { analysis, code });
  }

  priors(analysis: Analysis): Promise<PriorTable> {
    return this.post('models/priors', { analysis });
  }

  priorPrediction(analysis: Analysis): Promise<PriorPrediction> {
    return this.post('models/prior-predictive', { analysis });
  }

  elicit(analysis: Analysis, name: string, answer: Answer): Promise<Elicited> {
    return this.post('models/elicit', { analysis, name, answer });
  }

  async newModel(name: string, like: string): Promise<string> {
    return (await this.post<{ path: string }>('models', { name, like })).path;
  }

  checkModel(path: string, analysis: Partial<Analysis>): Promise<ModelCheck> {
    return this.post('models/check', { path, analysis });
  }

  addModel(path: string): Promise<{ id: string; path: string }> {
    return this.post('models/add', { path });
  }

  async forkModel(id: string, name: string): Promise<string> {
    const path = `${modelPath(id)}/fork`;
    return (await this.post<{ path: string }>(path, { name })).path;
  }

  async adoptModel(
    id: string,
    analysis: Analysis,
    mapping: Record<string, string>
  ): Promise<Changes> {
    const path = `${modelPath(id)}/adopt`;
    return (await this.post<{ changes: Changes }>(path, { analysis, mapping }))
      .changes;
  }

  async removeModel(id: string): Promise<void> {
    await this.post(`${modelPath(id)}/remove`);
  }

  async compose(
    analysis: Analysis,
    workflow: WorkflowName = 'simple',
    path = ''
  ): Promise<string> {
    const body = { analysis, workflow, path };
    return (await this.post<{ path: string }>('notebooks/compose', body)).path;
  }

  inspect(cells: Cell[]): Promise<Inspection> {
    return this.post('notebooks/inspect', { cells });
  }

  revise(cells: Cell[], changes: Changes, path: string): Promise<Revision> {
    return this.post('notebooks/revise', { cells, changes, path });
  }

  waive(
    cells: Cell[],
    step: string,
    by: string,
    reason: string,
    path: string
  ): Promise<Revision> {
    return this.post('notebooks/waive', { cells, step, by, reason, path });
  }

  lockPlan(
    cells: Cell[],
    by: string,
    path: string
  ): Promise<Revision & { plan: Plan }> {
    return this.post('notebooks/lock-plan', { cells, by, path });
  }

  plan(cells: Cell[], path: string): Promise<Planned> {
    return this.post('notebooks/plan', { cells, path });
  }

  thresholds(policy: string): Promise<Thresholds> {
    return this.get(`thresholds?policy=${encodeURIComponent(policy)}`);
  }

  startRun(
    notebook: string,
    changes: Changes = {},
    autopilot = 0
  ): Promise<Run> {
    return this.post('runs', { notebook, changes, autopilot });
  }

  async runs(): Promise<Run[]> {
    return (await this.get<{ runs: Run[] }>('runs')).runs;
  }

  run(id: string): Promise<Run> {
    return this.get(runPath(id));
  }

  runPage({ text, sort, trash }: RunQuery, page = ''): Promise<RunPage> {
    const query = new URLSearchParams({
      ...{ limit: `${PAGE}`, text, sort, page },
      trash: `${trash}`
    });
    return this.get(`runs?${query}`);
  }

  events(
    id: string,
    since: number,
    patience = PATIENCE_S
  ): Promise<{ events: RunEvent[]; status: RunStatus }> {
    return this.get(`${runPath(id)}/events?since=${since}&wait=${patience}`);
  }

  stopRun(id: string): Promise<Run> {
    return this.post(`${runPath(id)}/stop`);
  }

  cancelRun(id: string): Promise<Run> {
    return this.post(`${runPath(id)}/cancel`);
  }

  pauseRun(id: string): Promise<Run> {
    return this.post(`${runPath(id)}/pause`);
  }

  resumeRun(id: string): Promise<Run> {
    return this.post(`${runPath(id)}/resume`);
  }

  runRecord(id: string): Promise<RunRecord> {
    return this.get(`${runPath(id)}/record`);
  }

  reproduceRun(id: string): Promise<Run> {
    return this.post(`${runPath(id)}/reproduce`);
  }

  annotateRun(id: string, noted: Annotation): Promise<Run> {
    return this.post(`${runPath(id)}/annotate`, noted);
  }

  async trashRuns(ids: string[]): Promise<void> {
    await this.post('runs/trash', { ids });
  }

  async restoreRuns(ids: string[]): Promise<void> {
    await this.post('runs/restore', { ids });
  }

  deleteRuns(ids: string[]): Promise<Deleted> {
    return this.post('runs/delete', { ids });
  }

  async runViews(): Promise<RunView[]> {
    return (await this.get<{ views: RunView[] }>('views')).views;
  }

  async saveRunView(view: RunView): Promise<RunView[]> {
    return (await this.post<{ views: RunView[] }>('views', view)).views;
  }

  async removeRunView(name: string): Promise<RunView[]> {
    const path = `views/${encodeURIComponent(name)}/remove`;
    return (await this.post<{ views: RunView[] }>(path)).views;
  }

  compareRuns(ids: string[]): Promise<RunComparison> {
    return this.post('runs/compare', { ids });
  }

  comparePosteriors(ids: string[], names: string[] = []): Promise<Posteriors> {
    return this.post('runs/posteriors', { ids, names });
  }

  compareNotebooks(ids: string[]): Promise<NotebookDifference> {
    return this.post('runs/notebooks', { ids });
  }

  publish(
    id: string,
    mode: PublishMode | '' = '',
    format: ReportFormat = 'html'
  ): Promise<Publication> {
    return this.post(`${runPath(id)}/publish`, { mode, format });
  }

  async published(): Promise<Published[]> {
    const found = await this.get<{ published: Published[] }>('published');
    return found.published;
  }

  async unpublish(path: string): Promise<void> {
    await this.post('published/remove', { what: path });
  }

  private get<T>(path: string): Promise<T> {
    return this.request(path, { method: 'GET' });
  }

  private post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.request(path, { method: 'POST', body: JSON.stringify(body) });
  }

  private async request<T>(path: string, init: RequestInit): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, 'modelcompose/api', path);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        url,
        // Otherwise JupyterLab appends the time to the address, an argument that the server does not know.
        { ...init, cache: 'no-cache' },
        this.settings
      );
    } catch (reason) {
      throw unreachable(reason);
    }
    const body = parse(await response.text());
    if (!response.ok) {
      throw refusal(response, body);
    }
    return body as T;
  }
}

function dataPath(name: string): string {
  return `data/${encodeURIComponent(name)}`;
}

function modelPath(id: string): string {
  return `models/${encodeURIComponent(id)}`;
}

function runPath(id: string): string {
  return `runs/${encodeURIComponent(id)}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable(reason: unknown): WorkbenchError {
  return new WorkbenchError({
    type: 'Unreachable',
    message: 'The Jupyter server does not answer.',
    where: reason instanceof Error ? reason.message : null,
    remedy:
      'Check that the server is running and that you are online, then try again.'
  });
}

function refusal(response: Response, body: unknown): WorkbenchError {
  const error = (body as { error?: { message?: unknown } } | null)?.error;
  if (typeof error?.message === 'string') {
    return new WorkbenchError(error as { message: string });
  }
  if (response.status === 404) {
    return new WorkbenchError({
      type: 'Missing',
      message: 'The ModelCompose part of the Jupyter server is not running.',
      remedy:
        'Enable it with “jupyter server extension enable modelcompose.server” and restart the server.'
    });
  }
  return new WorkbenchError({
    type: 'ServerError',
    message: `The server answered ${response.status} ${response.statusText}.`,
    remedy: 'Try again; if it happens again, the server log says why.'
  });
}
