import {
  Analysis,
  Answer,
  Curve,
  Elicited,
  OneAnswer,
  Prior,
  PriorChoices,
  PriorPrediction,
  PriorRow,
  PriorTable,
  Views,
  WorkbenchError
} from '../port';
import { FakeModels } from './models';

const NORMAL_90 = 1.645;
const NORMAL_95 = 1.96;

/** Priors of two terms, all of them normal in shape, and one model seen in four ways. */
export abstract class FakePriors extends FakeModels {
  async priors(analysis: Analysis): Promise<PriorTable> {
    this.check('priors');
    return {
      priors: Object.keys(DEFAULTS).map(name => rowOf(name, analysis.priors)),
      distributions: DISTRIBUTIONS
    };
  }

  async priorPrediction(analysis: Analysis): Promise<PriorPrediction> {
    this.check('priorPrediction');
    const { mu, sigma } = centre(priorOf('Intercept', analysis.priors));
    const at = (z: number) => mu + z * sigma;
    return {
      outcome: 'Reaction',
      unit: 'ms',
      quantiles: {
        '5': at(-NORMAL_90),
        '25': at(-0.675),
        '50': mu,
        '75': at(0.675),
        '95': at(NORMAL_90)
      },
      observed: { low: 194, high: 466, mean: 299 },
      plausible: [0, 1000],
      inside: 0.93,
      density: bell(mu, sigma),
      sentence: `9 of 10 values are expected between ${at(-NORMAL_90).toFixed()} and ${at(NORMAL_90).toFixed()} ms.`
    };
  }

  async elicit(
    analysis: Analysis,
    name: string,
    answer: Answer
  ): Promise<Elicited> {
    this.check('elicit');
    const names = name ? [name] : Object.keys(DEFAULTS);
    const prior = fitted(answer);
    const changed = Object.fromEntries(names.map(one => [one, prior]));
    const priors = { ...analysis.priors, ...changed };
    return {
      changes: { priors },
      priors: names.map(one => rowOf(one, priors)),
      sentence: `So be it: ${prior.dist}.`,
      notes: answer.how === 'experts' ? ['The experts disagree.'] : []
    };
  }

  async views(analysis: Analysis, code: string): Promise<Views> {
    this.check('views');
    const given = analysis.formula ?? '';
    const formula = given.length > 0 ? given : 'Reaction ~ Days';
    const wrong = /\((?!.*\))/.test(String(formula));
    const problem = wrong ? 'A bracket is not closed.' : '';
    return {
      ...VIEWS,
      formula,
      equation: String.raw`\mu_i = \alpha + \beta\,\mathrm{Days}_i`,
      code: `model = bmb.Model("${formula}", table)`,
      problem: code && !code.includes('bmb.Model') ? NO_MODEL : problem,
      changes: code ? changesIn(code) : {}
    };
  }
}

function priorOf(name: string, chosen: PriorChoices = {}): Prior {
  return chosen[name] ?? DEFAULTS[name]!;
}

function centre(prior: Prior): { mu: number; sigma: number } {
  return { mu: Number(prior.mu ?? 0), sigma: Number(prior.sigma ?? 1) };
}

function rowOf(name: string, chosen?: PriorChoices): PriorRow {
  const { dist, ...params } = priorOf(name, chosen);
  const { mu, sigma } = centre({ dist, ...params });
  if (sigma <= 0) {
    throw new WorkbenchError({
      message: `sigma = ${sigma} must be above 0.`,
      where: `the prior of ${name}`,
      remedy: 'Give a number above 0.'
    });
  }
  const [low, high] = [mu - NORMAL_95 * sigma, mu + NORMAL_95 * sigma];
  return {
    name,
    label: LABELS[name]!,
    dist,
    params: params as Record<string, number>,
    words: `${dist}(${Object.values(params).join(', ')})`,
    range_words: `95% between ${low.toFixed()} and ${high.toFixed()} ms`,
    low,
    high,
    source: chosen?.[name] ? 'chosen by you' : 'as in rstanarm',
    yours: chosen?.[name] !== undefined,
    density: bell(mu, sigma)
  };
}

function bell(mu: number, sigma: number): Curve {
  const z = [-3, -2, -1, 0, 1, 2, 3];
  return {
    x: z.map(one => mu + one * sigma),
    y: z.map(one => Math.exp((-one * one) / 2))
  };
}

function fitted(answer: Answer): Prior {
  switch (answer.how) {
    case 'experts':
      return pooled(answer.answers);
    case 'run':
      return normal(300, 10);
    case 'outcome':
    case 'range':
      return {
        ...normal(
          (answer.low + answer.high) / 2,
          (answer.high - answer.low) / 2 / NORMAL_90
        ),
        dist: ('dist' in answer && answer.dist) || 'Normal'
      };
    case 'quantiles': {
      const values = Object.values(answer.quantiles);
      return normal(mean(values), values.at(-1)! - values[0]!);
    }
    case 'drawing':
      return drawn(answer.edges, answer.chips);
  }
}

function pooled(answers: OneAnswer[]): Prior {
  const priors = answers.map(fitted).map(centre);
  return normal(mean(priors.map(one => one.mu)), 2 * priors[0]!.sigma);
}

function drawn(edges: number[], chips: number[]): Prior {
  const middles = chips.map((_, at) => (edges[at]! + edges[at + 1]!) / 2);
  const each = chips.flatMap((count, at) =>
    new Array<number>(count).fill(middles[at]!)
  );
  return normal(mean(each), edges[1]! - edges[0]!);
}

function normal(mu: number, sigma: number): Prior {
  return { dist: 'Normal', mu, sigma: Number(sigma.toFixed(3)) };
}

function mean(values: number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

function changesIn(code: string): Views['changes'] {
  const formula = /Model\("([^"]+)"/.exec(code)?.[1];
  return formula ? { formula } : {};
}

const NO_MODEL = 'The cell no longer builds a model with bmb.Model.';

const DEFAULTS: PriorChoices = {
  Intercept: { dist: 'Normal', mu: 299, sigma: 141 },
  Days: { dist: 'Normal', mu: 0, sigma: 49 }
};

const LABELS: Record<string, string> = {
  Intercept: 'Average of Reaction',
  Days: 'Change per day'
};

const DISTRIBUTIONS: Record<string, string[]> = {
  Normal: ['mu', 'sigma'],
  StudentT: ['nu', 'mu', 'sigma'],
  HalfNormal: ['sigma']
};

const VIEWS: Omit<Views, 'formula' | 'equation' | 'code'> = {
  graph: {
    nodes: [
      { id: 'alpha', label: 'Intercept', role: 'prior' },
      { id: 'beta', label: 'Days', role: 'prior' },
      { id: 'mu', label: 'mu', role: 'parameter' },
      { id: 'x', label: 'Days (data)', role: 'data' },
      { id: 'y', label: 'Reaction', role: 'outcome' }
    ],
    edges: [
      ['alpha', 'mu'],
      ['beta', 'mu'],
      ['x', 'mu'],
      ['mu', 'y']
    ]
  },
  changes: {},
  problem: '',
  columns: ['Reaction', 'Days', 'Subject', 'body mass'],
  functions: ['center(', 'scale(', 'np.log(', '(1 | ']
};
