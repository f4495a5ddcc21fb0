import { OneAnswer, PriorRow } from '../../api/port';
import { numberIn, typed } from './numbers';

export type How = OneAnswer['how'];

/** An answer while it is being given: numbers as they are typed, chips as they lie. */
export interface Draft {
  how: How;
  low: string;
  high: string;
  mass: string;
  quantiles: Record<string, string>;
  from: string;
  to: string;
  chips: number[];
  dist: string;
}

export const WAYS: Record<How, { label: string; hint: string }> = {
  range: {
    label: 'As a range',
    hint: 'Two numbers between which it probably lies.'
  },
  quantiles: {
    label: 'As thresholds',
    hint: 'For each line, the number that you would bet on; at least two.'
  },
  drawing: {
    label: 'As a drawing',
    hint: 'Put more chips where it is more likely.'
  }
};

export const MASSES: [string, string][] = [
  ['0.5', '1 of 2 times'],
  ['0.8', '4 of 5 times'],
  ['0.9', '9 of 10 times'],
  ['0.95', '19 of 20 times']
];

export const QUANTILES: [string, string][] = [
  ['0.1', '1 of 10 are below'],
  ['0.25', '1 of 4 are below'],
  ['0.5', 'Half are below'],
  ['0.75', '3 of 4 are below'],
  ['0.9', '9 of 10 are below']
];

const BINS = 10;
const ENOUGH_CHIPS = 3;

/** An empty answer; a drawing begins with the range of the prior as it is. */
export function beginning({ low, high }: PriorRow): Draft {
  return {
    how: 'range',
    low: '',
    high: '',
    mass: '0.9',
    quantiles: {},
    from: typed(low),
    to: typed(high),
    chips: new Array<number>(BINS).fill(0),
    dist: ''
  };
}

/** The ends of the bins of a drawing, or null when there is no range to draw on. */
export function edgesOf({ from, to, chips }: Draft): number[] | null {
  const [low, high] = [numberIn(from), numberIn(to)];
  if (low === null || high === null || low >= high) {
    return null;
  }
  const width = (high - low) / chips.length;
  return [...chips.map((_, at) => low + at * width), high];
}

/** The answer, or what is still missing from it. */
export function read(draft: Draft): OneAnswer | string {
  switch (draft.how) {
    case 'range':
      return readRange(draft);
    case 'quantiles':
      return readQuantiles(draft);
    case 'drawing':
      return readDrawing(draft);
  }
}

function readRange({ low, high, mass, dist }: Draft): OneAnswer | string {
  const [least, most] = [numberIn(low), numberIn(high)];
  if (least === null || most === null) {
    return 'Give both numbers.';
  }
  if (least >= most) {
    return 'The first number must be the lower one.';
  }
  return { how: 'range', low: least, high: most, mass: Number(mass), dist };
}

function readQuantiles({ quantiles, dist }: Draft): OneAnswer | string {
  const given = QUANTILES.flatMap(([share]) => {
    const value = numberIn(quantiles[share]);
    return value === null ? [] : [[share, value] as const];
  });
  if (given.length < 2) {
    return 'Give at least two numbers.';
  }
  if (given.some(([, value], at) => at > 0 && value <= given[at - 1]![1])) {
    return 'Each number must be above the one before.';
  }
  return { how: 'quantiles', quantiles: Object.fromEntries(given), dist };
}

function readDrawing(draft: Draft): OneAnswer | string {
  const { chips, dist } = draft;
  const edges = edgesOf(draft);
  if (!edges) {
    return 'Say from where to where the drawing goes.';
  }
  if (chips.reduce((sum, count) => sum + count, 0) < ENOUGH_CHIPS) {
    return `Place at least ${ENOUGH_CHIPS} chips.`;
  }
  return { how: 'drawing', edges, chips, dist };
}
