const WIDTH = 60;
const HEIGHT = 14;

/** How a figure went, without numbers: those stand beside it. */
export function Sparkline({ values }: { values: number[] }) {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 2) {
    return null;
  }
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  const points = finite.map((value, at) => {
    const x = 1 + (at / (finite.length - 1)) * (WIDTH - 2);
    const y = HEIGHT - 1 - ((value - low) / span) * (HEIGHT - 2);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg
      className="jp-modelcompose-Sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      aria-hidden="true"
    >
      <polyline points={points.join(' ')} />
    </svg>
  );
}
