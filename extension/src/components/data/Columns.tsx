import { FormEvent, useId, useState } from 'react';

import { Column, Declaration, Kind } from '../../api/port';
import { Wizard } from '../wizard';

const SHOWN = 200;
const MANY = 12;

/** What each column is: doubts first, then all of them, each with its reason. */
export function Columns({ kinds, wizard }: { kinds: Kind[]; wizard: Wizard }) {
  const [wanted, setWanted] = useState('');
  const columns = wizard.description?.columns ?? [];
  const found = columns.filter(column =>
    column.name.toLowerCase().includes(wanted.trim().toLowerCase())
  );
  return (
    <>
      <Doubts columns={columns} kinds={kinds} wizard={wizard} />
      {columns.length > MANY && (
        <input
          className="jp-modelcompose-Select"
          type="search"
          aria-label="Find a column"
          placeholder="Find a column"
          value={wanted}
          onChange={event => setWanted(event.target.value)}
        />
      )}
      <table className="jp-modelcompose-Table">
        <caption>What is each column? Put right what is wrong.</caption>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Kind</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, SHOWN).map(column => (
            <Row
              key={column.name}
              column={column}
              kinds={kinds}
              wizard={wizard}
            />
          ))}
        </tbody>
      </table>
      {found.length > SHOWN && (
        <p className="jp-modelcompose-small">
          {found.length - SHOWN} more columns; find one by its name.
        </p>
      )}
    </>
  );
}

function Doubts(props: { columns: Column[]; kinds: Kind[]; wizard: Wizard }) {
  const doubtful = props.columns.filter(column => column.ask.length > 0);
  const label = (id: string) =>
    props.kinds.find(kind => kind.id === id)?.label ?? id;
  if (doubtful.length === 0) {
    return null;
  }
  return (
    <ul className="jp-modelcompose-Doubts" aria-label="Please decide">
      {doubtful.slice(0, MANY).map(column => (
        <li key={column.name}>
          <p>
            What is <strong>{column.name}</strong>? It holds{' '}
            {column.examples.join(', ')} …
          </p>
          <div className="jp-modelcompose-Buttons">
            {column.ask.map(id => (
              <button
                key={id}
                className="jp-modelcompose-Button"
                title={props.kinds.find(kind => kind.id === id)?.explanation}
                onClick={() => void props.wizard.declare(column.name, id)}
              >
                {label(id)}
              </button>
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}

function Row(props: { column: Column; kinds: Kind[]; wizard: Wizard }) {
  const { column, kinds, wizard } = props;
  const unsure = column.confidence === 'unsure';
  return (
    <tr>
      <th scope="row">
        {column.name}
        {column.label && <small>{column.label}</small>}
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
          kinds={kinds}
          onChange={kind => void wizard.declare(column.name, kind)}
        />
        <small>
          {column.declared
            ? 'As declared.'
            : `${unsure ? 'Not sure. ' : ''}${column.reason}`}
        </small>
        <details className="jp-modelcompose-Details">
          <summary>More about this column</summary>
          <More
            key={`${column.kind} ${(column.levels ?? []).join()}`}
            column={column}
            wizard={wizard}
          />
        </details>
      </td>
    </tr>
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

/** What can be declared of a column beside its kind; nothing is sent before “Keep this”. */
function More({ column, wizard }: { column: Column; wizard: Wizard }) {
  const { analysis } = wizard;
  const [label, setLabel] = useState(column.label);
  const [unit, setUnit] = useState(column.unit);
  const [bounds, setBounds] = useState(column.bounds.map(spelt));
  const [plausible, setPlausible] = useState(column.plausible.map(spelt));
  const [levels, setLevels] = useState(column.levels ?? []);
  const [reference, setReference] = useState(column.reference);
  const [codes, setCodes] = useState(column.codes.map(String).join(', '));
  const keep = (event: FormEvent) => {
    event.preventDefault();
    const declared = declaration({
      label,
      bounds: bounds.some(Boolean) ? [0, 1].map(at => read(bounds[at])) : [],
      plausible: [0, 1].every(at => plausible[at]) ? plausible.map(Number) : [],
      levels: same(levels, column.levels ?? []) ? [] : levels,
      reference,
      missing: codes
        .split(',')
        .map(code => code.trim())
        .filter(Boolean)
        .map(code => (Number.isNaN(Number(code)) ? code : Number(code)))
    });
    const before = analysis.variables?.[column.name];
    if (before?.levels && !declared.levels && levels.length > 0) {
      declared.levels = levels;
    }
    void wizard.prepare({
      units: { ...analysis.units, [column.name]: unit },
      variables: { ...analysis.variables, [column.name]: declared }
    });
  };
  const move = (from: number, to: number) => {
    const next = [...levels];
    next.splice(to, 0, ...next.splice(from, 1));
    setLevels(next);
  };
  const number = column.dtype === 'number';
  return (
    <form className="jp-modelcompose-Field" onSubmit={keep}>
      <Text label="What to call it" value={label} onChange={setLabel} />
      {number && <Text label="Unit" value={unit} onChange={setUnit} />}
      {number && (
        <Range
          label="Lowest and highest possible value"
          ends={bounds}
          onChange={setBounds}
        />
      )}
      {number && (
        <Range
          label="Between which values would nothing surprise you?"
          ends={plausible}
          onChange={setPlausible}
        />
      )}
      {number && <small>Both ends, or neither.</small>}
      {levels.length > 0 && (
        <>
          <span>Order of the values</span>
          <ol className="jp-modelcompose-Levels">
            {levels.map((level, at) => (
              <li key={level}>
                <span>{level}</span>
                <button
                  type="button"
                  className="jp-modelcompose-Button"
                  aria-label={`Move ${level} up`}
                  disabled={at === 0}
                  onClick={() => move(at, at - 1)}
                >
                  ↑
                </button>
                <button
                  type="button"
                  className="jp-modelcompose-Button"
                  aria-label={`Move ${level} down`}
                  disabled={at === levels.length - 1}
                  onClick={() => move(at, at + 1)}
                >
                  ↓
                </button>
              </li>
            ))}
          </ol>
          <label>
            Compare the others with
            <select
              className="jp-modelcompose-Select"
              value={reference}
              onChange={event => setReference(event.target.value)}
            >
              <option value="">{levels[0]} (the first)</option>
              {levels.map(level => (
                <option key={level}>{level}</option>
              ))}
            </select>
          </label>
        </>
      )}
      <Text
        label="Codes that mean “missing”, with commas between"
        value={codes}
        onChange={setCodes}
      />
      <button className="jp-modelcompose-Button">Keep this</button>
    </form>
  );
}

function Text(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        className="jp-modelcompose-Select"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      />
    </>
  );
}

function Range(props: {
  label: string;
  ends: string[];
  onChange: (ends: string[]) => void;
}) {
  const { label, ends, onChange } = props;
  const end = (at: number, name: string) => (
    <input
      className="jp-modelcompose-Select"
      type="number"
      step="any"
      aria-label={`${label}: ${name}`}
      placeholder={name}
      value={ends[at] ?? ''}
      onChange={event =>
        onChange(
          [0, 1].map(i => (i === at ? event.target.value : (ends[i] ?? '')))
        )
      }
    />
  );
  return (
    <>
      <span>{label}</span>
      <span className="jp-modelcompose-Range">
        {end(0, 'lowest')}
        {end(1, 'highest')}
      </span>
    </>
  );
}

function spelt(value: number | null): string {
  return value === null ? '' : String(value);
}

function read(text: string | undefined): number | null {
  return text ? Number(text) : null;
}

function same(one: string[], two: string[]): boolean {
  return (
    one.length === two.length && one.every((level, at) => level === two[at])
  );
}

/** Keep what is declared and leave out what is empty. */
function declaration(all: Required<Declaration>): Declaration {
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value.length > 0)
  );
}
