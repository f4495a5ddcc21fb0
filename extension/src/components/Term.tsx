import { ReactNode } from 'react';

const EXPLANATIONS: Record<string, string> = {
  'R-hat':
    'Compares independent chains with each other. Near 1 they agree; above 1.01 they have not found the same answer yet.',
  'effective sample size':
    'How many independent draws the samples are worth. Too few make the numbers wobble.',
  ESS: 'Effective sample size: how many independent draws the samples are worth.',
  divergences:
    'Places where the sampler lost its way. Any of them can mean that part of the answer was missed.',
  divergent:
    'Steps where the sampler lost its way. Any of them can mean that part of the answer was missed.',
  'E-BFMI':
    'Whether the sampler can move freely between likely and unlikely regions. Low values mean it is stuck.',
  BFMI: 'Whether the sampler can move freely between likely and unlikely regions. Low values mean it is stuck.',
  MCSE: 'The error left in a number because the sampler drew a limited number of samples.',
  'Pareto k':
    'How strongly one observation pulls the model. Above 0.7 the estimate for it cannot be trusted.',
  LOO: 'Leave-one-out: how well the model predicts each observation when it has not seen it.',
  prior: 'What the model believes before it has seen the data.',
  posterior: 'What the model believes after it has seen the data.',
  'credible interval':
    'A range that holds the true value with the stated probability, given the model and the data.',
  'step size':
    'How far the sampler moves at a time. It settles while the chain warms up; a tiny one means a difficult posterior.',
  'tree depth':
    'How far the sampler travels in one step. At the limit it is slow, not wrong.',
  elpd: 'How well a model predicts rows that it has not seen. Higher is better; only differences mean something.',
  'LOO-PIT':
    'Where each row falls among what was predicted for it from the others. All places should be equally common.',
  'moment matching':
    'A way to correct the fit for a row left out, without fitting again.',
  stacking:
    'Mixes the predictions of several models so that the mixture predicts best.',
  'power-scaling':
    'Makes the prior or the data count a little more or less, and looks whether the answer moves.',
  multiverse:
    'The answer under every combination of choices that could be defended.',
  'simulation-based calibration':
    'Fits data made up with known values many times, and looks whether the computation finds them as often as it should.',
  'region of practical equivalence':
    'Effects so small that they make no difference in practice.',
  ROPE: 'Region of practical equivalence: effects so small that they make no difference in practice.',
  'expected loss':
    'What a choice costs on average, over everything that may be true.',
  'standard error':
    'How far a number may be off because only so much was seen.',
  'locked plan':
    'What was decided before anybody looked at the result, with its time and hash.'
};

const PATTERN = new RegExp(
  `(?<![\\w-])(${Object.keys(EXPLANATIONS)
    .sort((a, b) => b.length - a.length)
    .join('|')})(?![\\w-])`,
  'i'
);

function explanation(word: string): string {
  const key = Object.keys(EXPLANATIONS).find(
    name => name.toLowerCase() === word.toLowerCase()
  );
  return key ? EXPLANATIONS[key]! : '';
}

/** A text whose first technical term carries a one-line explanation. */
export function Explained(props: { text: string }): ReactNode {
  const found = PATTERN.exec(props.text);
  if (!found) {
    return props.text;
  }
  const [word] = found;
  const meaning = explanation(word);
  return (
    <>
      {props.text.slice(0, found.index)}
      <abbr
        className="jp-modelcompose-Term"
        tabIndex={0}
        title={meaning}
        data-meaning={meaning}
      >
        {word}
      </abbr>
      {props.text.slice(found.index + word.length)}
    </>
  );
}
