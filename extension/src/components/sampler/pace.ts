import { ChainProgress, Sampling } from '../../api/port';

/** So many reports make one stretch, whose pace is measured. */
const STRETCH = 4;
const LEAST_STRETCHES = 4;
const LIKELY: [number, number] = [0.1, 0.9];

/**
 * The time that is left, in seconds, if sampling goes on at the pace of one or the other of its last stretches.
 *
 * The slowest chain decides. The ends are the 10% and 90% quantiles over the stretches: how the pace has varied so far,
 * not a promise. Null before there are enough of them.
 */
export function likelyLeft(history: Sampling[]): [number, number] | null {
  const now = history.at(-1);
  if (!now) {
    return null;
  }
  const phase = history.filter(one => samePhase(one, now));
  const marks = phase.filter(
    (_, at) => (phase.length - 1 - at) % STRETCH === 0
  );
  const lefts = marks
    .slice(1)
    .map((end, at) => leftAt(marks[at]!, end, now))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  if (lefts.length < LEAST_STRETCHES) {
    return null;
  }
  return [quantile(lefts, LIKELY[0]), quantile(lefts, LIKELY[1])];
}

/** Warming up has another pace than what comes after it. */
function samePhase(one: Sampling, now: Sampling): boolean {
  return (
    one.chains.length === now.chains.length &&
    one.chains.every(({ tuning }, at) => tuning === now.chains[at]!.tuning)
  );
}

function leftAt(from: Sampling, to: Sampling, now: Sampling): number {
  const seconds = to.seconds - from.seconds;
  const chain = (one: Sampling, at: number): ChainProgress | null =>
    one.chains[at] ?? null;
  if (!(seconds > 0)) {
    return NaN;
  }
  if (now.chains.length === 0) {
    return (
      ((now.total - now.finished) * seconds) / (to.finished - from.finished)
    );
  }
  const lefts = now.chains.map(({ draws, total }, at) => {
    const made = chain(to, at)!.draws - chain(from, at)!.draws;
    return draws >= total ? 0 : ((total - draws) * seconds) / made;
  });
  return Math.max(...lefts);
}

function quantile(sorted: number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}
