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

/** The step that turns the parameters into the choices that all others read. */
const READS_PARAMETERS = 'data';
/**
 * What is made again at once, since nothing of it is kept: the table, and the model, whose name the parameters cell
 * gives to the name of the model.
 */
const MADE_ANEW = [READS_PARAMETERS, 'model'];

/**
 * The cells to run so that `through` is done on top of an up-to-date kernel.
 *
 * A step runs when it is forced, not done or out of date, and when one that it needs runs for such a reason. A step
 * that is up to date runs only when another one needs it and the kernel does not have it: a new kernel has nothing,
 * and a fit that ran again since has taken the place of what was made from the one before. Changed parameters are
 * executed together with the table and the model that are made of them; that alone makes no other step run.
 *
 * A cell of the user's own that has not run, runs, and takes all below it with it: nobody knows what it does.
 */
export function plan(options: PlanOptions): Leg[] {
  const { cells, steps, ran, through } = options;
  const code = cells.filter(isCode);
  const stepOf = new Map(
    steps.flatMap(step => step.cells.map(id => [id, step.step] as const))
  );
  const lastOf = new Map(steps.map(step => [step.cells.at(-1), step.step]));
  const end = code.findIndex(cell => lastOf.get(cell.id) === through);
  const within = code.slice(0, end + 1);
  const foreign = within.findIndex(
    cell => !stepOf.has(cell.id) && !holdsChoices(cell) && !ran(cell)
  );
  const wanted = wantedSteps(options);
  const runs = (cell: Cell, at: number) =>
    wanted.has(stepOf.get(cell.id) ?? '') || (foreign >= 0 && at >= foreign);
  const reads = within.some(
    (cell, at) => stepOf.get(cell.id) === READS_PARAMETERS && runs(cell, at)
  );
  const legs: Leg[] = [];
  let leg: string[] = [];
  within.forEach((cell, at) => {
    // The parameters are read from the names that they have in the kernel, of which steps take one for themselves.
    if (runs(cell, at) || (holdsChoices(cell) && (reads || !ran(cell)))) {
      leg.push(cell.id);
    }
    if (lastOf.has(cell.id) && leg.length > 0) {
      legs.push({ step: lastOf.get(cell.id)!, cells: leg });
      leg = [];
    }
  });
  return legs;
}

function wantedSteps(options: PlanOptions): ReadonlySet<string> {
  const { cells, steps, ran, through, force } = options;
  const end = steps.findIndex(({ step }) => step === through);
  const within = steps.slice(0, end + 1);
  const wanted = new Set<string>();
  for (const step of within) {
    if (isDue(step, force) || step.needs.some(name => wanted.has(name))) {
      wanted.add(step.step);
    }
  }
  const own = (step: StepView) =>
    cells.filter(cell => step.cells.includes(cell.id) && isCode(cell));
  const executed = (some: Cell[]) =>
    some.map(cell => (ran(cell) ? (cell.execution_count ?? 0) : Infinity));
  const choices = cells.filter(holdsChoices);
  for (const step of [...within].reverse()) {
    const needed = within.some(
      later => wanted.has(later.step) && upstream(later, within).includes(step)
    );
    const above = upstream(step, within)
      .filter(one => !MADE_ANEW.includes(one.step))
      .flatMap(own);
    const base = MADE_ANEW.includes(step.step) ? choices : above;
    const isBehind =
      Math.max(...executed(base)) > Math.min(...executed(own(step)));
    if (needed && (isBehind || !own(step).every(ran))) {
      wanted.add(step.step);
    }
  }
  return wanted;
}

/** What a step uses, directly or through others. */
function upstream({ needs }: StepView, steps: StepView[]): StepView[] {
  return steps
    .filter(({ step }) => needs.includes(step))
    .flatMap(step => [step, ...upstream(step, steps)]);
}

function isCode({ cell_type, source }: Cell): boolean {
  return cell_type === 'code' && source.trim() !== '';
}

function holdsChoices({ metadata: { tags = [] } }: Cell): boolean {
  return tags.includes('parameters') || tags.includes('injected-parameters');
}

function isDue(step: StepView, force: ReadonlySet<string>): boolean {
  return step.state === 'todo' || step.stale || force.has(step.step);
}
