export interface Line {
  side: 'same' | 'mine' | 'composed';
  text: string;
}

/** Two texts line by line: what both have, what only mine has, what only the composed one has. */
export function difference(mine: string, composed: string): Line[] {
  const left = mine.trimEnd().split('\n');
  const right = composed.trimEnd().split('\n');
  const common = commonLengths(left, right);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && left[i] === right[j]) {
      lines.push({ side: 'same', text: left[i]! });
      i++;
      j++;
    } else if (
      j === right.length ||
      (i < left.length && common[i + 1]![j]! >= common[i]![j + 1]!)
    ) {
      lines.push({ side: 'mine', text: left[i++]! });
    } else {
      lines.push({ side: 'composed', text: right[j++]! });
    }
  }
  return lines;
}

/** How many lines the rest of both texts have in common, in order, from each pair of places on. */
function commonLengths(left: string[], right: string[]): number[][] {
  const lengths = Array.from({ length: left.length + 1 }, () =>
    new Array<number>(right.length + 1).fill(0)
  );
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        left[i] === right[j]
          ? lengths[i + 1]![j + 1]! + 1
          : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  return lengths;
}
