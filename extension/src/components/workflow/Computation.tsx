import { useEffect, useId, useState } from 'react';

import {
  Analysis,
  Changes,
  Sampler,
  Schema,
  WorkbenchClient
} from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { NumberField } from '../models/NumberField';
import { numberIn } from '../models/numbers';
import { Problem } from '../Problem';

interface Props {
  client: Pick<WorkbenchClient, 'schema'>;
  analysis: Analysis;
  busy: boolean;
  onPut: (changes: Changes) => void;
}

const NUMBERS = {
  draws: 'Draws kept per chain',
  tune: 'Warm-up draws per chain',
  chains: 'Chains',
  target_accept: 'target_accept (higher: smaller, safer steps)'
};

type Texts = Record<string, string>;

/** For those who want to choose it: the sampler of a notebook, and how much it draws. */
export function Computation(props: Props) {
  return (
    <Disclosure summary="Change how it is computed">
      <Draft key={JSON.stringify(standing(props.analysis))} {...props} />
    </Disclosure>
  );
}

function Draft({ client, analysis, busy, onPut }: Props) {
  const [schema, setSchema] = useState<Schema | null>(null);
  const [texts, setTexts] = useState(standing(analysis));
  const loading = useAction();
  const { start } = loading;
  useEffect(
    () => void start(() => client.schema(), setSchema),
    [client, start]
  );
  const changes = changed(standing(analysis), texts);
  const type = (name: string, text: string) =>
    setTexts({ ...texts, [name]: text });
  return (
    <>
      {loading.busy && <Busy text="Reading which samplers there are…" />}
      <Problem error={loading.error} />
      {schema && (
        <SamplerField
          samplers={schema.samplers}
          chosen={texts.sampler!}
          onChoose={id => type('sampler', id)}
        />
      )}
      <div className="jp-modelcompose-Numbers">
        {Object.entries(NUMBERS).map(([name, label]) => (
          <NumberField
            key={name}
            label={label}
            text={texts[name]!}
            onType={text => type(name, text)}
          />
        ))}
      </div>
      <button
        className="jp-modelcompose-Button"
        disabled={busy || changes === null || Object.keys(changes).length === 0}
        onClick={() => onPut(changes!)}
      >
        Put this into the notebook
      </button>
    </>
  );
}

function SamplerField(props: {
  samplers: Sampler[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  const { samplers, chosen, onChoose } = props;
  const id = useId();
  const one = samplers.find(sampler => sampler.id === chosen);
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>Sampler</label>
      <select
        id={id}
        className="jp-modelcompose-Select"
        value={chosen}
        onChange={event => onChoose(event.currentTarget.value)}
      >
        {!one && <option value={chosen}>{chosen}</option>}
        {samplers.map(sampler => (
          <option
            key={sampler.id}
            value={sampler.id}
            disabled={sampler.missing.length > 0}
          >
            {inList(sampler)}
          </option>
        ))}
      </select>
      {one && (
        <small>
          {one.explanation}
          {one.approximate &&
            ' This is an approximation: a check says how far it can be trusted, and an answer that matters needs a sampler that is none.'}
        </small>
      )}
    </div>
  );
}

function inList({ label, approximate, missing }: Sampler): string {
  if (missing.length > 0) {
    return `${label} (not installed: ${missing.join(', ')})`;
  }
  return approximate ? `${label} (approximation)` : label;
}

/** The choices as one would type them. */
function standing(analysis: Analysis): Texts {
  const names = ['sampler', ...Object.keys(NUMBERS)];
  return Object.fromEntries(
    names.map(name => [name, String(analysis[name] ?? '')])
  );
}

/** What differs from the notebook; null while something is no number. */
function changed(before: Texts, now: Texts): Changes | null {
  const different = Object.entries(now).filter(
    ([name, text]) => text.trim() !== before[name]
  );
  const values = different.map(([name, text]) => [
    name,
    name === 'sampler' ? text : numberIn(text)
  ]);
  return values.some(([, value]) => value === null)
    ? null
    : Object.fromEntries(values);
}
