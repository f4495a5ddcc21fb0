import { Lineage, Round, RunComparison } from '../port';

const AS_IT_WAS: Round = {
  id: '1',
  parent: '',
  label: 'As it was',
  why: '',
  cost: '',
  step: '',
  changes: {},
  model: 'poisson',
  formula: 'visits ~ age',
  verdicts: { sampling: 'pass', posterior: 'fail' },
  findings: [],
  elpd: -620.4,
  elpd_se: 21.3,
  rows: 'a1',
  seconds: 12,
  status: 'failed',
  run: '1'
};

/** An autopilot of three rounds: the first remedy helped, the second led nowhere. */
export const FAKE_LINEAGE: Lineage = {
  version: 1,
  rounds: [
    AS_IT_WAS,
    {
      ...AS_IT_WAS,
      id: '2',
      parent: '1',
      label: 'Let counts spread wider',
      why: 'The data spread more than the model allows.',
      cost: 'one more fit, about as long',
      step: 'posterior',
      changes: { model: 'negative-binomial' },
      model: 'negative-binomial',
      verdicts: { sampling: 'pass', posterior: 'warn' },
      findings: [
        {
          step: 'posterior',
          name: 'Spread',
          before_status: 'fail',
          before: 'p = 0.001',
          status: 'pass',
          shown: 'p = 0.41'
        }
      ],
      elpd: -540.2,
      elpd_se: 14.8,
      status: 'warned',
      run: '2'
    },
    {
      ...AS_IT_WAS,
      id: '3',
      parent: '2',
      label: 'Add a cause for zeros',
      why: 'More zeros than expected.',
      cost: 'one more fit, about twice as long',
      step: 'posterior',
      changes: { model: 'zero-inflated' },
      model: 'zero-inflated',
      verdicts: { sampling: 'fail', posterior: 'warn' },
      status: 'failed',
      elpd: null,
      elpd_se: null,
      rows: '',
      run: '3'
    }
  ],
  best: '2',
  stopped: 'Stopped: no remedy is left for the share of zeros.'
};

/** Two runs side by side, of which the second predicts better. */
export function fakeComparison(ids: string[]): RunComparison {
  const [first = '', second = ''] = ids;
  const ran = (id: string, model: string, elpd: number) => ({
    id,
    name: `sleepstudy #${id}`,
    model,
    formula: model === 'linear' ? 'Reaction ~ Days' : 'Reaction ~ Days + (…)',
    status: 'passed' as const,
    elpd,
    elpd_se: 20
  });
  return {
    runs: [ran(first, 'linear', -953.2), ran(second, 'varying-slopes', -861.1)],
    comparison: [
      {
        id: second,
        elpd: -861.1,
        difference: 0,
        se: 0,
        weight: 0.94,
        words: 'Predicts best.'
      },
      {
        id: first,
        elpd: -953.2,
        difference: -92.1,
        se: 19.4,
        weight: 0.06,
        words: 'Predicts clearly worse.'
      }
    ],
    sentences: ['The second run predicts rows it has not seen better.'],
    answers: [
      {
        quantity: 'Change per day',
        unit: 'ms',
        runs: {
          [first]: { median: 10.5, lower: 8.0, upper: 12.9 },
          [second]: { median: 10.4, lower: 7.2, upper: 13.6 }
        }
      }
    ],
    choices: [
      {
        name: 'model',
        runs: { [first]: 'linear', [second]: 'varying-slopes' }
      }
    ],
    verdicts: [
      {
        step: 'posterior',
        title: 'Model check',
        runs: { [first]: 'fail', [second]: 'pass' },
        waived: []
      }
    ],
    comparable: true,
    why_not: ''
  };
}
