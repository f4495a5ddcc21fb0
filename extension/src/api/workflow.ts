/** A notebook as an analysis: its steps, what their checks found, and what changes when a choice does. */

import type { Analysis, Changes, ErrorBody } from './port';

export type Status = 'pass' | 'warn' | 'fail' | 'info';
export type StepState = 'todo' | 'passed' | 'warned' | 'failed' | 'info';
/** Which notebook is composed: the way from data to an answer, or every step of the workflow. */
export type WorkflowName = 'simple' | 'full';

export interface StepInfo {
  id: string;
  title: string;
  explanation: string;
  /** The part of the workflow that it belongs to. */
  phase: string;
}

export interface Finding {
  name: string;
  /** The id of the rule among those in force. */
  rule: string;
  status: Status;
  value: number | null;
  shown: string;
  threshold: string;
  sentence: string;
  source: string;
}

export interface Remedy {
  label: string;
  why: string;
  changes: Changes;
  /** What it costs, in words. */
  cost: string;
  /** How likely it is to mend what failed, from 0 to 1; remedies come in this order. */
  score: number;
}

/** A failed check that somebody lets pass, in their own name. */
export interface Waiver {
  step: string;
  by: string;
  reason: string;
  when: string;
}

export interface Verdict {
  version: number;
  step: string;
  title: string;
  status: Status;
  sentence: string;
  findings: Finding[];
  remedies: Remedy[];
  /** Further results to read: texts, lists of sentences, tables, and LaTeX under “equation”. */
  details?: Record<string, unknown>;
  /** The names of the details in their order, each followed by the columns of its table. */
  order?: string[][];
  alt: string;
  partial: boolean;
  waived: Waiver | null;
  /** The thresholds that were in force. */
  policy: string;
  /** Digest of the choices that the step depends on. */
  choices: string;
  ran: Record<string, string>;
}

export const VERDICT_MIME = 'application/vnd.modelcompose.verdict.v1+json';

/** A notebook cell as the server judges it: the live model projected to what matters. */
export interface Cell {
  id: string;
  cell_type: string;
  source: string;
  metadata: {
    tags?: string[];
    modelcompose?: { step?: string; composed?: string };
    jupyter?: Record<string, unknown>;
  };
  execution_count: number | null;
  verdict: Verdict | null;
}

export interface StepView {
  step: string;
  title: string;
  explanation: string;
  phase: string;
  /** The steps whose results it uses. */
  needs: string[];
  cells: string[];
  state: StepState;
  stale: boolean;
  edited: boolean;
  verdict: Verdict | null;
}

export interface Inspection {
  analysis: Analysis | null;
  problem: ErrorBody | null;
  steps: StepView[];
}

export interface Edit {
  id: string;
  source: string;
  metadata: Record<string, unknown>;
}

export interface Revision {
  edits: Edit[];
  kept: string[];
  /** What every cell edited by hand would be if it were composed now. */
  composed: Edit[];
  /** The steps that have to run again, in order. */
  again: string[];
}

/** What was decided before anybody looked at the result. */
export interface Plan {
  when: string;
  by: string;
  digest: string;
  choices: Record<string, unknown>;
  /** The digest of the thresholds in force. */
  policy: string;
}

export interface Planned {
  plan: Plan | null;
  deviations: { what: string; planned: string; now: string }[];
}

/** The rules in force. */
export interface Thresholds {
  name: string;
  version: number;
  digest: string;
  rules: { id: string; words: string; source: string }[];
}

export interface WorkflowClient {
  /** Write a new notebook and return its path; nothing is overwritten. */
  compose(
    analysis: Analysis,
    workflow?: WorkflowName,
    path?: string
  ): Promise<string>;
  inspect(cells: Cell[]): Promise<Inspection>;
  /** What changes in the notebook at `path`; its data are relative to its folder. */
  revise(cells: Cell[], changes: Changes, path: string): Promise<Revision>;
  /** Let a failed check pass, in somebody's name; an empty reason takes that back. */
  waive(
    cells: Cell[],
    step: string,
    by: string,
    reason: string,
    path: string
  ): Promise<Revision>;
  lockPlan(
    cells: Cell[],
    by: string,
    path: string
  ): Promise<Revision & { plan: Plan }>;
  plan(cells: Cell[], path: string): Promise<Planned>;
  /** The rules of a policy file, or those in force without one. */
  thresholds(policy: string): Promise<Thresholds>;
}
