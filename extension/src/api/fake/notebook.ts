import {
  Analysis,
  Cell,
  Changes,
  Edit,
  Inspection,
  Plan,
  Planned,
  Revision,
  StepState,
  Thresholds,
  Verdict,
  Waiver,
  WorkbenchError,
  WorkflowName
} from '../port';
import { FakePriors } from './priors';
import { STEPS } from './schema';

const PLANNED = ['question', 'formula', 'priors', 'estimand'];

/** Notebooks: composed cells are recognised by their hash, and those edited by hand are left alone. */
export abstract class FakeNotebooks extends FakePriors {
  readonly composed = new Map<string, Analysis>();
  readonly workflows = new Map<string, WorkflowName>();
  /** Steps whose failure may not be waived. */
  readonly forbidden = new Set<string>();
  private readonly plans = new Map<string, Plan>();

  async compose(
    analysis: Analysis,
    workflow: WorkflowName = 'simple',
    path = ''
  ): Promise<string> {
    this.check('compose');
    const free =
      path || `sleepstudy${this.composed.size ? this.composed.size : ''}.ipynb`;
    this.composed.set(free, analysis);
    this.workflows.set(free, workflow);
    return free;
  }

  async inspect(cells: Cell[]): Promise<Inspection> {
    this.check('inspect');
    const choices = choicesOf(cells);
    const steps = STEPS.flatMap(({ id, title, explanation, phase, needs }) => {
      const own = cells.filter(cell => cell.metadata.modelcompose?.step === id);
      const verdict = own.find(cell => cell.verdict)?.verdict ?? null;
      const view = {
        step: id,
        title,
        explanation,
        phase,
        needs,
        cells: own.map(cell => cell.id),
        state: STATES[verdict?.status ?? 'none'],
        stale: verdict !== null && verdict.choices !== digest(id, choices),
        edited: own.some(isEdited),
        verdict
      };
      return own.length > 0 ? [view] : [];
    });
    const analysis =
      steps.length > 0 ? { ...SLEEP_ANALYSIS, ...choices } : null;
    return { analysis, problem: null, steps };
  }

  async revise(cells: Cell[], changes: Changes): Promise<Revision> {
    this.check('revise');
    return revised(cells, changes);
  }

  async waive(
    cells: Cell[],
    step: string,
    by: string,
    reason: string
  ): Promise<Revision> {
    this.check('waive');
    const kept = waiversOf(choicesOf(cells)).filter(one => one.step !== step);
    if (reason && this.forbidden.has(step)) {
      throw new WorkbenchError({
        type: 'Forbidden',
        message: `The house rules forbid waiving a failure of step '${step}'.`,
        where: 'policy',
        remedy: 'Take a remedy, or ask whoever answers for the policy.'
      });
    }
    const given = { step, by, reason, when: '2026-11-20T10:00:00+00:00' };
    return revised(cells, { waivers: reason ? [...kept, given] : kept });
  }

  async lockPlan(
    cells: Cell[],
    by: string
  ): Promise<Revision & { plan: Plan }> {
    this.check('lockPlan');
    const choices = planned(cells);
    const digest = fakeHash(JSON.stringify(choices));
    const path = `plans/${this.plans.size + 1}.json`;
    const plan: Plan = {
      when: '2026-11-20T10:00:00+00:00',
      by,
      digest,
      choices,
      policy: DEFAULTS.digest
    };
    this.plans.set(path, plan);
    return { ...revised(cells, { plan: path }), plan };
  }

  async plan(cells: Cell[]): Promise<Planned> {
    this.check('plan');
    const plan = this.plans.get(String(choicesOf(cells).plan ?? '')) ?? null;
    const now = planned(cells);
    const deviations = Object.entries(plan?.choices ?? {})
      .filter(([name, value]) => !same(value, now[name]))
      .map(([what, value]) => ({
        what,
        planned: JSON.stringify(value),
        now: JSON.stringify(now[what])
      }));
    return { plan, deviations };
  }

  async thresholds(policy: string): Promise<Thresholds> {
    this.check('thresholds');
    return policy ? { ...DEFAULTS, name: policy } : DEFAULTS;
  }
}

/** A stand-in for the server's hash of a cell's source. */
export function fakeHash(source: string): string {
  return `${source.length}:${source.slice(0, 12)}`;
}

function isEdited({ metadata, source }: Cell): boolean {
  const composed = metadata.modelcompose?.composed;
  return composed !== undefined && composed !== fakeHash(source);
}

function composedAgain({ id, metadata }: Cell): Edit {
  const { step } = metadata.modelcompose!;
  const source = stepSource(step!);
  const marks = { step, composed: fakeHash(source) };
  return { id, source, metadata: { modelcompose: marks } };
}

function stepSource(step: string): string {
  return `# step: ${step}\nmc.check.${step}()`;
}

function revised(cells: Cell[], changes: Changes): Revision {
  const mine = cells.filter(isEdited);
  const before = choicesOf(cells);
  const after = { ...before, ...changes };
  const edits = cells
    .filter(cell => cell.metadata.tags?.includes('parameters'))
    .map(cell => ({
      id: cell.id,
      source: assign(cell.source, changes),
      metadata: {}
    }))
    .filter(({ id, source }) =>
      cells.some(c => c.id === id && c.source !== source)
    );
  const touched = [before, after]
    .flatMap((side, at) =>
      waiversOf(side).filter(
        one => !waiversOf(at ? before : after).some(other => same(one, other))
      )
    )
    .map(({ step }) => step);
  const present = cells.map(cell => cell.metadata.modelcompose?.step);
  const again = STEPS.map(({ id }) => id).filter(
    id =>
      present.includes(id) &&
      (touched.includes(id) || digest(id, before) !== digest(id, after))
  );
  return {
    edits,
    kept: mine.map(cell => cell.id),
    composed: mine.map(composedAgain),
    again
  };
}

/** What the parameters cell assigns, one choice in a line. */
function choicesOf(cells: Cell[]): Changes {
  const source =
    cells.find(({ metadata }) => metadata.tags?.includes('parameters'))
      ?.source ?? '';
  const lines = source.matchAll(/^(\w+) = (.*)$/gm);
  return Object.fromEntries(
    Array.from(lines, ([, name, value]) => [name!, JSON.parse(value!)])
  );
}

function waiversOf(choices: Changes): Waiver[] {
  return (choices.waivers as Waiver[] | undefined) ?? [];
}

function planned(cells: Cell[]): Changes {
  const all: Changes = { ...SLEEP_ANALYSIS, ...choicesOf(cells) };
  return Object.fromEntries(PLANNED.map(name => [name, all[name] ?? null]));
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function assign(source: string, changes: Changes): string {
  return Object.entries(changes).reduce((text, [name, value]) => {
    const line = `${name} = ${JSON.stringify(value)}`;
    const old = new RegExp(`^${name} = .*$`, 'm');
    return old.test(text) ? text.replace(old, () => line) : `${text}\n${line}`;
  }, source);
}

/** The choices that a step and all those it needs depend on. */
function dependsOn(id: string): string[] {
  const { reads, needs } = STEPS.find(step => step.id === id)!;
  return [...reads, ...needs.flatMap(dependsOn)];
}

function digest(id: string, choices: Changes): string {
  const names = [...new Set(dependsOn(id))].sort();
  return JSON.stringify(names.map(name => choices[name] ?? null));
}

const STATES: Record<Verdict['status'] | 'none', StepState> = {
  none: 'todo',
  pass: 'passed',
  warn: 'warned',
  fail: 'failed',
  info: 'info'
};

export const SLEEP_ANALYSIS: Analysis = {
  data: 'data/sleepstudy.csv',
  question: 'change-over-time',
  outcome: 'Reaction',
  predictors: ['Days'],
  groups: ['Subject'],
  estimand: 'How many ms does reaction time change per day without sleep?',
  model: 'varying-slopes',
  formula: 'Reaction ~ Days + (Days | Subject)'
};

const DEFAULTS: Thresholds = {
  name: 'ModelCompose’s defaults',
  version: 1,
  digest: '4f2a9c1db0837e65',
  rules: [
    {
      id: 'rhat',
      words: 'below 1.01; a failure above 1.05',
      source: 'Vehtari et al. 2021, doi:10.1214/20-BA1221'
    },
    {
      id: 'divergences',
      words: 'none; a failure above 0.1%',
      source: 'Betancourt 2017, arXiv:1701.02434'
    }
  ]
};

const PARAMETERS = '# parameters\ndraws = 1000\ntune = 1000';
const CHOICES = { draws: 1000, tune: 1000 };

/** A verdict that fails, with one finding and two remedies. */
export const FAILED_SAMPLING: Verdict = {
  version: 1,
  step: 'sampling',
  title: 'Did the computation work?',
  status: 'fail',
  sentence: 'The chains do not agree yet, so the answer cannot be trusted.',
  findings: [
    {
      name: 'R-hat, largest',
      rule: 'rhat',
      status: 'fail',
      value: 1.08,
      shown: '1.080',
      threshold: 'below 1.01',
      sentence: 'For sigma the four chains are in different places.',
      source: 'Vehtari et al. 2021, doi:10.1214/20-BA1221'
    },
    {
      name: 'Divergences',
      rule: 'divergences',
      status: 'pass',
      value: 0,
      shown: '0',
      threshold: '0',
      sentence: 'The sampler never lost its way.',
      source: 'Betancourt 2017, arXiv:1701.02434'
    }
  ],
  remedies: [
    {
      label: 'Draw twice as many samples',
      why: 'Longer chains have more time to agree.',
      changes: { draws: 2000, tune: 2000 },
      cost: 'one more fit, about twice as long',
      score: 0.7
    },
    {
      label: 'Take smaller steps',
      why: 'Helps where the posterior bends sharply.',
      changes: { target_accept: 0.95 },
      cost: 'one more fit, somewhat longer',
      score: 0.4
    }
  ],
  alt: '',
  partial: false,
  waived: null,
  policy: 'ModelCompose’s defaults, version 1 (4f2a9c1d)',
  choices: digest('sampling', CHOICES),
  ran: {}
};

/** The cells of a composed notebook in which the first `done` steps passed. */
export function sleepCells(
  done = 0,
  workflow: WorkflowName = 'simple'
): Cell[] {
  const parameters: Cell = {
    id: 'parameters',
    cell_type: 'code',
    source: PARAMETERS,
    metadata: { tags: ['parameters'] },
    execution_count: done > 0 ? 1 : null,
    verdict: null
  };
  const wanted = STEPS.filter(step => step.short || workflow === 'full');
  const steps = wanted.map(({ id, title }, index): Cell => {
    const source = stepSource(id);
    return {
      id,
      cell_type: 'code',
      source,
      metadata: { modelcompose: { step: id, composed: fakeHash(source) } },
      execution_count: index < done ? index + 2 : null,
      verdict: index < done ? passed(id, title) : null
    };
  });
  return [parameters, ...steps];
}

function passed(step: string, title: string): Verdict {
  return {
    ...FAILED_SAMPLING,
    step,
    title,
    status: 'pass',
    sentence: 'Nothing stands against going on.',
    findings: [],
    remedies: [],
    choices: digest(step, CHOICES)
  };
}
