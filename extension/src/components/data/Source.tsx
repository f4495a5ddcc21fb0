import {
  ChangeEvent,
  DragEvent,
  FormEvent,
  useEffect,
  useId,
  useState
} from 'react';

import { Host, Sample, StoredDataset, WorkbenchClient } from '../../api/port';
import { useAction } from '../action';
import { Problem } from '../Problem';
import { Wizard } from '../wizard';

interface Props {
  client: WorkbenchClient;
  host: Host;
  wizard: Wizard;
}

/** Where the table comes from: a file, the clipboard, an address, a stored dataset or a sample. */
export function Source({ client, host, wizard }: Props) {
  return (
    <>
      <Files host={host} wizard={wizard} />
      <Elsewhere client={client} wizard={wizard} />
      <Stored client={client} wizard={wizard} />
      <Samples client={client} wizard={wizard} />
    </>
  );
}

function Files({ host, wizard }: Pick<Props, 'host' | 'wizard'>) {
  const [over, setOver] = useState(false);
  const [missing, setMissing] = useState(false);
  const [progress, setProgress] = useState<number | null>(null);
  const input = useId();
  const take = (file: File | undefined) => {
    if (!file) {
      return;
    }
    setProgress(0);
    void wizard
      .loadFrom(async () => ({ data: await host.upload(file, setProgress) }))
      .finally(() => setProgress(null));
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
          CSV, Excel, JSON, Parquet, Feather, Stata, SPSS, SAS, SQLite or
          DuckDB, also compressed
        </p>
        {progress !== null && progress < 1 && (
          <progress
            className="jp-modelcompose-Upload"
            aria-label="Uploading"
            value={progress}
          />
        )}
      </div>
      {missing && (
        <p className="jp-modelcompose-small" role="status">
          No data file is selected in the file browser. Click one there first.
        </p>
      )}
    </>
  );
}

function Elsewhere({ client, wizard }: Pick<Props, 'client' | 'wizard'>) {
  const [address, setAddress] = useState('');
  const [pasted, setPasted] = useState('');
  const [addressId, pastedId] = [useId(), useId()];
  const load = (event: FormEvent) => {
    event.preventDefault();
    void wizard.load(address.trim());
  };
  const paste = (event: FormEvent) => {
    event.preventDefault();
    void wizard.loadFrom(async () => ({ data: await client.paste(pasted) }));
  };
  return (
    <details className="jp-modelcompose-Details">
      <summary>Paste a table, or read one from elsewhere</summary>
      <form className="jp-modelcompose-Field" onSubmit={paste}>
        <label htmlFor={pastedId}>Paste rows from a spreadsheet</label>
        <textarea
          id={pastedId}
          className="jp-modelcompose-Text"
          rows={4}
          value={pasted}
          onChange={event => setPasted(event.target.value)}
        />
        <button className="jp-modelcompose-Button" disabled={!pasted.trim()}>
          Use this table
        </button>
      </form>
      <form className="jp-modelcompose-Field" onSubmit={load}>
        <label htmlFor={addressId}>An address, a database or a path</label>
        <input
          id={addressId}
          className="jp-modelcompose-Select"
          placeholder="https://… or data/shop.db#sales"
          value={address}
          onChange={event => setAddress(event.target.value)}
        />
        <small>
          After # stands which part: a sheet, a table or a SELECT. Also s3://…
          and sales@2 for a stored version.
        </small>
        <button className="jp-modelcompose-Button" disabled={!address.trim()}>
          Read it
        </button>
      </form>
    </details>
  );
}

function Stored({ client, wizard }: Pick<Props, 'client' | 'wizard'>) {
  const [datasets, setDatasets] = useState<StoredDataset[]>([]);
  const { start } = useAction();
  const { description } = wizard;
  useEffect(() => {
    void start(() => client.datasets(), setDatasets);
  }, [client, start, description]);
  if (datasets.length === 0) {
    return null;
  }
  return (
    <details
      className="jp-modelcompose-Details"
      open={wizard.description === null}
    >
      <summary>Stored datasets ({datasets.length})</summary>
      <ul className="jp-modelcompose-Samples">
        {datasets.map(one => (
          <li key={one.name}>
            <button
              className="jp-modelcompose-Card"
              onClick={() => void wizard.load(`${one.name}@${one.number}`)}
            >
              <strong>
                {one.name}@{one.number}
              </strong>
              <span>{one.message}</span>
              <small>
                {one.rows} rows · {one.columns} columns · {one.versions}{' '}
                {one.versions === 1 ? 'version' : 'versions'}
              </small>
            </button>
          </li>
        ))}
      </ul>
    </details>
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
