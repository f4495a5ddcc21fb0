/** What is known of models, their priors and their code: the shapes of the verbs below `models`. */

import type { Analysis, Changes, ErrorBody, Run } from './port';

export type EvidenceStatus = 'valid' | 'outdated' | 'none';

export interface Evidence {
  status: EvidenceStatus;
  sentence: string;
}

interface Named {
  id: string;
  label: string;
}

export interface ModelSummary {
  id: string;
  title: string;
  summary: string;
  family: string;
  questions: Named[];
  /** Kinds of outcome. */
  outcome: string[];
  own: boolean;
  path: string;
  evidence: Evidence;
}

/** All that is known of a model. */
export interface ModelCard {
  id: string;
  title: string;
  summary: string;
  purpose: string;
  tutorial: string;
  assumptions: string[];
  limits: string[];
  equation: string;
  formula: string;
  code: string;
  priors: { name: string; words: string; source: string; meaning: string }[];
  source: string;
  questions: Named[];
  outcome: string[];
  needs: string[];
  own: boolean;
  path: string;
  /** The columns of a model of one's own, and their kinds. */
  columns: Record<string, string>;
  remedies: string[];
  evidence: Evidence;
}

export interface ModelCheck {
  ok: boolean;
  faults: Pick<ErrorBody, 'message' | 'where' | 'remedy'>[];
  model?: ModelCard | null;
}

export interface GraphNode {
  id: string;
  label: string;
  role: 'prior' | 'parameter' | 'data' | 'outcome';
}

export interface ModelGraph {
  nodes: GraphNode[];
  edges: [string, string][];
}

/** One model seen in four ways. */
export interface Views {
  formula: string | string[];
  equation: string;
  graph: ModelGraph;
  code: string;
  /** The choices that edits of the code mean. */
  changes: Changes;
  /** Why the formula or the code cannot be read, or "". */
  problem: string;
  columns: string[];
  functions: string[];
}

/** A distribution and its parameters, as the parameters cell holds it. */
export interface Prior {
  dist: string;
  [parameter: string]: number | string;
}

export type PriorChoices = Record<string, Prior>;

export interface Curve {
  x: number[];
  y: number[];
}

export interface PriorRow {
  name: string;
  label: string;
  dist: string;
  params: Record<string, number>;
  words: string;
  range_words: string;
  low: number;
  high: number;
  source: string;
  yours: boolean;
  density: Curve;
}

export interface PriorTable {
  priors: PriorRow[];
  /** Every distribution with the names of its parameters. */
  distributions: Record<string, string[]>;
}

/** What the model expects before it has seen the data. */
export interface PriorPrediction {
  outcome: string;
  unit: string;
  quantiles: Record<'5' | '25' | '50' | '75' | '95', number>;
  observed: { low: number; high: number; mean: number };
  plausible: [number, number] | [];
  inside: number | null;
  /** Null when all simulated outcomes are the same. */
  density: Curve | null;
  sentence: string;
}

export type OneAnswer =
  | { how: 'range'; low: number; high: number; mass: number; dist: string }
  | { how: 'quantiles'; quantiles: Record<string, number>; dist: string }
  | { how: 'drawing'; edges: number[]; chips: number[]; dist: string };

/** What somebody knows, said in numbers of their own. */
export type Answer =
  | OneAnswer
  | { how: 'experts'; answers: OneAnswer[] }
  | { how: 'outcome'; low: number; high: number; mass: number }
  | { how: 'run'; run: string };

export interface Elicited {
  changes: { priors: PriorChoices };
  priors: PriorRow[];
  sentence: string;
  notes: string[];
}

/** What the prior editor needs of a workbench; a notebook widget implements it over its comm. */
export interface PriorClient {
  priors(analysis: Analysis): Promise<PriorTable>;
  priorPrediction(analysis: Analysis): Promise<PriorPrediction>;
  /** Turn an answer into priors; `name` "" moves all of them. */
  elicit(analysis: Analysis, name: string, answer: Answer): Promise<Elicited>;
  /** Earlier runs, where there is a record of them. */
  runs?(): Promise<Run[]>;
}

export interface ModelClient extends PriorClient {
  listModels(): Promise<ModelSummary[]>;
  showModel(id: string): Promise<ModelCard>;
  /** One model in four ways; with `code`, an edited model cell, what its edits mean. */
  views(analysis: Analysis, code: string): Promise<Views>;
  /** Write a model to begin with, like another one if `like` names it, and return its path. */
  newModel(name: string, like: string): Promise<string>;
  checkModel(path: string, analysis: Partial<Analysis>): Promise<ModelCheck>;
  addModel(path: string): Promise<{ id: string; path: string }>;
  /** Copy a model to change it, and return the path of the copy. */
  forkModel(id: string, name: string): Promise<string>;
  /** The choices that use a model of one's own on a table; `mapping` names columns of the table for the model's. */
  adoptModel(
    id: string,
    analysis: Analysis,
    mapping: Record<string, string>
  ): Promise<Changes>;
  removeModel(id: string): Promise<void>;
}
