import { fireEvent, render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { Frozen, FrozenWhatIf, lookUp, unpacked } from '../src/widgets/frozen';

const SITES = ['a', '<b>b</b>'];
const FROZEN: Frozen = {
  controls: [
    { name: 'x', label: 'x', kind: 'number', min: 0.1, max: 0.7, step: 0.3 },
    { name: 'site', label: 'site', kind: 'category', levels: SITES }
  ],
  start: { x: 0.4, site: 'a' },
  shared: { outcome: 'y', unit: 'kg', ci_prob: 0.95, range: [0, 10] },
  cells: [0.1, 0.4, 0.7].flatMap(x =>
    SITES.map(site => ({
      lower: x,
      median: x + 1,
      upper: x + 2,
      sentence: `y at ${x} in ${site}`,
      density: { begins: 0, ends: 1, y: [0, 1000, 0] }
    }))
  )
};

describe('a what-if without a kernel', () => {
  it('finds the prediction of every combination', () => {
    for (const x of [0.1, 0.4, 0.7]) {
      for (const site of SITES) {
        expect(lookUp(FROZEN, { x, site })?.sentence).toBe(
          `y at ${x} in ${site}`
        );
      }
    }
  });

  it('unfolds a density, and shares what all have in common', () => {
    const found = lookUp(FROZEN, FROZEN.start)!;
    expect(found.density).toEqual({ x: [0, 0.5, 1], y: [0, 1000, 0] });
    expect(found.range).toEqual([0, 10]);
  });

  it('stays within what was computed', () => {
    expect(lookUp(FROZEN, { x: 99, site: 'nowhere' })?.sentence).toBe(
      'y at 0.7 in a'
    );
  });

  it('answers when a slider is moved, and shows text as text', () => {
    render(<FrozenWhatIf frozen={FROZEN} />);
    expect(screen.getByText('y at 0.4 in a')).toBeTruthy();
    fireEvent.input(screen.getByRole('slider'), { target: { value: '0.7' } });
    fireEvent.change(screen.getByRole('combobox'), {
      target: { value: SITES[1] }
    });
    expect(screen.getByText('y at 0.7 in <b>b</b>')).toBeTruthy();
  });

  it('is unpacked from what the page holds', async () => {
    const stream = new Response(JSON.stringify(FROZEN)).body!.pipeThrough(
      new CompressionStream('gzip')
    );
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const text = btoa(String.fromCharCode(...bytes));
    expect(await unpacked(`\n${text}\n`)).toEqual(FROZEN);
  });
});
