import { scale, shown, ticks } from '../plot';

const WIDTH = 300;
const LEFT = 22;
const RIGHT = 12;
const ROW = 22;

interface Row {
  name: string;
  median: number;
  lower: number;
  upper: number;
}

/** One interval below the other on a common axis; the figures stand beside them as a table. */
export function Intervals(props: { title: string; rows: Row[] }) {
  const { title, rows } = props;
  const low = Math.min(...rows.map(({ lower }) => lower));
  const high = Math.max(...rows.map(({ upper }) => upper));
  const pad = (high - low) * 0.06;
  const range: [number, number] = [low - pad, high + pad];
  const x = scale(range, LEFT, WIDTH - RIGHT);
  const base = rows.length * ROW + 2;
  return (
    <figure className="jp-modelcompose-Intervals">
      <figcaption>{title}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${base + 20}`} aria-hidden="true">
        {low < 0 && high > 0 && (
          <line className="jp-mod-none" x1={x(0)} x2={x(0)} y1={0} y2={base} />
        )}
        {rows.map(({ name, median, lower, upper }, at) => {
          const y = at * ROW + ROW / 2;
          return (
            <g key={name}>
              <text x={2} y={y + 4}>
                {name}
              </text>
              <line
                className="jp-mod-interval"
                x1={x(lower)}
                x2={x(upper)}
                y1={y}
                y2={y}
              />
              <circle className="jp-mod-median" cx={x(median)} cy={y} r={4} />
            </g>
          );
        })}
        <line
          className="jp-mod-axis"
          x1={LEFT}
          x2={WIDTH}
          y1={base}
          y2={base}
        />
        {ticks(range, 4).map(value => (
          <text
            key={value}
            className="jp-mod-tick"
            x={x(value)}
            y={base + 14}
            textAnchor="middle"
          >
            {shown(value)}
          </text>
        ))}
      </svg>
      <table className="jp-modelcompose-Figures">
        <tbody>
          {rows.map(({ name, median, lower, upper }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{shown(median)}</td>
              <td>
                {shown(lower)} to {shown(upper)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
