import { Prediction } from './WhatIf';

const WIDTH = 400;
const HEIGHT = 120;
const BASE = 88;
const MARGIN = 12;
const ROUNDING = 1e-9;

/** The expected outcome as a density with its interval, on an axis that stays put unless they would leave it. */
export function Picture({ prediction }: { prediction: Prediction }) {
  const { lower, median, upper, density, outcome, unit } = prediction;
  const range = covering(prediction);
  const x = scale(range);
  const title = `${outcome}: ${shown(median)} ${unit}, between ${shown(lower)} and ${shown(upper)}`;
  return (
    <svg
      className="jp-modelcompose-Picture"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={title}
    >
      {density && <path className="jp-mod-density" d={area(density, x)} />}
      <line className="jp-mod-axis" x1={0} x2={WIDTH} y1={BASE} y2={BASE} />
      <line
        className="jp-mod-interval"
        x1={x(lower)}
        x2={x(upper)}
        y1={BASE}
        y2={BASE}
      />
      <circle className="jp-mod-median" cx={x(median)} cy={BASE} r={5} />
      {ticks(range).map(value => (
        <g key={value} transform={`translate(${x(value)},${BASE})`}>
          <line className="jp-mod-axis" y1={0} y2={5} />
          <text y={16} textAnchor="middle">
            {shown(value)}
          </text>
        </g>
      ))}
      <text x={WIDTH / 2} y={HEIGHT - 2} textAnchor="middle">
        {unit ? `${outcome} (${unit})` : outcome}
      </text>
    </svg>
  );
}

/** The fixed range of the axis, extended to hold what is drawn. */
function covering(prediction: Prediction): [number, number] {
  const { lower, upper, range, density } = prediction;
  const drawn = [...range, lower, upper, ...(density?.x ?? [])];
  return [Math.min(...drawn), Math.max(...drawn)];
}

type Scale = (value: number) => number;

function scale([low, high]: [number, number]): Scale {
  const span = high - low || 1;
  return value => MARGIN + ((value - low) / span) * (WIDTH - 2 * MARGIN);
}

function area(density: { x: number[]; y: number[] }, x: Scale): string {
  const peak = Math.max(...density.y) || 1;
  const points = density.x.map((value, index) => {
    const height = ((density.y[index] ?? 0) / peak) * (BASE - 8);
    return `${x(value).toFixed(1)},${(BASE - height).toFixed(1)}`;
  });
  const first = x(density.x[0] ?? 0).toFixed(1);
  const last = x(density.x.at(-1) ?? 0).toFixed(1);
  return `M${first},${BASE}L${points.join('L')}L${last},${BASE}Z`;
}

/** About five round numbers within the range. */
export function ticks([low, high]: [number, number]): number[] {
  const rough = (high - low) / 5;
  if (!(rough > 0)) {
    return [low];
  }
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find(factor => factor * power >= rough)! * power;
  const first = Math.ceil(low / step - ROUNDING);
  const count = Math.floor(high / step + ROUNDING) - first + 1;
  return Array.from({ length: count }, (_, index) =>
    Number(((first + index) * step).toPrecision(12))
  );
}

function shown(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', {
    maximumSignificantDigits: 3
  });
}
