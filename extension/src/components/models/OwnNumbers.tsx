import { useId, useState } from 'react';

import {
  Analysis,
  Answer,
  Elicited,
  OneAnswer,
  PriorClient,
  PriorRow
} from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import {
  beginning,
  Draft,
  edgesOf,
  How,
  MASSES,
  QUANTILES,
  read,
  WAYS
} from './answers';
import { Drawing } from './Drawing';
import { NumberField } from './NumberField';
import { Said } from './Said';

/** What somebody, or several people, know of a quantity, said in numbers of their own. */
export function OwnNumbers(props: {
  client: PriorClient;
  analysis: Analysis;
  row: PriorRow;
  distributions: string[];
  onElicited: (found: Elicited) => void;
}) {
  const { client, analysis, row, distributions, onElicited } = props;
  const [drafts, setDrafts] = useState<Draft[]>(() => [beginning(row)]);
  const [said, setSaid] = useState<Elicited | null>(null);
  const asking = useAction();
  const answers = drafts.map(read);
  const missing = answers.find(answer => typeof answer === 'string');
  const change = (at: number, draft: Draft) =>
    setDrafts(drafts.map((old, index) => (index === at ? draft : old)));
  const use = () =>
    void asking.start(
      () => client.elicit(analysis, row.name, joined(answers as OneAnswer[])),
      found => {
        setSaid(found);
        onElicited(found);
      }
    );
  return (
    <details className="jp-modelcompose-Details">
      <summary>Say it in your own numbers</summary>
      <div className="jp-modelcompose-Disclosed">
        {drafts.map((draft, at) => (
          <AnswerForm
            key={at}
            title={drafts.length > 1 ? `Answer ${at + 1}` : 'Your answer'}
            draft={draft}
            distributions={distributions}
            onChange={next => change(at, next)}
            onRemove={
              drafts.length > 1
                ? () => setDrafts(drafts.filter((_, index) => index !== at))
                : undefined
            }
          />
        ))}
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => setDrafts([...drafts, beginning(row)])}
        >
          Add another person’s answer
        </button>
        {typeof missing === 'string' && <small>{missing}</small>}
        <button
          className="jp-modelcompose-Button"
          disabled={asking.busy || missing !== undefined}
          onClick={use}
        >
          {drafts.length > 1 ? 'Use these answers' : 'Use this answer'}
        </button>
        {asking.busy && <Busy text="Finding the prior that says this…" />}
        <Problem error={asking.error} />
        <Said found={said} priors={analysis.priors} />
      </div>
    </details>
  );
}

function joined(answers: OneAnswer[]): Answer {
  return answers.length === 1 ? answers[0]! : { how: 'experts', answers };
}

function AnswerForm(props: {
  title: string;
  draft: Draft;
  distributions: string[];
  onChange: (draft: Draft) => void;
  onRemove: (() => void) | undefined;
}) {
  const { title, draft, distributions, onChange, onRemove } = props;
  const name = useId();
  return (
    <fieldset className="jp-modelcompose-Answer">
      <legend>{title}</legend>
      <div className="jp-modelcompose-Checks">
        {(Object.keys(WAYS) as How[]).map(how => (
          <label key={how} className="jp-modelcompose-Choice">
            <input
              type="radio"
              name={name}
              checked={draft.how === how}
              onChange={() => onChange({ ...draft, how })}
            />
            <span>{WAYS[how].label}</span>
          </label>
        ))}
      </div>
      <small>{WAYS[draft.how].hint}</small>
      {draft.how === 'range' && <Range draft={draft} onChange={onChange} />}
      {draft.how === 'quantiles' && (
        <Thresholds draft={draft} onChange={onChange} />
      )}
      {draft.how === 'drawing' && <Chips draft={draft} onChange={onChange} />}
      <Shape
        dist={draft.dist}
        distributions={distributions}
        onChange={dist => onChange({ ...draft, dist })}
      />
      {onRemove && (
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={onRemove}
        >
          Remove this answer
        </button>
      )}
    </fieldset>
  );
}

interface FormProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
}

function Range({ draft, onChange }: FormProps) {
  return (
    <>
      <div className="jp-modelcompose-Numbers">
        <NumberField
          label="between"
          text={draft.low}
          onType={low => onChange({ ...draft, low })}
        />
        <NumberField
          label="and"
          text={draft.high}
          onType={high => onChange({ ...draft, high })}
        />
      </div>
      <Mass mass={draft.mass} onChange={mass => onChange({ ...draft, mass })} />
    </>
  );
}

export function Mass(props: {
  mass: string;
  onChange: (mass: string) => void;
}) {
  const id = useId();
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>How often is that right?</label>
      <select
        id={id}
        className="jp-modelcompose-Select"
        value={props.mass}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        {MASSES.map(([mass, words]) => (
          <option key={mass} value={mass}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}

function Thresholds({ draft, onChange }: FormProps) {
  const { quantiles } = draft;
  return (
    <div className="jp-modelcompose-Numbers">
      {QUANTILES.map(([share, words]) => (
        <NumberField
          key={share}
          label={words}
          text={quantiles[share] ?? ''}
          onType={text =>
            onChange({ ...draft, quantiles: { ...quantiles, [share]: text } })
          }
        />
      ))}
    </div>
  );
}

function Chips({ draft, onChange }: FormProps) {
  const edges = edgesOf(draft);
  return (
    <>
      <div className="jp-modelcompose-Numbers">
        <NumberField
          label="from"
          text={draft.from}
          onType={from => onChange({ ...draft, from })}
        />
        <NumberField
          label="to"
          text={draft.to}
          onType={to => onChange({ ...draft, to })}
        />
      </div>
      {edges && (
        <Drawing
          edges={edges}
          chips={draft.chips}
          onChange={chips => onChange({ ...draft, chips })}
        />
      )}
    </>
  );
}

function Shape(props: {
  dist: string;
  distributions: string[];
  onChange: (dist: string) => void;
}) {
  const id = useId();
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>Shape</label>
      <select
        id={id}
        className="jp-modelcompose-Select"
        value={props.dist}
        onChange={event => props.onChange(event.currentTarget.value)}
      >
        <option value="">Whatever fits</option>
        {props.distributions.map(dist => (
          <option key={dist}>{dist}</option>
        ))}
      </select>
    </div>
  );
}
