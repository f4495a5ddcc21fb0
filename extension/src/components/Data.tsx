import { ChangeEvent, DragEvent, useEffect, useId, useState } from 'react';

import {
  Column,
  DataDescription,
  Host,
  Kind,
  Sample,
  WorkbenchClient
} from '../api/port';
import { useAction } from './action';
import { Busy } from './Busy';
import { Problem } from './Problem';
import { Wizard } from './wizard';

const FORMATS = '.csv,.tsv,.json,.xlsx,.parquet';

interface Props {
  client: WorkbenchClient;
  host: Host;
  kinds: Kind[];
  wizard: Wizard;
}

/** Station 1: bring a table and agree on what each column is. */
export function Data(props: Props) {
  const { kinds, wizard } = props;
  const { description, loading } = wizard;
  return (
    <>
      <Source {...props} />
      {loading.busy && <Busy text="Reading the table…" />}
      <Problem error={loading.error} />
      {description && (
        <>
          <Summary description={description} />
          <Columns
            columns={description.columns}
            kinds={kinds}
            onChange={wizard.declare}
          />
          <Preview description={description} />
          <button
            className="jp-modelcompose-Button jp-mod-primary"
            disabled={loading.busy}
            onClick={() => wizard.goTo('question')}
          >
            Continue to the question
          </button>
        </>
      )}
    </>
  );
}

function Source({ client, host, wizard }: Props) {
  const [over, setOver] = useState(false);
  const [missing, setMissing] = useState(false);
  const input = useId();
  const take = (file: File | undefined) => {
    if (file) {
      void wizard.loadFrom(async () => ({ data: await host.upload(file) }));
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  const pick = (event: ChangeEvent<HTMLInputElement>) => {
    take(event.target.files?.[0]);
    event.target.value = '';
  };
  const useSelected = () => {
    const path = host.selectedFile();
    setMissing(path === null);
    if (path !== null) {
      void wizard.load(path);
    }
  };
  return (
    <>
      <div
        className="jp-modelcompose-Drop"
        data-over={over}
        onDragOver={event => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <p>Drop a spreadsheet here</p>
        <input
          id={input}
          type="file"
          className="jp-modelcompose-Drop-input"
          accept={FORMATS}
          onChange={pick}
        />
        <div className="jp-modelcompose-Buttons">
          <label htmlFor={input} className="jp-modelcompose-Button">
            Choose a file
          </label>
          <button className="jp-modelcompose-Button" onClick={useSelected}>
            Use the selected file
          </button>
        </div>
        <p className="jp-modelcompose-small">
          CSV, TSV, JSON, Excel or Parquet, with one row per observation
        </p>
      </div>
      {missing && (
        <p className="jp-modelcompose-small" role="status">
          No data file is selected in the file browser. Click one there first.
        </p>
      )}
      <Samples client={client} wizard={wizard} />
    </>
  );
}

function Samples({ client, wizard }: Pick<Props, 'client' | 'wizard'>) {
  const [samples, setSamples] = useState<Sample[]>([]);
  const fetching = useAction();
  const { start } = fetching;
  useEffect(() => {
    void start(() => client.samples(), setSamples);
  }, [client, start]);
  if (fetching.error) {
    return (
      <Problem
        error={fetching.error}
        onRetry={() => void start(() => client.samples(), setSamples)}
      />
    );
  }
  if (samples.length === 0) {
    return null;
  }
  return (
    <details
      className="jp-modelcompose-Details"
      open={wizard.description === null}
    >
      <summary>Or try a sample</summary>
      <ul className="jp-modelcompose-Samples">
        {samples.map(sample => (
          <li key={sample.name}>
            <button
              className="jp-modelcompose-Card"
              onClick={() =>
                void wizard.loadFrom(() => client.addSample(sample.name))
              }
            >
              <strong>{sample.title}</strong>
              <span>{sample.description}</span>
              <small>
                {sample.rows} rows · {sample.credit}
              </small>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Summary({ description }: { description: DataDescription }) {
  const { data, rows, columns, notes } = description;
  return (
    <>
      <p>
        <strong>{data}</strong> has {rows} rows and {columns.length} columns.
      </p>
      {notes.length > 0 && (
        <ul className="jp-modelcompose-Notes">
          {notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function Columns(props: {
  columns: Column[];
  kinds: Kind[];
  onChange: (column: string, kind: string) => void;
}) {
  return (
    <table className="jp-modelcompose-Table">
      <caption>What is each column? Put right what is wrong.</caption>
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Kind</th>
        </tr>
      </thead>
      <tbody>
        {props.columns.map(column => (
          <tr key={column.name}>
            <th scope="row">
              {column.name}
              <small>{column.examples.join(', ')}</small>
              {column.missing > 0 && (
                <small className="jp-modelcompose-missing">
                  {column.missing} missing
                </small>
              )}
            </th>
            <td>
              <KindSelect
                column={column}
                kinds={props.kinds}
                onChange={kind => props.onChange(column.name, kind)}
              />
              <small>{column.declared ? 'As declared.' : column.reason}</small>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function KindSelect(props: {
  column: Column;
  kinds: Kind[];
  onChange: (kind: string) => void;
}) {
  const { column, kinds, onChange } = props;
  const current = kinds.find(kind => kind.id === column.kind);
  return (
    <select
      className="jp-modelcompose-Select"
      aria-label={`Kind of ${column.name}`}
      title={current?.explanation}
      value={column.kind}
      onChange={event => onChange(event.target.value)}
    >
      {kinds.map(kind => (
        <option key={kind.id} value={kind.id} title={kind.explanation}>
          {kind.label}
        </option>
      ))}
    </select>
  );
}

function Preview({ description }: { description: DataDescription }) {
  return (
    <details className="jp-modelcompose-Details">
      <summary>First rows</summary>
      <div className="jp-modelcompose-Preview" tabIndex={0}>
        <table>
          <thead>
            <tr>
              {description.columns.map(column => (
                <th key={column.name} scope="col">
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {description.preview.map((row, index) => (
              <tr key={index}>
                {row.map((value, place) => (
                  <td key={place}>{value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
