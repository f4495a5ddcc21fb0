/** A number that somebody typed, or null as long as it is none. */
export function numberIn(text: string | undefined): number | null {
  const trimmed = (text ?? '').trim();
  const value = Number(trimmed);
  return trimmed === '' || !Number.isFinite(value) ? null : value;
}

/** A number as one would type it. */
export function typed(value: number): string {
  return String(Number(value.toPrecision(4)));
}
