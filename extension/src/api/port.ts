/** What the interface knows of a workbench. REST and the in-memory fake implement it; components see nothing else. */

import type { ModelClient, PriorChoices } from './models';
import type { Run, RunClient } from './runs';
import type { StepInfo, WorkflowClient } from './workflow';

export * from './models';
export * from './runs';
export * from './workflow';

export type RoleName =
  | 'outcome'
  | 'predictors'
  | 'groups'
  | 'exposure'
  | 'trials'
  | 'event'
  | 'time'
  | 'standard_error'
  | 'further';
/** Choices that a question may ask for and that name no column. */
export type SettingName = 'intervention' | 'treated';

/** The typed choices of the parameters cell; what is left out is chosen by the workbench. */
export interface Analysis {
  data: string;
  kinds?: Record<string, string>;
  units?: Record<string, string>;
  variables?: Record<string, Declaration>;
  recipe?: RecipeStep[];
  missing?: 'drop' | 'impute' | 'multiple';
  question?: string;
  outcome?: string;
  predictors?: string[];
  groups?: string[];
  exposure?: string;
  trials?: string;
  event?: string;
  time?: string;
  standard_error?: string;
  further?: string[];
  intervention?: string;
  treated?: string;
  estimand?: string;
  model?: string;
  formula?: string | string[];
  priors?: PriorChoices;
  [choice: string]: unknown;
}

/** What is declared of a column beside its kind and unit. */
export interface Declaration {
  label?: string;
  bounds?: (number | null)[];
  plausible?: number[];
  levels?: string[];
  reference?: string;
  missing?: (number | string)[];
}

/** A step of preparation; `do` names it. */
export interface RecipeStep {
  do: string;
  [field: string]: unknown;
}

export interface Field {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  minLength?: number;
  items?: { type?: string; enum?: string[]; anyOf?: unknown[] };
  anyOf?: { type?: string }[];
  additionalProperties?: unknown;
}

/** A kind of step, described for a form. */
export interface StepKind {
  id: string;
  title: string;
  explanation: string;
  fields: { properties: Record<string, Field>; required?: string[] };
}

export interface Kind {
  id: string;
  label: string;
  explanation: string;
}

/** A program that draws from the posterior. */
export interface Sampler {
  id: string;
  label: string;
  explanation: string;
  /** Whether its draws come from an approximation, whose quality has to be checked. */
  approximate: boolean;
  /** The packages that it needs and that are not installed. */
  missing: string[];
}

export interface Schema {
  analysis: Record<string, unknown>;
  kinds: Kind[];
  recipe: StepKind[];
  samplers: Sampler[];
  steps: StepInfo[];
  version: string;
}

export interface Sample {
  name: string;
  title: string;
  description: string;
  credit: string;
  rows: number;
  question: string;
  outcome: string;
}

export interface Column {
  name: string;
  kind: string;
  reason: string;
  declared: boolean;
  missing: number;
  distinct: number;
  examples: string[];
  confidence: 'sure' | 'likely' | 'unsure';
  /** Kinds between which only a person can decide. */
  ask: string[];
  dtype: 'number' | 'text' | 'date' | 'truth';
  label: string;
  unit: string;
  bounds: (number | null)[];
  plausible: number[];
  levels: string[] | null;
  reference: string;
  codes: (number | string)[];
}

export interface Applied {
  step: RecipeStep;
  sentence: string;
  rows_before: number;
  rows_after: number;
  changed: number;
  added: string[];
  removed: string[];
}

export interface Suggestion {
  label: string;
  why: string;
  step: RecipeStep;
}

interface Rows {
  columns: string[];
  rows: string[][];
}

export interface StepPreview extends Omit<Applied, 'step'> {
  columns: string[];
  before: Rows;
  after: Rows & { changed: boolean[][] };
  recipe: RecipeStep[];
}

export interface ColumnProfile {
  name: string;
  kind: string;
  missing: number;
  sentence: string;
  impossible: { row: number; value: string; why: string }[];
  impossible_count: number;
  suspects: { value: string; count: number; why: string }[];
  histogram: { edges: number[]; counts: number[] } | null;
  levels: { level: string; count: number }[] | null;
}

export type PairShape =
  | { kind: 'scatter'; x: number[]; y: number[] }
  | {
      kind: 'box';
      levels: {
        level: string;
        low: number;
        q1: number;
        median: number;
        q3: number;
        high: number;
      }[];
    }
  | { kind: 'table'; rows: string[]; columns: string[]; counts: number[][] };

export interface TableProfile {
  rows: number;
  columns: ColumnProfile[];
  missing: {
    columns: string[];
    patterns: { missing: string[]; rows: number }[];
    map: { columns: string[]; bands: number[][] };
    complete_rows: number;
  };
  pairs: {
    x: string;
    y: string;
    measure: string;
    value: number;
    rows: number;
    shape: PairShape;
  }[];
  sampled: number | null;
}

export interface StoredDataset {
  name: string;
  number: number;
  versions: number;
  rows: number;
  columns: number;
  created: string;
  message: string;
}

export interface StaleRun {
  id: string;
  name: string;
  data: string;
}

export interface Breach {
  column: string;
  rule: string;
  sentence: string;
  severity: 'refuse' | 'note';
}

export interface AddedVersion {
  data: string;
  number: number;
  new: boolean;
  breaches: Breach[];
  stale_runs: StaleRun[];
}

export interface DatasetHistory {
  name: string;
  current: number;
  versions: {
    number: number;
    sha256: string;
    created: string;
    rows: number;
    columns: number;
    source: string;
    message: string;
    recipe_steps: number;
  }[];
  stale_runs: StaleRun[];
}

export interface ColumnRules {
  kind: string;
  holds: 'number' | 'text' | 'date' | 'truth';
  required: boolean;
  gaps: boolean;
  levels: string[];
  bounds: (number | null)[];
  seen: number[];
}

/** What every version of a dataset must look like. */
export interface Contract {
  columns: Record<string, ColumnRules>;
}

export interface VersionDifference {
  sentence: string;
  cells: { row: number; column: string; old: string; new: string }[];
}

export interface Question {
  id: string;
  /** What one wants to do, for a list of questions. */
  topic: string;
  label: string;
  explanation: string;
  allowed: boolean;
  reason: string;
  /** The columns that fit each role. */
  roles: Partial<Record<RoleName, string[]>>;
  /** How many columns each role must at least be given. */
  least: Partial<Record<RoleName, number>>;
  settings: SettingName[];
  /** What data would make it answerable. */
  lacking: string;
}

export interface DataDescription {
  data: string;
  rows: number;
  /** Rows before preparation. */
  rows_read: number;
  recipe: Applied[];
  suggestions: Suggestion[];
  /** Columns that say something only together. */
  relations: { relation: string; columns: string[]; sentence: string }[];
  dataset: { name: string; number: number; current: number } | null;
  sha256: string;
  notes: string[];
  columns: Column[];
  preview: string[][];
  questions: Question[];
}

export interface RecommendedModel {
  id: string;
  title: string;
  summary: string;
  formula: string;
  reasons: { rule: string; sentence: string }[];
}

export interface RejectedModel {
  id: string;
  title: string;
  rule: string;
  sentence: string;
}

export interface Recommendation {
  estimand: string;
  recommended: RecommendedModel[];
  rejected: RejectedModel[];
  /** What data would help; "" when a model fits. */
  none: string;
}

export type Changes = Record<string, unknown>;

export interface ErrorBody {
  type: string;
  message: string;
  where: string | null;
  remedy: string | null;
}

export interface WorkbenchClient
  extends ModelClient, WorkflowClient, RunClient {
  runs(): Promise<Run[]>;
  schema(): Promise<Schema>;
  samples(): Promise<Sample[]>;
  /** Copy a sample into the workspace and return the analysis to begin with: its path and what is known of it. */
  addSample(name: string): Promise<Analysis>;
  describe(analysis: Analysis): Promise<DataDescription>;
  profile(analysis: Analysis): Promise<TableProfile>;
  /** What a step would do; nothing is done. */
  preview(analysis: Analysis, step: RecipeStep): Promise<StepPreview>;
  script(analysis: Analysis): Promise<string>;
  /** Save a pasted table in the workspace and return its path. */
  paste(text: string): Promise<string>;
  datasets(): Promise<StoredDataset[]>;
  addVersion(
    analysis: Analysis,
    name: string,
    message: string
  ): Promise<AddedVersion>;
  history(name: string): Promise<DatasetHistory>;
  difference(
    name: string,
    old: number,
    next: number
  ): Promise<VersionDifference>;
  contract(name: string): Promise<Contract | null>;
  /** Put rules in force, or learn them from the current version. */
  agree(name: string, rules: Contract | null): Promise<Contract>;
  rollBack(name: string, version: number): Promise<string>;
  removeVersion(name: string, version: number): Promise<void>;
  verify(name: string): Promise<{ checked: number; problems: string[] }>;
  exportVersion(name: string, version: number, path: string): Promise<string>;
  recommend(analysis: Analysis): Promise<Recommendation>;
}

/** What the interface asks of the application around it. */
export interface Host {
  /** Store a file in the workspace and return its path. */
  upload(file: File, onProgress?: (share: number) => void): Promise<string>;
  /** The data file selected in the file browser, if there is one. */
  selectedFile(): string | null;
  openNotebook(path: string): Promise<void>;
  /** Show all runs in a tab of their own, where there are tabs. */
  openRuns?(): void;
  /** Show how a run samples in a tab of its own, where there are tabs. */
  watchRun?(run: { id: string; name: string }): void;
  /** Address of a published report. */
  reportUrl(path: string): string;
  /** Address of a published app. */
  appUrl(path: string): string;
}

/** A failure told in the one shape of the server: what, where, and what to do about it. */
export class WorkbenchError extends Error {
  readonly type: string;
  readonly where: string | null;
  readonly remedy: string | null;

  constructor(body: Partial<ErrorBody> & { message: string }) {
    super(body.message);
    this.name = 'WorkbenchError';
    this.type = body.type ?? 'Error';
    this.where = body.where ?? null;
    this.remedy = body.remedy ?? null;
  }

  static from(reason: unknown): WorkbenchError {
    if (reason instanceof WorkbenchError) {
      return reason;
    }
    const message = reason instanceof Error ? reason.message : String(reason);
    return new WorkbenchError({ message });
  }
}
