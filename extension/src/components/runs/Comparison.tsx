import { ReactNode } from 'react';

import { RunComparison, Status, WorkbenchClient } from '../../api/port';
import { Mark } from '../Badge';
import { Disclosure } from '../Disclosure';
import { shown } from '../plot';
import { verdictTone, verdictWord } from '../steps';
import { Explained } from '../Term';
import { Intervals } from './Intervals';
import { Notebooks } from './Notebooks';
import { Overlay } from './Overlay';

/** Runs side by side: how well each predicts, what each answers, and in which choices they differ. */
export function Comparison(props: {
  compared: RunComparison;
  client: WorkbenchClient;
  onClose: () => void;
}) {
  const { compared, client, onClose } = props;
  const ids = compared.runs.map(({ id }) => id);
  const { sentences, answers, comparable, why_not } = compared;
  const names = shortNames(compared);
  return (
    <div className="jp-modelcompose-Runs jp-modelcompose-Comparison">
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          autoFocus
          onClick={onClose}
        >
          ← All runs
        </button>
      </div>
      <Legend compared={compared} names={names} />
      <section aria-label="Which predicts better">
        <h4>Which predicts better?</h4>
        {!comparable && <p>{why_not}</p>}
        {sentences.map(sentence => (
          <p key={sentence}>
            <Explained text={sentence} />
          </p>
        ))}
        {compared.comparison.length > 0 && (
          <Ranking compared={compared} names={names} />
        )}
      </section>
      {answers.length > 0 && (
        <section aria-label="What they answer">
          <h4>What do they answer?</h4>
          {answers.map(({ quantity, unit, runs }) => (
            <Intervals
              key={quantity}
              title={unit ? `${quantity} (${unit})` : quantity}
              rows={Object.entries(runs).map(([id, interval]) => ({
                name: names(id),
                ...interval
              }))}
            />
          ))}
        </section>
      )}
      <Side
        title="Where they differ"
        compared={compared}
        names={names}
        rows={compared.choices.map(({ name, runs }) => ({
          id: name,
          title: name,
          cell: id => said(runs[id])
        }))}
      />
      <Side
        title="What their checks said"
        compared={compared}
        names={names}
        rows={compared.verdicts.map(({ step, title, runs, waived }) => ({
          id: step,
          title,
          cell: id =>
            runs[id] && (
              <Verdict status={runs[id]} waived={waived.includes(id)} />
            )
        }))}
      />
      <Disclosure summary="Posteriors over one another">
        <Overlay client={client} ids={ids} names={names} />
      </Disclosure>
      <Disclosure summary="Notebooks, cell by cell">
        <Notebooks client={client} ids={ids} names={names} />
      </Disclosure>
    </div>
  );
}

/** Letters stand for the runs, since their names leave no room for figures. */
function shortNames({ runs }: RunComparison): (id: string) => string {
  return id => {
    const at = runs.findIndex(run => run.id === id);
    return at < 0 ? id : String.fromCharCode('A'.charCodeAt(0) + at);
  };
}

interface Named {
  compared: RunComparison;
  names: (id: string) => string;
}

function Legend({ compared, names }: Named) {
  const isTwice = (name: string) =>
    compared.runs.filter(run => run.name === name).length > 1;
  return (
    <dl className="jp-modelcompose-Legend">
      {compared.runs.map(run => (
        <div key={run.id}>
          <dt>{names(run.id)}</dt>
          <dd>
            <strong>{run.name}</strong>{' '}
            {isTwice(run.name) && `(${run.id.slice(0, 8)})`}
            <small>{run.model}</small>
            {run.formula && <code>{run.formula}</code>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Ranking({ compared, names }: Named) {
  return (
    <table className="jp-modelcompose-Figures">
      <caption className="jp-modelcompose-small">
        <Explained text="elpd" />: higher is better. Difference to the best ±{' '}
        <Explained text="standard error" />; weight in{' '}
        <Explained text="stacking" />.
      </caption>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">elpd</th>
          <th scope="col">Difference</th>
          <th scope="col">Weight</th>
        </tr>
      </thead>
      {compared.comparison.map(
        ({ id, elpd, difference, se, weight, words }) => (
          <tbody key={id}>
            <tr>
              <th scope="row">{names(id)}</th>
              <td>{elpd.toFixed(1)}</td>
              <td>
                {difference === 0
                  ? '—'
                  : `${difference.toFixed(1)} ± ${se.toFixed(1)}`}
              </td>
              <td>{weight.toFixed(2)}</td>
            </tr>
            {words && (
              <tr>
                <td colSpan={4} className="jp-modelcompose-small">
                  {words}
                </td>
              </tr>
            )}
          </tbody>
        )
      )}
    </table>
  );
}

function Side(
  props: Named & {
    title: string;
    rows: { id: string; title: string; cell: (id: string) => ReactNode }[];
  }
) {
  const { compared, names, title, rows } = props;
  if (rows.length === 0) {
    return null;
  }
  return (
    <section aria-label={title}>
      <h4>{title}</h4>
      <div className="jp-modelcompose-Wide" tabIndex={0}>
        <table className="jp-modelcompose-Figures">
          <thead>
            <tr>
              <td />
              {compared.runs.map(({ id }) => (
                <th scope="col" key={id}>
                  {names(id)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <tr key={row.id}>
                <th scope="row">{row.title}</th>
                {compared.runs.map(({ id }) => (
                  <td key={id}>{row.cell(id)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Verdict({ status, waived }: { status: Status; waived: boolean }) {
  const word = verdictWord(status, waived);
  return (
    <span title={word}>
      <Mark tone={verdictTone(status, waived)} />
      <span className="jp-modelcompose-hidden">{word}</span>
    </span>
  );
}

function said(value: unknown): string {
  if (value === undefined || value === null || value === '') {
    return '—';
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) ? String(value) : shown(value);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
