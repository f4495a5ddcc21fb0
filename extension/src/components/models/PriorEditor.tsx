import { useId, useState } from 'react';

import {
  Analysis,
  Elicited,
  Prior,
  PriorClient,
  PriorRow
} from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { ChangePriors, changedBy } from './elicited';
import { OwnNumbers } from './OwnNumbers';
import { NumberField } from './NumberField';
import { numberIn } from './numbers';

/** What is being typed of a prior, as long as the prior stays what it was typed for. */
interface Draft {
  of: string;
  dist: string;
  texts: Record<string, string>;
}

const RANGE_MASS = 0.95;

/** One prior as a distribution with its numbers, or said in numbers of one's own. */
export function PriorEditor(props: {
  client: PriorClient;
  analysis: Analysis;
  row: PriorRow;
  distributions: Record<string, string[]>;
  onChange: ChangePriors;
}) {
  const { client, analysis, row, distributions, onChange } = props;
  const { name, label } = row;
  const id = useId();
  const switching = useAction();
  const [draft, setDraft] = useState<Draft | null>(null);
  const chosen = analysis.priors ?? {};
  const current: Prior = chosen[name] ?? { dist: row.dist, ...row.params };
  const of = JSON.stringify(current);
  const { dist, texts } = draft?.of === of ? draft : textsOf(current);
  const parameters = distributions[dist] ?? Object.keys(texts);
  const put = (prior: Prior, mark?: string) =>
    onChange(old => ({ ...old, [name]: prior }), `prior of ${label}`, mark);

  const type = (parameter: string, text: string) => {
    const next = { ...texts, [parameter]: text };
    const prior = priorIn(dist, next, parameters);
    setDraft({ of: prior ? JSON.stringify(prior) : of, dist, texts: next });
    if (prior) {
      put(prior, `${name} ${dist}`);
    }
  };
  const choose = (next: string) => {
    setDraft({ of, dist: next, texts: {} });
    const { low, high } = row;
    const answer = {
      how: 'range',
      low,
      high,
      mass: RANGE_MASS,
      dist: next
    } as const;
    void switching.start(
      () => client.elicit(analysis, name, answer),
      found => take(found)
    );
  };
  const take = (found: Elicited) => {
    setDraft(null);
    onChange(old => ({ ...old, ...changedBy(found) }), `prior of ${label}`);
  };
  const reset = () => {
    const without = (old: Record<string, Prior>) =>
      Object.fromEntries(Object.entries(old).filter(([one]) => one !== name));
    onChange(without, `prior of ${label}, back to the default`);
  };
  return (
    <div
      className="jp-modelcompose-PriorEditor"
      role="group"
      aria-label={`Prior of ${label}`}
    >
      <div className="jp-modelcompose-Field">
        <label htmlFor={id}>Distribution</label>
        <select
          id={id}
          className="jp-modelcompose-Select"
          value={dist}
          onChange={event => choose(event.currentTarget.value)}
        >
          {Object.keys({ [dist]: [], ...distributions }).map(one => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </div>
      {switching.busy && <Busy text="Finding numbers for the same range…" />}
      <Problem error={switching.error} />
      <div className="jp-modelcompose-Numbers">
        {parameters.map(parameter => (
          <NumberField
            key={parameter}
            label={parameter}
            text={texts[parameter] ?? ''}
            onType={text => type(parameter, text)}
          />
        ))}
      </div>
      {name in chosen && (
        <button className="jp-modelcompose-Button" onClick={reset}>
          Back to the default
        </button>
      )}
      <OwnNumbers
        client={client}
        analysis={analysis}
        row={row}
        distributions={Object.keys(distributions)}
        onElicited={take}
      />
    </div>
  );
}

function textsOf({ dist, ...params }: Prior): Omit<Draft, 'of'> {
  const texts = Object.entries(params).map(([name, value]) => [
    name,
    String(value)
  ]);
  return { dist, texts: Object.fromEntries(texts) };
}

/** Distributions with more names than this take one pair of them or another. */
const MOST = 3;

/** The prior that the texts spell, or null as long as something is missing or no number. */
function priorIn(
  dist: string,
  texts: Record<string, string>,
  parameters: string[]
): Prior | null {
  const filled = parameters.filter(name => (texts[name] ?? '').trim() !== '');
  const values = filled.map(name => numberIn(texts[name]));
  const needed = parameters.length > MOST ? 2 : parameters.length;
  if (values.includes(null) || filled.length < needed) {
    return null;
  }
  const given = filled.map((name, at) => [name, values[at]!]);
  return { dist, ...Object.fromEntries(given) };
}
