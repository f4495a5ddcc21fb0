import { useId, useState } from 'react';

import { Analysis, Answer, Elicited, PriorClient, Run } from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { Problem } from '../Problem';
import { ChangePriors, changedBy } from './elicited';
import { Mass } from './OwnNumbers';
import { NumberField } from './NumberField';
import { numberIn } from './numbers';
import { Said } from './Said';

interface Props {
  client: PriorClient;
  analysis: Analysis;
  outcome: string;
  unit: string;
  onChange: ChangePriors;
}

/** Answers that move all priors together: on the scale of the outcome, or what an earlier run has found. */
export function WholeAnswers(props: Props) {
  const { client } = props;
  return (
    <>
      <Disclosure summary="Say which outcomes are likely">
        <OutcomeScale {...props} />
      </Disclosure>
      {client.runs && (
        <Disclosure summary="Begin with what an earlier run has found">
          <EarlierRun {...props} />
        </Disclosure>
      )}
    </>
  );
}

/** Asking for all priors at once. */
function useWhole(props: Props, what: string) {
  const { client, analysis, onChange } = props;
  const [said, setSaid] = useState<Elicited | null>(null);
  const asking = useAction();
  const ask = (answer: Answer) =>
    void asking.start(
      () => client.elicit(analysis, '', answer),
      found => {
        setSaid(found);
        onChange(old => ({ ...old, ...changedBy(found) }), what);
      }
    );
  const answer = (
    <>
      {asking.busy && <Busy text="Finding the priors that say this…" />}
      <Problem error={asking.error} />
      <Said found={said} priors={analysis.priors} />
    </>
  );
  return { ask, answer, busy: asking.busy };
}

function OutcomeScale(props: Props) {
  const { outcome, unit } = props;
  const [low, setLow] = useState('');
  const [high, setHigh] = useState('');
  const [mass, setMass] = useState('0.9');
  const { ask, answer, busy } = useWhole(props, 'all priors');
  const [least, most] = [numberIn(low), numberIn(high)];
  const ready = least !== null && most !== null && least < most;
  const use = () =>
    ready &&
    ask({ how: 'outcome', low: least, high: most, mass: Number(mass) });
  return (
    <>
      <p>
        Where do values of {outcome}
        {unit && ` (in ${unit})`} usually lie? All priors follow.
      </p>
      <div className="jp-modelcompose-Numbers">
        <NumberField label="between" text={low} onType={setLow} />
        <NumberField label="and" text={high} onType={setHigh} />
      </div>
      <Mass mass={mass} onChange={setMass} />
      <button
        className="jp-modelcompose-Button"
        disabled={!ready || busy}
        onClick={use}
      >
        Move all priors
      </button>
      {answer}
    </>
  );
}

function EarlierRun(props: Props) {
  const { client } = props;
  const id = useId();
  const [runs, setRuns] = useState<Run[] | null>(null);
  const [chosen, setChosen] = useState('');
  const fetching = useAction();
  const { ask, answer, busy } = useWhole(props, 'all priors, from a run');
  const fetch = () =>
    void fetching.start(
      () => client.runs!(),
      found => setRuns(found.filter(isFinished))
    );
  if (!runs) {
    return (
      <>
        <button
          className="jp-modelcompose-Button"
          disabled={fetching.busy}
          onClick={fetch}
        >
          Show earlier runs
        </button>
        <Problem error={fetching.error} />
      </>
    );
  }
  if (runs.length === 0) {
    return <p role="status">No run has finished yet.</p>;
  }
  return (
    <>
      <div className="jp-modelcompose-Field">
        <label htmlFor={id}>Run</label>
        <select
          id={id}
          className="jp-modelcompose-Select"
          value={chosen}
          onChange={event => setChosen(event.currentTarget.value)}
        >
          <option value="">Choose a run</option>
          {runs.map(run => (
            <option key={run.id} value={run.id}>
              {run.name}
            </option>
          ))}
        </select>
        <small>
          Only for data that the run has not seen: the same data must not count
          twice.
        </small>
      </div>
      <button
        className="jp-modelcompose-Button"
        disabled={chosen === '' || busy}
        onClick={() => ask({ how: 'run', run: chosen })}
      >
        Take its answer as priors
      </button>
      {answer}
    </>
  );
}

function isFinished({ status }: Run): boolean {
  return status === 'passed' || status === 'warned';
}
