import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FakeWorkbench } from '../src/api/fake';
import { Host, RunEvent, Sampling } from '../src/api/port';
import { likelyLeft } from '../src/components/sampler/pace';
import { SamplerPage } from '../src/components/sampler/SamplerPage';
import { watch } from '../src/components/sampler/watch';
import { BEGUN } from '../src/components/following';

const host: Host = {
  upload: async () => '',
  selectedFile: () => null,
  openNotebook: async () => undefined,
  watchRun: () => undefined,
  reportUrl: path => path,
  appUrl: path => path
};

/** A report after some seconds, with the draws of each chain. */
function report(seconds: number, draws: number[], tuning = false): Sampling {
  const chains = draws.map(made => ({
    draws: made,
    total: 1000,
    tuning,
    divergences: 0,
    step_size: 0.5
  }));
  const finished = draws.reduce((sum, made) => sum + made, 0);
  const total = 1000 * draws.length;
  return { chains, finished, total, divergences: 0, seconds, left: null };
}

it('tells the time left by the slowest chain, with how its pace has varied', () => {
  const steady = Array.from({ length: 25 }, (_, at) =>
    report(at, [10 * at, 20 * at])
  );
  const [low, high] = likelyLeft(steady)!;
  expect(low).toBeCloseTo(76);
  expect(high).toBeCloseTo(76);
  let made = 0;
  const uneven = Array.from({ length: 41 }, (_, at) =>
    report(at, [(made += Math.floor((at - 1) / 4) % 2 ? 5 : 10)])
  );
  const [soon, late] = likelyLeft(uneven)!;
  expect(soon).toBeCloseTo((1000 - made) / 10, -1);
  expect(late / soon).toBeGreaterThan(1.6);
});

it('says nothing about the time left before it knows the pace', () => {
  const warm = Array.from({ length: 30 }, (_, at) => report(at, [at], true));
  expect(likelyLeft([])).toBeNull();
  expect(likelyLeft(warm.slice(0, 10))).toBeNull();
  expect(likelyLeft([...warm, report(30, [31])])).toBeNull();
  expect(likelyLeft(warm)).not.toBeNull();
});

it('keeps the reports of one stretch of sampling, also after it', () => {
  const told = (one: Sampling, n: number) =>
    ({ n, time: '', type: 'sampling', ...one }) as RunEvent;
  const events = [report(1, [10]), report(2, [20]), report(0, [1])].map(told);
  const two = events
    .slice(0, 2)
    .reduce(watch, { following: BEGUN, history: [] });
  expect(two.history).toHaveLength(2);
  expect(watch(two, events[2]!).history).toHaveLength(1);
  const next = {
    ...{ n: 4, time: '', type: 'step', state: 'started' },
    ...{ step: 'sampling', index: 4, count: 8 }
  } as RunEvent;
  const after = watch(two, next);
  expect(after.following.sampling).toBeNull();
  expect(after.history).toHaveLength(2);
});

it('shows chains, agreement and time left, and stops keeping the draws', async () => {
  const client = new FakeWorkbench();
  const { id } = await client.startRun('sleep.ipynb');
  for (let at = 1; at <= 20; at++) {
    client.emit({
      type: 'sampling',
      ...report(at, [40 * at, 40 * at]),
      divergences: 3,
      left: 5,
      rate: 80,
      agreement: [
        { name: 'Days', rhat: 1.004, ess: 431 },
        { name: 'sigma', rhat: 1.05, ess: 60 }
      ]
    });
  }
  render(<SamplerPage client={client} host={host} id={id} />);
  const bar = await screen.findByRole('progressbar');
  expect(bar.getAttribute('aria-valuetext')).toBe(
    '80 percent, 5.0 s left (likely about 5.0 s)'
  );
  const chains = within(screen.getByLabelText('Chain by chain'));
  expect(chains.getAllByRole('row')).toHaveLength(3);
  const agree = within(screen.getByLabelText('Do the chains agree?'));
  const rows = agree.getAllByRole('row').map(row => row.textContent);
  expect(rows[1]).toBe('Days 1.004 as wanted 431 as wanted');
  expect(rows[2]).toBe('sigma 1.050 not yet 60 not yet');
  expect(screen.queryByText('Watch')).toBeNull();
  await userEvent.click(screen.getByText('Stop'));
  await screen.findByText('Stopped');
  expect((await client.run(id)).status).toBe('stopped');
  expect(chains.getAllByRole('row')).toHaveLength(3);
});

it('says that it does not sample yet, and follows only while it is seen', async () => {
  const client = new FakeWorkbench();
  const { id } = await client.startRun('sleep.ipynb');
  const page = (visible: boolean) => (
    <SamplerPage client={client} host={host} id={id} visible={visible} />
  );
  const { rerender } = render(page(true));
  await screen.findByText(/does not sample yet/);
  rerender(page(false));
  client.emit({ type: 'sampling', ...report(1, [500]) });
  await new Promise(resolve => setTimeout(resolve, 30));
  expect(screen.queryByRole('progressbar')).toBeNull();
  rerender(page(true));
  await waitFor(() => screen.getByRole('progressbar'));
});
