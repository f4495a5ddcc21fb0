import { useEffect, useId, useState } from 'react';

import { Analysis, Column, ModelClient } from '../../api/port';
import { useAction } from '../action';
import { Problem } from '../Problem';

/** Which column of the table each column of one's own model is. */
export function Mapping(props: {
  client: ModelClient;
  analysis: Analysis;
  columns: Column[];
  onChange: (mapping: Record<string, string>) => void;
}) {
  const { client, analysis, columns, onChange } = props;
  const { model = '', mapping = {} } = analysis;
  const [wanted, setWanted] = useState<Record<string, string>>({});
  const { error, start } = useAction();
  useEffect(
    () =>
      void start(
        () => client.showModel(model),
        card => setWanted(card.columns)
      ),
    [client, model, start]
  );
  const names = columns.map(column => column.name);
  const missing = Object.entries(wanted).filter(
    ([name]) => !names.includes(name) || name in mapping
  );
  const choose = (name: string, column: string) => {
    const others = Object.entries(mapping).filter(([one]) => one !== name);
    onChange(Object.fromEntries(column ? [...others, [name, column]] : others));
  };
  return (
    <>
      <Problem error={error} />
      {missing.map(([name, kind]) => (
        <Which
          key={name}
          label={`Which column is “${name}” (${kind})?`}
          names={names}
          value={mapping[name] ?? ''}
          onChange={column => choose(name, column)}
        />
      ))}
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
