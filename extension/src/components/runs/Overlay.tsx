import { useState } from 'react';

import { OverlaidCurve, WorkbenchClient } from '../../api/port';
import { Busy } from '../Busy';
import { useLatest } from '../live';
import { area, Points, scale, shown, ticks } from '../plot';
import { Problem } from '../Problem';

const WIDTH = 300;
const HEIGHT = 96;
const BASE = HEIGHT - 18;
/** Room for half of a figure below either end. */
const SIDE = 14;

interface Named {
  /** What stands for a run where there is little room. */
  names: (id: string) => string;
}

/** The posteriors of runs over one another, one small picture for each quantity. */
export function Overlay(
  props: Named & { client: WorkbenchClient; ids: string[] }
) {
  const { client, ids, names } = props;
  const [wanted, setWanted] = useState<string[]>([]);
  const { value, busy, error } = useLatest(
    () => client.comparePosteriors(ids, wanted),
    JSON.stringify([ids, wanted])
  );
  if (!value) {
    return busy ? (
      <Busy text="Drawing the posteriors…" />
    ) : (
      <Problem error={error} />
    );
  }
  const { quantities, available, without } = value;
  const drawn = quantities.map(({ name }) => name);
  const further = available.filter(name => !drawn.includes(name));
  return (
    <section aria-label="Posteriors">
      <Problem error={error} />
      {without.length > 0 && <p>{without.join(', ')} left no posterior.</p>}
      {quantities.length > 0 && <Key ids={ids} names={names} />}
      <div className="jp-modelcompose-Overlays">
        {quantities.map(({ name, runs }) => (
          <Curves key={name} title={name} runs={runs} ids={ids} names={names} />
        ))}
      </div>
      {further.length > 0 && (
        <label className="jp-modelcompose-Further">
          Draw another:{' '}
          <select
            value=""
            disabled={busy}
            onChange={event => setWanted([...drawn, event.target.value])}
          >
            <option value="">choose a quantity</option>
            {further.map(name => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
    </section>
  );
}

function Key({ ids, names }: Named & { ids: string[] }) {
  return (
    <p className="jp-modelcompose-Key">
      {ids.map((id, at) => (
        <span key={id} data-series={at}>
          <svg viewBox="0 0 22 8" aria-hidden="true">
            <line x1="1" x2="21" y1="4" y2="4" />
          </svg>
          {names(id)}
        </span>
      ))}
    </p>
  );
}

function Curves(
  props: Named & {
    title: string;
    runs: Record<string, OverlaidCurve>;
    ids: string[];
  }
) {
  const { title, runs, ids, names } = props;
  const found = ids
    .map((id, series) => ({ id, series, curve: runs[id] }))
    .filter(
      (one): one is typeof one & { curve: OverlaidCurve } =>
        one.curve !== undefined
    );
  const drawn = found.filter(({ curve }) => curve.x.length > 0);
  const fixed = found.filter(({ curve }) => curve.at !== null);
  const ends = drawn.flatMap(({ curve }) => [curve.x[0]!, curve.x.at(-1)!]);
  const range: [number, number] = [Math.min(...ends), Math.max(...ends)];
  const peak = Math.max(...drawn.flatMap(({ curve }) => curve.y), 0) || 1;
  const x = scale(range, SIDE, WIDTH - SIDE);
  return (
    <figure className="jp-modelcompose-Curves">
      <figcaption>{title}</figcaption>
      {drawn.length > 0 && (
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          role="img"
          aria-label={said(title, drawn, names)}
        >
          {range[0] < 0 && range[1] > 0 && (
            <line
              className="jp-mod-none"
              x1={x(0)}
              x2={x(0)}
              y1={4}
              y2={BASE}
            />
          )}
          {drawn.map(({ id, series, curve }) => {
            const height = (BASE - 6) * (Math.max(...curve.y) / peak);
            return (
              <path
                key={id}
                data-series={series}
                d={area(curve, x, BASE, height)}
              />
            );
          })}
          <line className="jp-mod-axis" x1={0} x2={WIDTH} y1={BASE} y2={BASE} />
          {ticks(range, 4).map(value => (
            <text key={value} x={x(value)} y={HEIGHT - 4} textAnchor="middle">
              {shown(value)}
            </text>
          ))}
        </svg>
      )}
      {fixed.map(({ id, curve }) => (
        <p key={id} className="jp-modelcompose-small">
          {names(id)}: always {shown(curve.at!)}
        </p>
      ))}
    </figure>
  );
}

/** The picture in words: where each curve has its peak. */
function said(
  title: string,
  drawn: { id: string; curve: Points }[],
  names: (id: string) => string
): string {
  const peaks = drawn.map(({ id, curve: { x, y } }) => {
    const at = y.indexOf(Math.max(...y));
    return `${names(id)} peaks near ${shown(x[at]!)}`;
  });
  return `${title}: ${peaks.join(', ')}`;
}
