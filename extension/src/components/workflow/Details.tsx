import { Disclosure } from '../Disclosure';
import { Equation } from '../models/Equation';

/** A table of more rows stays closed until somebody wants it. */
const MANY_ROWS = 12;

/** What a verdict tells beside its findings: texts, sentences, tables and the model's equation. */
export function Details(props: {
  details: Record<string, unknown>;
  /** The details as they were written, each with its columns: a saved notebook has them by the alphabet. */
  order: string[][];
}) {
  const { details, order } = props;
  const names = order.map(([name]) => name!).filter(name => name in details);
  const rest = Object.keys(details).filter(name => !names.includes(name));
  return [...names, ...rest].map(name => (
    <Detail
      key={name}
      name={name}
      value={details[name]}
      columns={order.find(([first]) => first === name)?.slice(1) ?? []}
    />
  ));
}

function Detail(props: { name: string; value: unknown; columns: string[] }) {
  const { name, value, columns } = props;
  if (name === 'equation') {
    return <Equation latex={String(value)} />;
  }
  if (typeof value === 'string') {
    return (
      <p>
        <strong>{name[0]?.toUpperCase() + name.slice(1)}</strong> {value}
      </p>
    );
  }
  if (isTable(value)) {
    const table = (
      <Table
        name={name}
        rows={value}
        columns={columns.length > 0 ? columns : Object.keys(value[0]!)}
      />
    );
    return value.length > MANY_ROWS ? (
      <Disclosure summary={`${name}: ${value.length} rows`}>{table}</Disclosure>
    ) : (
      <>
        <h5>{name}</h5>
        {table}
      </>
    );
  }
  if (isList(value, one => typeof one === 'string')) {
    return (
      <Disclosure summary={name}>
        {value.map(line => (
          <p key={String(line)}>{String(line)}</p>
        ))}
      </Disclosure>
    );
  }
  return null;
}

type Row = Record<string, unknown>;

function Table(props: { name: string; rows: Row[]; columns: string[] }) {
  const { name, rows, columns } = props;
  return (
    <div className="jp-modelcompose-Wide" tabIndex={0}>
      <table className="jp-modelcompose-Figures" aria-label={name}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {columns.map(column => (
                <td key={column}>{String(row[column] ?? '')}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function isTable(value: unknown): value is Row[] {
  return isList(value, one => typeof one === 'object' && one !== null);
}

function isList(
  value: unknown,
  holds: (one: unknown) => boolean
): value is unknown[] {
  return Array.isArray(value) && value.length > 0 && value.every(holds);
}
