import { useId, useState } from 'react';

import { ModelClient } from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { Wizard } from '../wizard';

/** Use a model of one's own on the table, once it is known which columns it means. */
export function Adopt(props: {
  client: ModelClient;
  id: string;
  wizard: Wizard;
}) {
  const { client, id, wizard } = props;
  const [missing, setMissing] = useState<[string, string][]>([]);
  const [mapping, setMapping] = useState<Record<string, string>>({});
  const using = useAction();
  const names = (wizard.description?.columns ?? []).map(({ name }) => name);
  const look = async () => {
    const { columns } = await client.showModel(id);
    const unknown = Object.entries(columns).filter(
      ([name]) => !names.includes(name)
    );
    if (unknown.length === 0) {
      await wizard.adopt(id, {});
    }
    return unknown;
  };
  const use = () =>
    missing.length === 0
      ? void using.start(look, setMissing)
      : void using.start(
          () => wizard.adopt(id, mapping),
          () => setMissing([])
        );
  const ready = missing.every(([name]) => mapping[name]);
  return (
    <>
      {missing.map(([name, kind]) => (
        <Which
          key={name}
          label={`Which column is “${name}” (${kind})?`}
          names={names}
          value={mapping[name] ?? ''}
          onChange={column => setMapping({ ...mapping, [name]: column })}
        />
      ))}
      <button
        className="jp-modelcompose-Button"
        disabled={using.busy || !ready}
        onClick={use}
      >
        {missing.length === 0
          ? 'Use this model'
          : 'Use this model with these columns'}
      </button>
      {using.busy && <Busy text="Putting the model to your table…" />}
      <Problem error={using.error} />
    </>
  );
}

function Which(props: {
  label: string;
  names: string[];
  value: string;
  onChange: (column: string) => void;
}) {
  const id = useId();
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        className="jp-modelcompose-Select"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        <option value="">Choose a column</option>
        {props.names.map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </div>
  );
}
