import { area, scale, shown, ticks } from './plot';
import { Prediction } from './WhatIf';

const WIDTH = 400;
const HEIGHT = 120;
const BASE = 88;
const MARGIN = 12;

/** The expected outcome as a density with its interval, on an axis that stays put unless they would leave it. */
export function Picture({ prediction }: { prediction: Prediction }) {
  const { lower, median, upper, density, outcome, unit } = prediction;
  const range = covering(prediction);
  const x = scale(range, MARGIN, WIDTH - MARGIN);
  const title = `${outcome}: ${shown(median)} ${unit}, between ${shown(lower)} and ${shown(upper)}`;
  return (
    <svg
      className="jp-modelcompose-Picture"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={title}
    >
      {density && (
        <path className="jp-mod-density" d={area(density, x, BASE, BASE - 8)} />
      )}
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
