import {
  AddedVersion,
  Analysis,
  Applied,
  Cell,
  Changes,
  Column,
  Contract,
  DataDescription,
  DatasetHistory,
  Edit,
  Inspection,
  Publication,
  Question,
  RecipeStep,
  Recommendation,
  Revision,
  Run,
  RunEvent,
  RunStatus,
  Sample,
  Schema,
  StepInfo,
  StepKind,
  StepPreview,
  StepState,
  StoredDataset,
  Suggestion,
  TableProfile,
  Verdict,
  VersionDifference,
  WorkbenchClient,
  WorkbenchError
} from './port';

type Verb = keyof WorkbenchClient;

/**
 * A workbench in memory that knows one data set, sleepstudy.
 *
 * It follows the rules of the real one on a small scale: questions depend on kinds, composed cells are recognised by
 * their hash, a revision leaves cells alone that were edited by hand. `failures` makes a verb fail.
 */
export class FakeWorkbench implements WorkbenchClient {
  readonly failures = new Map<Verb, WorkbenchError>();
  readonly composed = new Map<string, Analysis>();
  readonly log: RunEvent[] = [];
  private readonly records: Run[] = [];
  private readonly versions = new Map<string, string[]>();
  private readonly current = new Map<string, number>();
  private rules: Contract = RULES;

  async schema(): Promise<Schema> {
    this.check('schema');
    return {
      analysis: {},
      kinds: KINDS,
      recipe: STEP_KINDS,
      steps: STEPS,
      version: '0.1.0'
    };
  }

  async samples(): Promise<Sample[]> {
    this.check('samples');
    return SAMPLES;
  }

  async addSample(name: string): Promise<Analysis> {
    this.check('addSample');
    return { data: `data/${name}.csv`, units: { Reaction: 'ms' } };
  }

  async describe(analysis: Analysis): Promise<DataDescription> {
    const {
      data,
      kinds = {},
      units = {},
      variables = {},
      recipe = []
    } = analysis;
    this.check('describe');
    const [name = '', number = ''] = data.split('@');
    const version =
      (this.versions.get(name) ?? [])[Number(number) - 1] !== undefined;
    if (!data.endsWith('sleepstudy.csv') && !version) {
      throw new WorkbenchError({
        type: 'NotFound',
        message: `There is no file ${data}.`,
        where: data,
        remedy: 'Choose a file of the workspace.'
      });
    }
    const columns = COLUMNS.map(column => ({
      ...column,
      kind: kinds[column.name] ?? column.kind,
      declared: column.name in kinds,
      ask: column.name in kinds ? [] : column.ask,
      unit: units[column.name] ?? '',
      label: variables[column.name]?.label ?? '',
      bounds: variables[column.name]?.bounds ?? [],
      codes: variables[column.name]?.missing ?? []
    }));
    const applied = recipe.map(applying);
    return {
      data,
      rows: 180 - recipe.length,
      rows_read: 180,
      recipe: applied,
      suggestions: recipe.length > 0 ? [] : SUGGESTIONS,
      relations: [
        {
          relation: 'repeated',
          columns: ['Subject'],
          sentence: 'Each Subject has several rows.'
        }
      ],
      dataset: version
        ? {
            name,
            number: Number(number),
            current: this.current.get(name) ?? 1
          }
        : null,
      sha256: 'a3f1',
      notes: ['One column was empty and was left out.'],
      columns,
      preview: PREVIEW,
      questions: questionsFor(columns)
    };
  }

  async profile(): Promise<TableProfile> {
    this.check('profile');
    return PROFILE;
  }

  async preview(analysis: Analysis, step: RecipeStep): Promise<StepPreview> {
    this.check('preview');
    const recipe = [...(analysis.recipe ?? []), step];
    return {
      ...applying(step, recipe.length - 1),
      columns: ['Reaction'],
      before: { columns: ['Reaction'], rows: [['249.56']] },
      after: {
        columns: ['Reaction'],
        rows: [['<b>249</b>']],
        changed: [[true]]
      },
      recipe
    };
  }

  async script(analysis: Analysis): Promise<string> {
    this.check('script');
    return (analysis.recipe ?? []).map(step => `# ${step.do}`).join('\n');
  }

  async paste(): Promise<string> {
    this.check('paste');
    return 'data/sleepstudy.csv';
  }

  async datasets(): Promise<StoredDataset[]> {
    this.check('datasets');
    return [...this.versions].map(([name, versions]) => ({
      name,
      number: this.current.get(name) ?? 1,
      versions: versions.length,
      rows: 180,
      columns: 3,
      created: '2026-11-20T12:00:00+00:00',
      message: versions.at(-1) ?? ''
    }));
  }

  async addVersion(
    _analysis: Analysis,
    name: string,
    message: string
  ): Promise<AddedVersion> {
    this.check('addVersion');
    const versions = [...(this.versions.get(name) ?? []), message];
    this.versions.set(name, versions);
    this.current.set(name, versions.length);
    return {
      data: `${name}@${versions.length}`,
      number: versions.length,
      new: true,
      breaches: [],
      stale_runs: versions
        .slice(1)
        .map((_, at) => ({ id: `${at}`, name: 'run', data: `${name}@1` }))
    };
  }

  async history(name: string): Promise<DatasetHistory> {
    this.check('history');
    return {
      name,
      current: this.current.get(name) ?? 1,
      versions: (this.versions.get(name) ?? []).map((message, at) => ({
        number: at + 1,
        sha256: 'a3f1',
        created: '2026-11-20T12:00:00+00:00',
        rows: 180,
        columns: 3,
        source: 'sleepstudy.csv',
        message,
        recipe_steps: 0
      })),
      stale_runs: []
    };
  }

  async difference(): Promise<VersionDifference> {
    this.check('difference');
    return {
      sentence: '1 cell changed in 1 rows.',
      cells: [{ row: 3, column: 'Reaction', old: '250.8', new: '' }]
    };
  }

  async contract(): Promise<Contract | null> {
    this.check('contract');
    return this.rules;
  }

  async agree(_name: string, rules: Contract | null): Promise<Contract> {
    this.check('agree');
    this.rules = rules ?? RULES;
    return this.rules;
  }

  async rollBack(name: string, version: number): Promise<string> {
    this.check('rollBack');
    this.current.set(name, version);
    return `${name}@${version}`;
  }

  async removeVersion(name: string, version: number): Promise<void> {
    this.check('removeVersion');
    const versions = this.versions.get(name) ?? [];
    this.versions.set(
      name,
      versions.filter((_, at) => at + 1 !== version)
    );
  }

  async verify(): Promise<{ checked: number; problems: string[] }> {
    this.check('verify');
    return { checked: 2, problems: [] };
  }

  async exportVersion(
    _name: string,
    _version: number,
    path: string
  ): Promise<string> {
    this.check('exportVersion');
    return path;
  }

  async recommend(analysis: Analysis): Promise<Recommendation> {
    this.check('recommend');
    const { outcome, predictors = [], groups = [] } = analysis;
    const grouped = groups.length > 0;
    const common = `${outcome} ~ ${predictors.join(' + ') || '1'}`;
    return {
      estimand: `How much does ${outcome} change per unit of ${predictors[0]}?`,
      recommended: MODELS.filter(model => grouped || !model.grouped).map(
        ({ grouped: needsGroup, ...model }) => ({
          ...model,
          formula: needsGroup
            ? `${common} + (${predictors.join(' + ')} | ${groups[0]})`
            : common
        })
      ),
      rejected: [
        {
          id: 'logistic',
          title: 'Logistic regression',
          rule: 'outcome-kind',
          sentence: `It needs a yes/no outcome; ${outcome} is a number.`
        }
      ]
    };
  }

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

  async startRun(notebook: string): Promise<Run> {
    this.check('startRun');
    const id = String(this.records.length + 1);
    const run: Run = {
      id,
      name: `${notebook.replace('.ipynb', '')} #${id}`,
      notebook,
      status: 'running',
      started: '2026-11-20T10:00:00Z',
      ended: null,
      model: 'varying-slopes',
      message: '',
      verdicts: [],
      executed: null,
      report: null,
      app: null
    };
    this.records.unshift(run);
    return run;
  }

  async runs(): Promise<Run[]> {
    this.check('runs');
    return this.records.map(run => ({ ...run }));
  }

  async run(id: string): Promise<Run> {
    this.check('run');
    return { ...this.find(id) };
  }

  async events(
    id: string,
    since: number
  ): Promise<{ events: RunEvent[]; status: RunStatus }> {
    this.check('events');
    // A real server keeps the request open; a short wait stands for that.
    await new Promise(resolve => setTimeout(resolve, 5));
    const events = this.log.filter(event => event.n > since);
    return { events, status: this.find(id).status };
  }

  async stopRun(id: string): Promise<Run> {
    this.check('stopRun');
    return this.finish(id, 'stopped', 'Stopped by you.');
  }

  async publish(id: string): Promise<Publication> {
    this.check('publish');
    const run = this.find(id);
    run.report = `reports/${id}.html`;
    run.app = `apps/${id}/app.ipynb`;
    return { report: run.report, app: run.app };
  }

  /** Let a run end, as the server would. */
  finish(id: string, status: RunStatus, message: string): Run {
    const run = this.find(id);
    Object.assign(run, {
      status,
      message,
      ended: '2026-11-20T10:00:04Z',
      executed: `runs/${id}/executed.ipynb`
    });
    this.emit({ type: 'end', status, message });
    return run;
  }

  emit(event: Record<string, unknown>): void {
    const n = this.log.length + 1;
    this.log.push({ n, time: '2026-11-20T10:00:01Z', ...event } as RunEvent);
  }

  private find(id: string): Run {
    const run = this.records.find(item => item.id === id);
    if (!run) {
      throw new WorkbenchError({
        type: 'NotFound',
        message: `There is no run ${id}.`
      });
    }
    return run;
  }

  private check(verb: Verb): void {
    const failure = this.failures.get(verb);
    if (failure) {
      throw failure;
    }
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

function questionsFor(columns: Column[]): Question[] {
  const named = (...kinds: string[]) =>
    columns.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name);
  const numbers = named('continuous', 'positive');
  const categories = named('category', 'binary');
  return [
    {
      id: 'difference',
      label: 'Do groups differ?',
      explanation: 'Compares an outcome between categories.',
      allowed: numbers.length > 0 && categories.length > 0,
      reason: 'It needs a column that is a category or a yes/no answer.',
      roles: { outcome: numbers, predictors: categories }
    },
    {
      id: 'change-over-time',
      label: 'How does something change over time?',
      explanation:
        'Follows an outcome over time, for each group if there are groups.',
      allowed: numbers.length > 0,
      reason: 'It needs an outcome that is a number.',
      roles: {
        outcome: numbers,
        predictors: named('count', 'continuous'),
        groups: named('group', 'category')
      }
    }
  ];
}

const STATES: Record<Verdict['status'] | 'none', StepState> = {
  none: 'todo',
  pass: 'passed',
  warn: 'warned',
  fail: 'failed',
  info: 'info'
};

const KINDS = [
  {
    id: 'continuous',
    label: 'Number',
    explanation: 'A measured number, of either sign.'
  },
  { id: 'count', label: 'Count', explanation: 'How many: 0, 1, 2, …' },
  {
    id: 'category',
    label: 'Category',
    explanation: 'One of a few names without an order.'
  },
  {
    id: 'group',
    label: 'Group',
    explanation: 'Which rows belong together, for example a person.'
  },
  { id: 'text', label: 'Text', explanation: 'Free text; not used in models.' }
];

const STEPS: StepInfo[] = [
  ['data', 'Data', 'Are the data what they were declared to be?'],
  ['question', 'Question', 'What is asked, of which columns?'],
  ['model', 'Model', 'The model as code, with its assumptions.'],
  ['prior', 'Prior check', 'What would the model expect without the data?'],
  ['fit', 'Fit', 'Draws from the posterior.'],
  ['sampling', 'Sampling check', 'Did the computation work?'],
  ['posterior', 'Model check', 'Do data made by the model look like yours?'],
  ['answer', 'Answer', 'The answer, with its uncertainty.']
].map(([id, title, explanation]) => ({
  id: id!,
  title: title!,
  explanation: explanation!
}));

const SAMPLES: Sample[] = [
  {
    name: 'sleepstudy',
    title: 'Reaction time without sleep',
    description: 'Ten days of sleep deprivation, 18 people.',
    credit: 'Belenky et al. 2003',
    rows: 180,
    question: 'change-over-time',
    outcome: 'Reaction'
  }
];

const RULES: Contract = {
  columns: {
    Subject: {
      kind: 'group',
      holds: 'text',
      required: true,
      gaps: false,
      levels: ['308', '309'],
      bounds: [],
      seen: []
    }
  }
};

const UNDECLARED = {
  confidence: 'likely' as const,
  ask: [] as string[],
  dtype: 'number' as const,
  label: '',
  unit: '',
  bounds: [],
  plausible: [],
  levels: null,
  reference: '',
  codes: []
};

const STEP_KINDS: StepKind[] = [
  {
    id: 'filter',
    title: 'Keep some rows',
    explanation: 'Keep the rows for which a condition is true.',
    fields: {
      properties: {
        where: { type: 'string', description: 'The condition' }
      },
      required: ['where']
    }
  },
  {
    id: 'drop',
    title: 'Leave columns out',
    explanation: 'Take columns away.',
    fields: {
      properties: {
        columns: {
          type: 'array',
          items: { type: 'string' },
          description: 'The columns to leave out'
        }
      }
    }
  },
  {
    id: 'rename',
    title: 'Rename columns',
    explanation: 'Give columns other names.',
    fields: {
      properties: {
        columns: {
          type: 'object',
          additionalProperties: { type: 'string' },
          description: 'New names'
        }
      }
    }
  }
];

const SUGGESTIONS: Suggestion[] = [
  {
    label: 'Treat -9 as missing in Days',
    why: 'It occurs 2 times.',
    step: { do: 'missing_codes', columns: ['Days'], codes: [-9] }
  }
];

const PROFILE: TableProfile = {
  rows: 180,
  columns: [
    {
      name: 'Reaction',
      kind: 'continuous',
      missing: 0,
      sentence: 'From 194 to 466 ms, half of them between 255 and 337.',
      impossible: [{ row: 7, value: '-1', why: 'outside 0 and more' }],
      impossible_count: 1,
      suspects: [{ value: '-9', count: 2, why: 'all others lie apart' }],
      histogram: { edges: [0, 1, 2], counts: [3, 5] },
      levels: null
    }
  ],
  missing: {
    columns: ['Days'],
    patterns: [{ missing: ['Days'], rows: 2 }],
    map: { columns: ['Days'], bands: [[0.1], [0]] },
    complete_rows: 178
  },
  pairs: [
    {
      x: 'Days',
      y: 'Reaction',
      measure: 'rank correlation',
      value: 0.54,
      rows: 178,
      shape: { kind: 'scatter', x: [0, 1], y: [250, 260] }
    }
  ],
  sampled: null
};

/** What a step did, as the fake has it: it leaves out one row. */
function applying(step: RecipeStep, at: number): Applied {
  return {
    step,
    sentence: `Did ${step.do}.`,
    rows_before: 180 - at,
    rows_after: 179 - at,
    changed: 0,
    added: [],
    removed: []
  };
}

const COLUMNS: Column[] = [
  {
    ...UNDECLARED,
    name: 'Reaction',
    kind: 'continuous',
    reason: 'Numbers with decimals.',
    declared: false,
    missing: 0,
    distinct: 180,
    examples: ['249.56', '258.70', '250.80']
  },
  {
    ...UNDECLARED,
    ask: ['count', 'continuous'],
    name: 'Days',
    kind: 'count',
    reason: 'Whole numbers from 0 to 9.',
    declared: false,
    missing: 2,
    distinct: 10,
    examples: ['0', '1', '2']
  },
  {
    ...UNDECLARED,
    levels: ['308', '309', '310'],
    name: 'Subject',
    kind: 'group',
    reason: '18 names, each in 10 rows.',
    declared: false,
    missing: 0,
    distinct: 18,
    examples: ['308', '309', '310']
  }
];

const PREVIEW = [
  ['249.56', '0', '308'],
  ['258.70', '1', '308']
];

const MODELS = [
  {
    id: 'varying-slopes',
    title: 'A line for each group',
    summary: 'Every group has its own start and its own change.',
    grouped: true,
    reasons: [
      {
        rule: 'repeated',
        sentence:
          'Subject has several rows each, so its rows are not independent.'
      }
    ]
  },
  {
    id: 'linear',
    title: 'One straight line',
    summary: 'One start and one change for everybody.',
    grouped: false,
    reasons: [{ rule: 'outcome-kind', sentence: 'Reaction is a number.' }]
  }
];

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
