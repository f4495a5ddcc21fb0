import { FormEvent, useEffect, useId, useState } from 'react';

import {
  AddedVersion,
  ColumnRules,
  Contract,
  DatasetHistory,
  StaleRun,
  VersionDifference,
  WorkbenchClient
} from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { tableOf, Wizard } from '../wizard';

interface Props {
  client: WorkbenchClient;
  wizard: Wizard;
}

/** Keep the table as a version that never changes, and go back to earlier ones. */
export function Versions({ client, wizard }: Props) {
  const dataset = wizard.description?.dataset ?? null;
  const [last, setAdded] = useState<AddedVersion | null>(null);
  const added = last?.data === wizard.description?.data ? last : null;
  const saving = useAction();
  const save = (name: string, message: string) =>
    void saving.start(
      () => client.addVersion(tableOf(wizard.analysis), name, message),
      next => {
        setAdded(next);
        void wizard.load(next.data);
      }
    );
  return (
    <details className="jp-modelcompose-Details" open={dataset !== null}>
      <summary>
        Versions{dataset && ` of ${dataset.name}: this is ${dataset.number}`}
      </summary>
      <Save
        key={`${wizard.table}`}
        name={dataset?.name ?? stem(wizard.description?.data ?? '')}
        busy={saving.busy}
        onSave={save}
      />
      <Problem error={saving.error} />
      {added && <Outcome added={added} />}
      {dataset && (
        <History
          key={`${dataset.name} ${added?.number}`}
          client={client}
          name={dataset.name}
          wizard={wizard}
        />
      )}
    </details>
  );
}

function Save(props: {
  name: string;
  busy: boolean;
  onSave: (name: string, message: string) => void;
}) {
  const [name, setName] = useState(props.name);
  const [message, setMessage] = useState('');
  const [nameId, messageId] = [useId(), useId()];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.onSave(name.trim(), message.trim());
  };
  return (
    <form className="jp-modelcompose-Field" onSubmit={submit}>
      <label htmlFor={nameId}>Name of the dataset</label>
      <input
        id={nameId}
        className="jp-modelcompose-Select"
        value={name}
        onChange={event => setName(event.target.value)}
      />
      <label htmlFor={messageId}>What is new</label>
      <input
        id={messageId}
        className="jp-modelcompose-Select"
        value={message}
        onChange={event => setMessage(event.target.value)}
      />
      <button
        className="jp-modelcompose-Button"
        disabled={props.busy || !name.trim()}
      >
        Save as a version
      </button>
      <small>
        Saves the table as it is now, prepared and with its kinds. A version is
        never changed; an analysis can rest on it for good.
      </small>
    </form>
  );
}

function Outcome({ added }: { added: AddedVersion }) {
  return (
    <div role="status">
      <p>
        {added.new
          ? `Saved as ${added.data}.`
          : `Nothing has changed: this is ${added.data}.`}
      </p>
      {added.breaches.length > 0 && (
        <ul className="jp-modelcompose-Notes">
          {added.breaches.map(breach => (
            <li key={breach.sentence}>
              {breach.severity === 'refuse' && (
                <strong>Breaks the contract: </strong>
              )}
              {breach.sentence}
            </li>
          ))}
        </ul>
      )}
      <Stale runs={added.stale_runs} />
    </div>
  );
}

function Stale({ runs }: { runs: StaleRun[] }) {
  if (runs.length === 0) {
    return null;
  }
  return (
    <p>
      Out of date now, since they used another version:{' '}
      {runs.map(run => `${run.name} (${run.data})`).join(', ')}.
    </p>
  );
}

function History(props: {
  client: WorkbenchClient;
  name: string;
  wizard: Wizard;
}) {
  const { client, name, wizard } = props;
  const [history, setHistory] = useState<DatasetHistory | null>(null);
  const [difference, setDifference] = useState<VersionDifference | null>(null);
  const [said, setSaid] = useState('');
  const [doomed, setDoomed] = useState<number | null>(null);
  const fetching = useAction();
  const acting = useAction();
  const { start } = fetching;
  useEffect(() => {
    void start(() => client.history(name), setHistory);
  }, [client, name, start]);
  const again = () => void start(() => client.history(name), setHistory);
  const rollBack = (number: number) =>
    void acting.start(
      () => client.rollBack(name, number),
      data => {
        setSaid(`${data} is the current version now.`);
        again();
        void wizard.load(data);
      }
    );
  const remove = (number: number) =>
    void acting.start(
      () => client.removeVersion(name, number),
      () => {
        setDoomed(null);
        again();
      }
    );
  const compare = (old: number, next: number) =>
    void acting.start(() => client.difference(name, old, next), setDifference);
  const [rules, setRules] = useState<Contract | null>(null);
  const agree = (next: Contract | null) =>
    void acting.start(() => client.agree(name, next), setRules);
  const showRules = () =>
    void acting.start(() => client.contract(name), setRules);
  const verify = () =>
    void acting.start(
      () => client.verify(name),
      ({ checked, problems }) =>
        setSaid(
          problems.length > 0
            ? `Damaged: ${problems.join('; ')}`
            : `${checked} versions checked; all are as they were stored.`
        )
    );
  const save = (number: number) =>
    void acting.start(
      () => client.exportVersion(name, number, `${name}-${number}.csv`),
      path => setSaid(`Written to ${path}.`)
    );
  if (!history) {
    return fetching.busy ? <Busy text="Looking for versions…" /> : null;
  }
  return (
    <>
      <Problem error={fetching.error ?? acting.error} />
      <ul className="jp-modelcompose-Samples">
        {[...history.versions].reverse().map((one, at, all) => (
          <li key={one.number}>
            <strong>
              {name}@{one.number}
              {one.number === history.current && ' (current)'}
            </strong>
            <small>
              {one.created.slice(0, 16).replace('T', ' ')} · {one.rows} rows ·{' '}
              {one.columns} columns {one.message && `· ${one.message}`}
            </small>
            <div className="jp-modelcompose-Buttons">
              {one.number !== history.current && (
                <button
                  className="jp-modelcompose-Button"
                  onClick={() => rollBack(one.number)}
                >
                  Make {one.number} the current one
                </button>
              )}
              {at + 1 < all.length && (
                <button
                  className="jp-modelcompose-Button"
                  onClick={() => compare(all[at + 1]!.number, one.number)}
                >
                  What changed in {one.number}?
                </button>
              )}
              <button
                className="jp-modelcompose-Button"
                onClick={() => save(one.number)}
              >
                Write {one.number} to a file
              </button>
              {one.number !== history.current &&
                (doomed === one.number ? (
                  <button
                    className="jp-modelcompose-Button"
                    onClick={() => remove(one.number)}
                  >
                    Yes, remove {one.number} for good
                  </button>
                ) : (
                  <button
                    className="jp-modelcompose-Button"
                    onClick={() => setDoomed(one.number)}
                  >
                    Remove {one.number}
                  </button>
                ))}
            </div>
          </li>
        ))}
      </ul>
      <button className="jp-modelcompose-Button" onClick={verify}>
        Check that nothing is damaged
      </button>
      <button className="jp-modelcompose-Button" onClick={showRules}>
        What versions must look like
      </button>
      {rules && <Rules rules={rules} onAgree={agree} />}
      {said && <p role="status">{said}</p>}
      {difference && (
        <div role="status">
          <p>{difference.sentence}</p>
          <ul className="jp-modelcompose-Notes">
            {difference.cells.slice(0, 12).map(cell => (
              <li key={`${cell.row} ${cell.column}`}>
                Row {cell.row}, {cell.column}: {cell.old || 'missing'} →{' '}
                {cell.new || 'missing'}
              </li>
            ))}
          </ul>
        </div>
      )}
      <Stale runs={history.stale_runs} />
    </>
  );
}

/** The contract: what each column must hold; a version that breaks it is refused by every run. */
function Rules(props: {
  rules: Contract;
  onAgree: (rules: Contract | null) => void;
}) {
  const { rules, onAgree } = props;
  const change = (name: string, column: Partial<ColumnRules>) =>
    onAgree({
      columns: {
        ...rules.columns,
        [name]: { ...rules.columns[name]!, ...column }
      }
    });
  return (
    <>
      <p className="jp-modelcompose-small">
        A version that breaks these rules is refused before anything runs.
      </p>
      <ul className="jp-modelcompose-Notes">
        {Object.entries(rules.columns).map(([name, column]) => (
          <li key={name}>
            <strong>{name}</strong>: {HOLDS[column.holds]}
            {column.levels.length > 0 && `, one of ${column.levels.join(', ')}`}
            {column.levels.length > 0 && (
              <button
                className="jp-modelcompose-Button"
                onClick={() => change(name, { levels: [] })}
              >
                Allow other values of {name}
              </button>
            )}
            <label className="jp-modelcompose-Choice">
              <input
                type="checkbox"
                checked={column.gaps}
                onChange={() => change(name, { gaps: !column.gaps })}
              />
              <span>Values of {name} may be missing</span>
            </label>
          </li>
        ))}
      </ul>
      <button className="jp-modelcompose-Button" onClick={() => onAgree(null)}>
        Learn the rules anew from the current version
      </button>
    </>
  );
}

const HOLDS = {
  number: 'numbers',
  text: 'text',
  date: 'dates',
  truth: 'true or false'
};

/** The name of a dataset that a file suggests. */
function stem(data: string): string {
  const file = data.split('#')[0]!.split('/').pop() ?? '';
  return file.split('.')[0]!.replace(/[^\w-]+/g, '-') || 'table';
}
