import {
  AddedVersion,
  Analysis,
  Applied,
  Column,
  Contract,
  DataDescription,
  DatasetHistory,
  RecipeStep,
  Sample,
  StepPreview,
  StoredDataset,
  Suggestion,
  TableProfile,
  VersionDifference,
  WorkbenchError
} from '../port';
import { FakeSchema } from './schema';
import { questionsFor } from './question';

/** Samples, the one table, and its stored versions. */
export abstract class FakeData extends FakeSchema {
  private readonly versions = new Map<string, string[]>();
  private readonly current = new Map<string, number>();
  private rules: Contract = RULES;

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
}

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
