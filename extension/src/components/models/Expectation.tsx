import { Curve, PriorPrediction } from '../../api/port';
import { Busy } from '../Busy';
import { Latest } from '../live';
import { area, scale, shown, ticks } from '../plot';
import { Problem } from '../Problem';

const WIDTH = 280;
const MARGIN = 18;
const BASE = 74;
const ROW = 22;

/** What the model expects before it has seen the data; the last picture stays while a new one is made. */
export function Expectation({ latest }: { latest: Latest<PriorPrediction> }) {
  const { value, busy, error } = latest;
  return (
    <section className="jp-modelcompose-Expectation" aria-busy={busy}>
      <h4>What the model expects before it sees the data</h4>
      {value && (
        <>
          <Band prediction={value} />
          <p aria-live="polite">{value.sentence}</p>
        </>
      )}
      {busy && <Busy text="Simulating data from the priors…" />}
      {!busy && <Problem error={error} />}
    </section>
  );
}

interface Line {
  label: string;
  name: string;
  low: number;
  high: number;
}

function linesOf({ observed, plausible }: PriorPrediction): Line[] {
  const { low, high } = observed;
  const lines = [{ label: 'your data', name: 'observed', low, high }];
  const [least, most] = plausible;
  return least === undefined || most === undefined
    ? lines
    : [
        ...lines,
        { label: 'plausible', name: 'plausible', low: least, high: most }
      ];
}

function Band({ prediction }: { prediction: PriorPrediction }) {
  const { quantiles, density, observed, outcome, unit } = prediction;
  const lines = linesOf(prediction);
  const ends = [
    quantiles['5'],
    quantiles['95'],
    ...lines.flatMap(({ low, high }) => [low, high])
  ];
  const range: [number, number] = [Math.min(...ends), Math.max(...ends)];
  const x = scale(range, MARGIN, WIDTH - MARGIN);
  const inside = density && withinRange(density, range);
  const axis = BASE + 10 + ROW * lines.length + 8;
  const label =
    `Expected ${outcome}: 90% between ${shown(quantiles['5'])} and ${shown(quantiles['95'])} ${unit}, ` +
    `median ${shown(quantiles['50'])}. Your data: ${shown(observed.low)} to ${shown(observed.high)}.`;
  return (
    <svg
      className="jp-modelcompose-Band"
      viewBox={`0 0 ${WIDTH} ${axis + 36}`}
      role="img"
      aria-label={label}
    >
      <text x={MARGIN} y={10}>
        expected
      </text>
      {inside && (
        <path className="jp-mod-density" d={area(inside, x, BASE, BASE - 18)} />
      )}
      <Span
        name="wide"
        x={x}
        y={BASE}
        low={quantiles['5']}
        high={quantiles['95']}
      />
      <Span
        name="half"
        x={x}
        y={BASE}
        low={quantiles['25']}
        high={quantiles['75']}
      />
      <circle
        className="jp-mod-median"
        cx={x(quantiles['50'])}
        cy={BASE}
        r={4}
      />
      {lines.map((line, index) => {
        const y = BASE + 10 + ROW * (index + 1);
        return (
          <g key={line.name}>
            <text x={MARGIN} y={y - 6}>
              {line.label}
            </text>
            <Span
              name={line.name}
              x={x}
              y={y}
              low={line.low}
              high={line.high}
            />
          </g>
        );
      })}
      <line className="jp-mod-axis" x1={0} x2={WIDTH} y1={axis} y2={axis} />
      {ticks(range, 4).map(value => (
        <g key={value} transform={`translate(${x(value)},${axis})`}>
          <line className="jp-mod-axis" y1={0} y2={4} />
          <text y={15} textAnchor="middle">
            {shown(value)}
          </text>
        </g>
      ))}
      <text x={WIDTH / 2} y={axis + 30} textAnchor="middle">
        {unit ? `${outcome} (${unit})` : outcome}
      </text>
    </svg>
  );
}

function Span(props: {
  name: string;
  x: (value: number) => number;
  y: number;
  low: number;
  high: number;
}) {
  const { name, x, y, low, high } = props;
  return (
    <line className={`jp-mod-${name}`} x1={x(low)} x2={x(high)} y1={y} y2={y} />
  );
}

function withinRange({ x, y }: Curve, [low, high]: [number, number]): Curve {
  const kept = x.flatMap((value, at) =>
    value >= low && value <= high ? [at] : []
  );
  return { x: kept.map(at => x[at]!), y: kept.map(at => y[at]!) };
}
