/** Runs in the background, what changed from round to round, and runs side by side. */

import type { Changes } from './port';
import type { Status } from './workflow';

export type RunStatus =
  | 'queued'
  | 'running'
  | 'passed'
  | 'warned'
  | 'failed'
  | 'stopped'
  | 'cancelled'
  | 'error';

/** Whether nothing more happens to a run by itself. */
export function hasEnded(status: RunStatus): boolean {
  return status !== 'queued' && status !== 'running';
}

/** The short form of a step's verdict. */
export interface RunVerdict {
  step: string;
  title: string;
  status: Status;
  sentence: string;
  /** Whether a named person lets its failure pass. */
  waived: boolean;
}

export interface Run {
  id: string;
  name: string;
  notebook: string;
  status: RunStatus;
  started: string;
  ended: string | null;
  model: string;
  message: string;
  verdicts: RunVerdict[];
  executed: string | null;
  report: string | null;
  page: string | null;
  app: string | null;
  /** The run whose autopilot made this one; empty for one of its own. */
  parent: string;
  /** How many remedies it may try by itself. */
  autopilot: number;
  /** What was changed, round by round; null when nothing was. */
  lineage: Lineage | null;
  kind: 'run' | 'sweep' | 'tracked' | 'imported';
  /** Whether its sampling is asked to pause. */
  paused: boolean;
  /** Whether it rests on the draws of a sampler that was stopped early. */
  partial: boolean;
  /** Higher begins first. */
  priority: number;
  cores: number;
  /** In MB. */
  memory: number;
  /** In seconds. */
  timeout: number;
  retries: number;
  attempt: number;
  /** The runs that must have ended well before it begins. */
  after: string[];
  sampler: string;
  seconds: number | null;
  /** The table, with its version where it is a stored one. */
  data: string;
  /** Log predictive density of rows left out; null where it was not worked out. */
  elpd: number | null;
  elpd_se: number | null;
  /** The run that this one makes again, and how it compares with that. */
  reproduces: string;
  grade: string;
  starred: boolean;
  note: string;
  tags: Record<string, string>;
}

/** Which runs are listed, and in which order. */
export interface RunQuery {
  /** Words, `status:passed`, `starred`, `elpd > -100`, … */
  text: string;
  /** A column or a figure; with `-` before it the largest first. Empty for the newest first. */
  sort: string;
  trash: boolean;
}

export interface RunPage {
  runs: Run[];
  /** What the next page is asked for with; empty at the end. */
  next: string;
}

/** A filter and an order under a name, kept in the workspace. */
export interface RunView {
  name: string;
  text: string;
  sort: string;
}

/** What people note on a run; what is left out stays as it is, and a tag that is null is removed. */
export interface Annotation {
  starred?: boolean;
  note?: string;
  tags?: Record<string, string | null>;
}

export interface Deleted {
  deleted: { id: string; name: string; bytes: number; kept: string[] }[];
  bytes: number;
}

/** How one finding stood before a change, and after it. */
export interface FindingChange {
  step: string;
  name: string;
  /** Empty when it was not there. */
  before_status: Status | '';
  before: string;
  status: Status | '';
  shown: string;
}

/** The model as it was after one change of choices. */
export interface Round {
  id: string;
  /** The round it was made from; empty for the first one. */
  parent: string;
  label: string;
  why: string;
  cost: string;
  /** The step whose failure it answers. */
  step: string;
  changes: Changes;
  model: string;
  formula: string;
  /** How each step stood, a failure that was let pass as a warning. */
  verdicts: Record<string, Status>;
  findings: FindingChange[];
  elpd: number | null;
  elpd_se: number | null;
  /** Which rows that was worked out for; only rounds that agree in it compare. */
  rows: string;
  seconds: number;
  status: RunStatus;
  run: string;
}

/** What was changed, why, and what came of it. */
export interface Lineage {
  version: number;
  rounds: Round[];
  /** The id of the best round. */
  best: string;
  /** Why nothing more was tried; empty as long as something may be. */
  stopped: string;
}

export interface ChainProgress {
  draws: number;
  total: number;
  tuning: boolean;
  divergences: number;
  step_size: number;
  /** How many steps its latest draw took; not every sampler tells. */
  steps?: number;
}

/** How far the chains agree about one parameter in the draws so far. */
export interface Agreement {
  name: string;
  /** Null for a single chain. */
  rhat: number | null;
  ess: number;
}

export interface Sampling {
  chains: ChainProgress[];
  finished: number;
  total: number;
  divergences: number;
  seconds: number;
  left: number | null;
  /** Draws in a second, over the last few seconds. */
  rate?: number | null;
  /** Of a few parameters, where the sampler shows its draws so far. */
  agreement?: Agreement[];
}

interface EventBase {
  n: number;
  time: string;
}

export type RunEvent = EventBase &
  (
    | { type: 'run'; run: string; notebook: string }
    | {
        type: 'step';
        step: string;
        /** A cached step did not run: nothing that it depends on has changed. */
        state: 'started' | 'done' | 'failed' | 'cached';
        index: number;
        count: number;
      }
    | ({ type: 'sampling' } & Sampling)
    | ({ type: 'verdict' } & RunVerdict)
    | {
        type: 'round';
        id: string;
        label: string;
        why: string;
        step: string;
        run: string;
      }
    | { type: 'lineage'; id: string; status: RunStatus; best: string }
    | { type: 'queued' | 'resume'; run: string }
    | { type: 'claimed'; attempt: number; host: string }
    | { type: 'paused' | 'continued' }
    | { type: 'retry'; attempt: number; seconds: number; message: string }
    | { type: 'end'; status: RunStatus; message: string }
  );

export type PublishMode = 'report' | 'page' | 'app';
export type ReportFormat = 'html' | 'pdf' | 'docx' | 'md';

/** What was made, by the path of the file that opens it. */
export type Publication = Record<PublishMode, string | null>;

/** A report, page or app of a run, and what has changed since it was made. */
export interface Published {
  path: string;
  mode: PublishMode;
  format: ReportFormat;
  run: string;
  name: string;
  notebook: string;
  when: string;
  /** Sentences; none when nothing has changed. */
  stale: string[];
  /** Where an app is served, or nothing. */
  url: string;
}

interface Interval {
  median: number;
  lower: number;
  upper: number;
}

/** Runs side by side. */
export interface RunComparison {
  runs: {
    id: string;
    name: string;
    model: string;
    formula: string;
    status: RunStatus;
    elpd: number | null;
    elpd_se: number | null;
  }[];
  /** Best first; empty when the runs cannot be compared. */
  comparison: {
    id: string;
    elpd: number;
    difference: number;
    se: number;
    weight: number;
    words: string;
  }[];
  sentences: string[];
  answers: { quantity: string; unit: string; runs: Record<string, Interval> }[];
  choices: { name: string; runs: Record<string, unknown> }[];
  verdicts: {
    step: string;
    title: string;
    runs: Record<string, Status>;
    /** The runs in which a named person let its failure pass. */
    waived: string[];
  }[];
  comparable: boolean;
  why_not: string;
}

/** A distribution as a curve; of a quantity that does not vary, its value. */
export interface OverlaidCurve {
  x: number[];
  y: number[];
  at: number | null;
}

/** What runs found, curve over curve. */
export interface Posteriors {
  quantities: { name: string; runs: Record<string, OverlaidCurve> }[];
  /** The quantities that can be asked for. */
  available: string[];
  /** The names of runs that left no posterior. */
  without: string[];
}

/** The cells in which the notebooks of runs are not the same. */
export interface NotebookDifference {
  cells: {
    step: string;
    /** The source by run; null where a run has no such cell. */
    runs: Record<string, string | null>;
  }[];
  same: number;
  without: string[];
}

/** What a run was made of; runs of earlier versions lack parts of it. */
export interface RunRecord {
  record: {
    data?: {
      source?: string;
      version?: string;
      sha256?: string;
      rows?: number | null;
    };
    recipe?: { do: string }[];
    git?: { commit?: string };
  };
  /** The same in plain words. */
  sentences: string[];
}

export interface RunClient {
  /** Run a copy; with `autopilot`, try remedies for at most that many rounds. */
  startRun(
    notebook: string,
    changes?: Changes,
    autopilot?: number
  ): Promise<Run>;
  runs(): Promise<Run[]>;
  runPage(query: RunQuery, page?: string): Promise<RunPage>;
  run(id: string): Promise<Run>;
  /** Events after `since`; resolves when there are some, the run has ended, or the server's patience has. */
  events(
    id: string,
    since: number,
    /** How long to wait for one, in seconds. */
    patience?: number
  ): Promise<{ events: RunEvent[]; status: RunStatus }>;
  /** Keep the draws so far; a run that waits leaves the queue. */
  stopRun(id: string): Promise<Run>;
  /** End at once and throw the draws away. */
  cancelRun(id: string): Promise<Run>;
  pauseRun(id: string): Promise<Run>;
  /** Go on with a run that is paused, or died or was stopped, without repeating what was finished. */
  resumeRun(id: string): Promise<Run>;
  runRecord(id: string): Promise<RunRecord>;
  /** Make a run again, every step anew; its result is graded when it ends. */
  reproduceRun(id: string): Promise<Run>;
  annotateRun(id: string, noted: Annotation): Promise<Run>;
  /** Put runs into the trash, a sweep with its runs. */
  trashRuns(ids: string[]): Promise<void>;
  restoreRuns(ids: string[]): Promise<void>;
  /** Delete runs that are in the trash for good; all of them when none is named. */
  deleteRuns(ids: string[]): Promise<Deleted>;
  runViews(): Promise<RunView[]>;
  saveRunView(view: RunView): Promise<RunView[]>;
  removeRunView(name: string): Promise<RunView[]>;
  compareRuns(ids: string[]): Promise<RunComparison>;
  /** The posteriors of some quantities, by default of those that most runs have. */
  comparePosteriors(ids: string[], names?: string[]): Promise<Posteriors>;
  compareNotebooks(ids: string[]): Promise<NotebookDifference>;
  /** Make a report and an app, or only what is named. */
  publish(
    id: string,
    mode?: PublishMode,
    format?: ReportFormat
  ): Promise<Publication>;
  published(): Promise<Published[]>;
  /** Take one away by its path; the run stays. */
  unpublish(path: string): Promise<void>;
}
