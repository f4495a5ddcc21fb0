import { Curve } from '../../api/port';
import { area, scale, shown } from '../plot';

const WIDTH = 120;
const HEIGHT = 30;

/** A distribution as a small area; what it says stands in words beside it. */
export function Density(props: { curve: Curve; label: string }) {
  const { curve, label } = props;
  const finite = curve.x.filter(Number.isFinite);
  if (finite.length === 0) {
    return null;
  }
  const range: [number, number] = [Math.min(...finite), Math.max(...finite)];
  const path = area(curve, scale(range, 1, WIDTH - 1), HEIGHT - 1, HEIGHT - 3);
  return (
    <figure className="jp-modelcompose-Density">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        <path d={path} />
        <line x1={0} x2={WIDTH} y1={HEIGHT - 1} y2={HEIGHT - 1} />
      </svg>
      <figcaption aria-hidden="true">
        <span>{shown(range[0])}</span>
        <span>{shown(range[1])}</span>
      </figcaption>
    </figure>
  );
}
