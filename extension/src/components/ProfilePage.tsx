import {
  ColumnProfile,
  PairShape,
  RecipeStep,
  TableProfile
} from '../api/port';

const SHOWN = 100;

/** Every column, what is missing where, and what goes together; `onTreat` is left out where nothing can be prepared. */
export function ProfilePage(props: {
  profile: TableProfile;
  onTreat?: (step: RecipeStep) => void;
}) {
  const { profile, onTreat } = props;
  const { columns, missing, pairs, sampled } = profile;
  return (
    <>
      <ul className="jp-modelcompose-Profile">
        {columns.slice(0, SHOWN).map(column => (
          <ColumnCard key={column.name} column={column} onTreat={onTreat} />
        ))}
      </ul>
      {columns.length > SHOWN && (
        <p className="jp-modelcompose-small">
          {columns.length - SHOWN} more columns are not shown.
        </p>
      )}
      {missing.columns.length > 0 && <MissingMap missing={missing} />}
      {pairs.length > 0 && (
        <details className="jp-modelcompose-Details">
          <summary>What goes together most</summary>
          <ul className="jp-modelcompose-Profile">
            {pairs.map(pair => (
              <li key={`${pair.x} ${pair.y}`}>
                <strong>
                  {pair.x} and {pair.y}
                </strong>
                <small>
                  {pair.measure} {pair.value.toFixed(2)}, {pair.rows} rows
                </small>
                <Shape shape={pair.shape} label={`${pair.y} by ${pair.x}`} />
              </li>
            ))}
          </ul>
        </details>
      )}
      {sampled && (
        <p className="jp-modelcompose-small">
          Pictures and pairs are of {sampled} rows, evenly spread.
        </p>
      )}
    </>
  );
}

function ColumnCard(props: {
  column: ColumnProfile;
  onTreat?: (step: RecipeStep) => void;
}) {
  const { column, onTreat } = props;
  const counts =
    column.histogram?.counts ?? (column.levels ?? []).map(one => one.count);
  return (
    <li>
      <strong>{column.name}</strong>
      {counts.length > 0 && (
        <Bars counts={counts} label={`Distribution of ${column.name}`} />
      )}
      <small>{column.sentence}</small>
      {column.impossible_count > column.impossible.length && (
        <small className="jp-modelcompose-missing">
          {column.impossible_count} impossible values; the first are:
        </small>
      )}
      {column.impossible.map(one => (
        <small key={one.row} className="jp-modelcompose-missing">
          Row {one.row}: {one.value}, {one.why}
        </small>
      ))}
      {column.suspects.map(one => (
        <p key={one.value}>
          <small>
            {one.value} occurs {one.count} times: {one.why}.
          </small>
          {onTreat && (
            <button
              className="jp-modelcompose-Button"
              onClick={() =>
                onTreat({
                  do: 'missing_codes',
                  columns: [column.name],
                  codes: [
                    Number.isNaN(Number(one.value))
                      ? one.value
                      : Number(one.value)
                  ]
                })
              }
            >
              Treat {one.value} as missing
            </button>
          )}
        </p>
      ))}
    </li>
  );
}

export function Bars(props: { counts: number[]; label: string }) {
  const most = Math.max(...props.counts, 1);
  const width = 100 / props.counts.length;
  return (
    <svg
      className="jp-modelcompose-Bars"
      viewBox="0 0 100 24"
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
    >
      {props.counts.map((count, at) => (
        <rect
          key={at}
          x={at * width}
          y={24 - (24 * count) / most}
          width={Math.max(width - 0.5, 0.3)}
          height={(24 * count) / most}
        />
      ))}
    </svg>
  );
}

function MissingMap({ missing }: { missing: TableProfile['missing'] }) {
  const { columns, bands } = missing.map;
  const height = 60 / bands.length;
  const width = 100 / columns.length;
  return (
    <details className="jp-modelcompose-Details">
      <summary>What is missing where</summary>
      <p className="jp-modelcompose-small">
        {missing.complete_rows} rows have every value. Each band of the picture
        is a stretch of rows, from the first above to the last below.
      </p>
      <svg
        className="jp-modelcompose-Map"
        viewBox="0 0 100 60"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Missing values in ${columns.join(', ')}`}
      >
        {bands.map((band, row) =>
          band.map((share, at) => (
            <rect
              key={`${row} ${at}`}
              x={at * width}
              y={row * height}
              width={Math.max(width - 0.5, 0.3)}
              height={height}
              fillOpacity={share}
            />
          ))
        )}
      </svg>
      <ul className="jp-modelcompose-Notes">
        {missing.patterns.map(one => (
          <li key={one.missing.join()}>
            {one.missing.length > 0
              ? `${one.missing.join(', ')} missing`
              : 'Nothing missing'}
            : {one.rows} rows
          </li>
        ))}
      </ul>
    </details>
  );
}

function Shape({ shape, label }: { shape: PairShape; label: string }) {
  if (shape.kind === 'table') {
    return (
      <div className="jp-modelcompose-Preview" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <td />
              {shape.columns.map(name => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shape.rows.map((name, row) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {shape.counts[row]?.map((count, at) => (
                  <td key={at}>{count}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    );
  }
  return (
    <svg
      className="jp-modelcompose-Shape"
      viewBox="-2 -2 104 64"
      role="img"
      aria-label={label}
    >
      {shape.kind === 'scatter' ? (
        <Points x={shape.x} y={shape.y} />
      ) : (
        <Boxes levels={shape.levels} />
      )}
    </svg>
  );
}

/** Map values onto a length; all equal ones onto its middle. */
function scale(values: number[], length: number): (value: number) => number {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return value => (span > 0 ? ((value - low) / span) * length : length / 2);
}

function Points({ x, y }: { x: number[]; y: number[] }) {
  const [across, up] = [scale(x, 100), scale(y, 60)];
  return (
    <>
      {x.map((value, at) => (
        <circle key={at} cx={across(value)} cy={60 - up(y[at] ?? 0)} r={0.9} />
      ))}
    </>
  );
}

function Boxes(props: {
  levels: Extract<PairShape, { kind: 'box' }>['levels'];
}) {
  const { levels } = props;
  const along = scale(
    levels.flatMap(one => [one.low, one.high]),
    100
  );
  const height = 60 / levels.length;
  return (
    <>
      {levels.map((one, at) => {
        const middle = (at + 0.6) * height;
        return (
          <g key={one.level}>
            <title>{one.level}</title>
            <line
              x1={along(one.low)}
              x2={along(one.high)}
              y1={middle}
              y2={middle}
            />
            <rect
              x={along(one.q1)}
              y={middle - height / 5}
              width={Math.max(along(one.q3) - along(one.q1), 0.5)}
              height={height / 2.5}
            />
            <text x={0} y={middle - height / 4}>
              {one.level}
            </text>
          </g>
        );
      })}
    </>
  );
}
