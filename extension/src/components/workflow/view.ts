import {
  ErrorBody,
  Inspection,
  Lineage,
  Planned,
  Remedy,
  Run,
  Sampling,
  Waiver
} from '../../api/port';
import { Following } from '../following';
import { failedStep, isDone } from '../steps';
import { Changed } from './Difference';
import type { VerdictActions } from './VerdictCard';

/** The active notebook as the panel draws it. */
export interface AnalysisView {
  path: string;
  inspection: Inspection;
  /** Steps whose cells are running in the notebook's kernel. */
  running: string[];
  /** What the panel is doing, or null when it waits for the user. */
  activity: string | null;
  sampling: Sampling | null;
  background: Background | null;
  /** An autopilot of this notebook that has ended, until the user has seen enough of it. */
  tried: Run | null;
  /** What was changed in this notebook, round by round. */
  lineage: Lineage | null;
  error: ErrorBody | null;
  /** What was last written into the notebook for the user and can be taken back. */
  undo: string | null;
}

export interface Background extends Following {
  run: Run;
}

export interface AnalysisActions {
  runNext(): void;
  runRest(): void;
  runAll(): void;
  runStep(step: string): void;
  interrupt(): void;
  applyRemedy(remedy: Remedy, step: string): void;
  /** Fails with the reason when the policy forbids it; an empty reason takes it back. */
  waive(step: string, by: string, reason: string): Promise<void>;
  plan(): Promise<Planned>;
  lockPlan(by: string): Promise<void>;
  /** With `autopilot`, remedies are tried for at most that many rounds. */
  runInBackground(autopilot?: number): void;
  stopBackground(): void;
  /** Change this notebook to what the best round of its autopilot had. */
  takeOver(): void;
  openBest(): void;
  closeTried(): void;
  /** Compose a notebook with every step of the workflow from the same choices, and open it. */
  composeFull(): void;
  showCell(step: string): void;
  compare(step: string): Promise<Changed[]>;
  takeComposed(step: string): void;
  undo(): void;
}

/** The step to show: what runs, else what failed, else the last one done, else the first. */
export function focus({ inspection, running }: AnalysisView): string | null {
  const { steps } = inspection;
  const failed = failedStep(steps);
  const last = steps.filter(isDone).at(-1);
  return running[0] ?? failed?.step ?? last?.step ?? steps[0]?.step ?? null;
}

export function isBusy({ activity, running }: AnalysisView): boolean {
  return activity !== null || running.length > 0;
}

/** What can be done about the verdict of a step of the active notebook. */
export function verdictActions(
  view: AnalysisView,
  actions: AnalysisActions,
  step: string
): VerdictActions {
  const waivers = view.inspection.analysis?.waivers as Waiver[] | undefined;
  return {
    busy: isBusy(view),
    by: waivers?.at(-1)?.by ?? '',
    onRemedy: remedy => actions.applyRemedy(remedy, step),
    onWaive: (by, reason) => actions.waive(step, by, reason)
  };
}
