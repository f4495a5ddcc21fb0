import { useState } from 'react';

import { ModelClient } from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { Pick } from '../question/Pickers';
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
        <Pick
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
