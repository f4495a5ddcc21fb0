const ROUNDING = 1e-9;

export interface Points {
  x: number[];
  y: number[];
}

export type Scale = (value: number) => number;

/** Map a range of values to a range of pixels. */
export function scale(
  [low, high]: [number, number],
  from: number,
  to: number
): Scale {
  const span = high - low || 1;
  return value => from + ((value - low) / span) * (to - from);
}

/** The path of a curve as an area that stands on `base` and is `height` high at its peak. */
export function area(
  curve: Points,
  x: Scale,
  base: number,
  height: number
): string {
  const points = curve.x
    .map((value, index) => [value, curve.y[index] ?? NaN] as const)
    .filter(([value, density]) => Number.isFinite(value + density));
  if (points.length === 0) {
    return '';
  }
  const peak = Math.max(...points.map(([, density]) => density)) || 1;
  const drawn = points.map(
    ([value, density]) =>
      `${x(value).toFixed(1)},${(base - (density / peak) * height).toFixed(1)}`
  );
  const first = x(points[0]![0]).toFixed(1);
  const last = x(points.at(-1)![0]).toFixed(1);
  return `M${first},${base}L${drawn.join('L')}L${last},${base}Z`;
}

/** About `count` round numbers within the range. */
export function ticks([low, high]: [number, number], count = 5): number[] {
  const rough = (high - low) / count;
  if (!(rough > 0)) {
    return [low];
  }
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find(factor => factor * power >= rough)! * power;
  const first = Math.ceil(low / step - ROUNDING);
  const number = Math.floor(high / step + ROUNDING) - first + 1;
  return Array.from({ length: number }, (_, index) =>
    Number(((first + index) * step).toPrecision(12))
  );
}

/** A number with three digits that count. */
export function shown(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', {
    maximumSignificantDigits: 3
  });
}
