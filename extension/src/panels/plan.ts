import { Cell, StepView } from '../api/port';

/** Cells that run together; afterwards the step's verdict is read. */
export interface Leg {
  step: string | null;
  cells: string[];
}

export interface PlanOptions {
  cells: Cell[];
  steps: StepView[];
  /** Whether this very source already ran in the present kernel. */
  ran: (cell: Cell) => boolean;
  /** The last step to run. */
  through: string;
  /** Steps to run even when they are up to date. */
  force: ReadonlySet<string>;
}

/**
 * The cells to run so that `through` is done on top of an up-to-date kernel.
 *
 * A cell runs when the kernel has not seen its source (a new kernel has seen none), or when it belongs to a step
 * that is forced, not done or out of date. A cell that runs takes every later one with it: whatever was judged
 * before would be out of date.
 */
export function plan(options: PlanOptions): Leg[] {
  const { cells, steps, ran, through, force } = options;
  const stepOf = new Map(
    steps.flatMap(step => step.cells.map(id => [id, step] as const))
  );
  const lastOf = new Map(steps.map(step => [step.cells.at(-1), step.step]));
  const end = cells.findIndex(cell => lastOf.get(cell.id) === through);
  const legs: Leg[] = [];
  let leg: string[] = [];
  let cascade = false;
  for (const cell of cells.slice(0, end + 1)) {
    if (cell.cell_type !== 'code' || cell.source.trim() === '') {
      continue;
    }
    const step = stepOf.get(cell.id);
    if (cascade || !ran(cell) || (step && isDue(step, force))) {
      leg.push(cell.id);
      cascade = true;
    }
    if (lastOf.has(cell.id) && leg.length > 0) {
      legs.push({ step: lastOf.get(cell.id)!, cells: leg });
      leg = [];
    }
  }
  return legs;
}

function isDue(step: StepView, force: ReadonlySet<string>): boolean {
  return step.state === 'todo' || step.stale || force.has(step.step);
}
