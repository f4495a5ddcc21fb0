import {
  Analysis,
  Changes,
  EvidenceStatus,
  ModelCard,
  ModelCheck,
  ModelSummary,
  Recommendation,
  WorkbenchError
} from '../port';
import { FakeData } from './data';

/** The models of the catalogue and one's own: a file whose name holds “broken” has faults. */
export abstract class FakeModels extends FakeData {
  private readonly own = new Map<string, string>();
  readonly files = new Set<string>();

  async recommend(analysis: Analysis): Promise<Recommendation> {
    this.check('recommend');
    const { outcome, predictors = [], groups = [] } = analysis;
    if (analysis.question === 'share') {
      return {
        estimand: '',
        recommended: [],
        rejected: [REJECTED],
        none: NONE
      };
    }
    if (analysis.question === 'own') {
      const recommended = [...this.own.keys()].map(id => ({
        id,
        title: ownCard(id, 'linear').title,
        summary: '',
        formula: '',
        reasons: [{ rule: 'own', sentence: 'It is yours.' }]
      }));
      return { estimand: 'It?', recommended, rejected: [], none: '' };
    }
    const grouped = groups.length > 0;
    const common = `${outcome} ~ ${predictors.join(' + ') || '1'}`;
    return {
      estimand: `How much does ${outcome} change per unit of ${predictors[0]}?`,
      recommended: MODELS.filter(model => grouped || !model.grouped).map(
        ({ id, title, summary, reasons, grouped: needsGroup }) => ({
          id,
          title,
          summary,
          reasons,
          formula: needsGroup
            ? `${common} + (${predictors.join(' + ')} | ${groups[0]})`
            : common
        })
      ),
      rejected: [
        {
          ...REJECTED,
          sentence: `It needs a yes/no outcome; ${outcome} is a number.`
        }
      ],
      none: ''
    };
  }

  async listModels(): Promise<ModelSummary[]> {
    this.check('listModels');
    const catalogue = MODELS.map(model => summaryOf(cardOf(model.id)));
    const own = [...this.own].map(([path, like]) =>
      summaryOf(ownCard(path, like))
    );
    return [...catalogue, ...own];
  }

  async showModel(id: string): Promise<ModelCard> {
    this.check('showModel');
    const like = this.own.get(id);
    return like === undefined ? cardOf(id) : ownCard(id, like);
  }

  async newModel(name: string): Promise<string> {
    this.check('newModel');
    return this.write(`models/${name}.ipynb`);
  }

  async checkModel(path: string): Promise<ModelCheck> {
    this.check('checkModel');
    if (path.includes('broken')) {
      return { ok: false, faults: FAULTS, model: null };
    }
    return { ok: true, faults: [], model: ownCard(path, 'linear') };
  }

  async addModel(path: string): Promise<{ id: string; path: string }> {
    this.check('addModel');
    const id = path.replace(/\.ipynb$/, '.py');
    this.own.set(id, 'linear');
    return { id, path: id };
  }

  async forkModel(id: string, name: string): Promise<string> {
    this.check('forkModel');
    const path = this.write(`models/${name}.py`);
    this.own.set(path, this.own.get(id) ?? id);
    return path;
  }

  async adoptModel(
    id: string,
    { recipe = [] }: Analysis,
    mapping: Record<string, string>
  ): Promise<Changes> {
    this.check('adoptModel');
    const columns = Object.fromEntries(
      Object.entries(mapping).map(([ours, theirs]) => [theirs, ours])
    );
    return {
      model: id,
      question: 'own',
      outcome: 'Reaction',
      predictors: ['dose'],
      groups: [],
      formula: '',
      priors: {},
      recipe: [...recipe, { do: 'rename', columns }],
      kinds: { dose: 'continuous' }
    };
  }

  async removeModel(id: string): Promise<void> {
    this.check('removeModel');
    this.own.delete(id);
  }

  private write(path: string): string {
    this.files.add(path);
    return path;
  }
}

function cardOf(id: string): ModelCard {
  const model = MODELS.find(item => item.id === id);
  if (!model) {
    throw new WorkbenchError({
      type: 'NotFound',
      message: `There is no model ${id}.`
    });
  }
  const { title, summary, status } = model;
  return {
    ...CARD,
    id,
    title,
    summary,
    evidence: { status, sentence: EVIDENCE[status] }
  };
}

function ownCard(path: string, like: string): ModelCard {
  return {
    ...cardOf(like),
    id: path,
    title: path.split('/').at(-1)!,
    path,
    own: true,
    columns: { dose: 'continuous', Reaction: 'continuous' },
    evidence: { status: 'none', sentence: EVIDENCE.none }
  };
}

function summaryOf(card: ModelCard): ModelSummary {
  const { id, title, summary, questions, outcome, own, path } = card;
  const { status, sentence } = card.evidence;
  const evidence = { status, sentence };
  const family = 'gaussian';
  return {
    id,
    title,
    summary,
    family,
    questions,
    outcome,
    own,
    path,
    evidence
  };
}

const EVIDENCE: Record<EvidenceStatus, string> = {
  valid: 'Checked with 200 simulations.',
  outdated: 'It was checked before it was last changed.',
  none: 'It has not been checked by simulation.'
};

const NONE = 'A column of yes and no would help.';

const REJECTED = {
  id: 'logistic',
  title: 'Logistic regression',
  rule: 'outcome-kind',
  sentence: 'It needs a yes/no outcome; no column is one.'
};

const FAULTS = [
  {
    message: 'The cell “model” defines no function build.',
    where: 'models/broken.ipynb, cell 3',
    remedy: 'Define build(table, analysis).'
  }
];

const CARD: ModelCard = {
  id: '',
  title: '',
  summary: '',
  purpose: 'To say how an outcome changes with other columns.',
  tutorial: 'Think of a ruler laid through a cloud of points.',
  assumptions: ['The line is straight.'],
  limits: ['It says nothing of causes.'],
  equation: String.raw`y_i \sim \mathrm{Normal}(\mu_i, \sigma)`,
  formula: 'outcome ~ predictor',
  code: 'bmb.Model(formula, table)',
  priors: [
    {
      name: 'Intercept',
      words: 'Normal(299, 141)',
      source: 'as in rstanarm',
      meaning: 'the average outcome'
    }
  ],
  source: 'Gelman & Hill 2007, ch. 3',
  questions: [{ id: 'effect', label: 'How is it related?' }],
  outcome: ['continuous'],
  needs: ['a number as the outcome'],
  own: false,
  path: '',
  columns: {},
  remedies: ['Try robust errors when a few values lie far off.'],
  evidence: { status: 'valid', sentence: '' }
};

const MODELS = [
  {
    id: 'varying-slopes',
    title: 'A line for each group',
    summary: 'Every group has its own start and its own change.',
    grouped: true,
    status: 'outdated' as const,
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
    status: 'valid' as const,
    reasons: [{ rule: 'outcome-kind', sentence: 'Reaction is a number.' }]
  }
];
