import {
  Analysis,
  Cell,
  Changes,
  Edit,
  Inspection,
  Revision,
  StepState,
  Verdict
} from '../port';
import { FakePriors } from './priors';
import { STEPS } from './schema';

/** Notebooks: composed cells are recognised by their hash, and those edited by hand are left alone. */
export abstract class FakeNotebooks extends FakePriors {
  readonly composed = new Map<string, Analysis>();

  async compose(analysis: Analysis): Promise<string> {
    this.check('compose');
    const path = `sleepstudy${this.composed.size || ''}.ipynb`;
    this.composed.set(path, analysis);
    return path;
  }

  async inspect(cells: Cell[]): Promise<Inspection> {
    this.check('inspect');
    const steps = STEPS.flatMap(({ id, title, explanation }) => {
      const own = cells.filter(cell => cell.metadata.modelcompose?.step === id);
      const verdict = own.find(cell => cell.verdict)?.verdict ?? null;
      const view = {
        step: id,
        title,
        explanation,
        cells: own.map(cell => cell.id),
        state: STATES[verdict?.status ?? 'none'],
        stale: own.some(cell => isStale(cell, cells)),
        edited: own.some(isEdited),
        verdict
      };
      return own.length > 0 ? [view] : [];
    });
    const analysis = steps.length > 0 ? SLEEP_ANALYSIS : null;
    return { analysis, problem: null, steps };
  }

  async revise(cells: Cell[], changes: Changes): Promise<Revision> {
    this.check('revise');
    const mine = cells.filter(isEdited);
    const edits = cells
      .filter(cell => cell.metadata.tags?.includes('parameters'))
      .map(cell => ({
        id: cell.id,
        source: assign(cell.source, changes),
        metadata: {}
      }));
    return {
      edits,
      kept: mine.map(cell => cell.id),
      composed: mine.map(composedAgain),
      from: 'prior' in changes ? 'model' : 'fit'
    };
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

function isStale(cell: Cell, cells: Cell[]): boolean {
  const parameters = cells.find(other =>
    other.metadata.tags?.includes('parameters')
  );
  const ran = cell.verdict?.ran[parameters?.id ?? ''];
  return ran !== undefined && ran !== fakeHash(parameters!.source);
}

function assign(source: string, changes: Changes): string {
  return Object.entries(changes).reduce(
    (text, [name, value]) =>
      text.replace(
        new RegExp(`^${name} = .*$`, 'm'),
        `${name} = ${JSON.stringify(value)}`
      ),
    source
  );
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
      status: 'fail',
      value: 1.08,
      shown: '1.080',
      threshold: 'below 1.01',
      sentence: 'For sigma the four chains are in different places.',
      source: 'Vehtari et al. 2021, doi:10.1214/20-BA1221'
    },
    {
      name: 'Divergences',
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
      changes: { draws: 2000, tune: 2000 }
    },
    {
      label: 'Take smaller steps',
      why: 'Helps where the posterior bends sharply.',
      changes: { target_accept: 0.95 }
    }
  ],
  alt: '',
  partial: false,
  ran: {}
};

/** The cells of a composed notebook in which the first `done` steps passed. */
export function sleepCells(done = 0): Cell[] {
  const parameters: Cell = {
    id: 'parameters',
    cell_type: 'code',
    source: '# parameters\ndraws = 1000\ntune = 1000',
    metadata: { tags: ['parameters'] },
    execution_count: done > 0 ? 1 : null,
    verdict: null
  };
  const steps = STEPS.map(({ id, title }, index): Cell => {
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
    ran: { parameters: fakeHash('# parameters\ndraws = 1000\ntune = 1000') }
  };
}
