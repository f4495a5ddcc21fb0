import {
  FAILED_SAMPLING,
  FAKE_LINEAGE,
  FakeWorkbench,
  sleepCells
} from '../src/api/fake';
import { Cell, Verdict } from '../src/api/port';
import {
  changesTo,
  lastChange,
  outcome,
  settled,
  withRound,
  worst
} from '../src/components/workflow/lineage';

const client = new FakeWorkbench();
const [REMEDY, OTHER] = FAILED_SAMPLING.remedies as [
  Verdict['remedies'][0],
  Verdict['remedies'][0]
];

/** A notebook judged up to sampling, whose check said this. */
function judged(sampling: Verdict | null): Cell[] {
  return sleepCells(5).map(cell =>
    cell.id === 'sampling' ? { ...cell, verdict: sampling } : cell
  );
}

function said(status: Verdict['status'], shown: string): Verdict {
  const [rhat, divergences] = FAILED_SAMPLING.findings;
  return {
    ...FAILED_SAMPLING,
    status,
    findings: [{ ...rhat!, status, shown }, divergences!]
  };
}

const failing = () => client.inspect(judged(FAILED_SAMPLING));

it('keeps how it was before the first change', async () => {
  const { rounds, best } = withRound(null, await failing(), REMEDY, 'sampling');
  expect(rounds.map(round => [round.id, round.parent, round.label])).toEqual([
    ['1', '', 'As it was'],
    ['2', '1', 'Draw twice as many samples']
  ]);
  expect(rounds[0]!.verdicts).toMatchObject({ fit: 'pass', sampling: 'fail' });
  expect(rounds[0]!.status).toBe('failed');
  expect(best).toBe('1');
});

it('tells what became of each finding once the step was judged again', async () => {
  const lineage = withRound(null, await failing(), REMEDY, 'sampling');
  expect(lastChange(lineage, 'sampling')).toBeNull();
  const unjudged = await client.inspect(judged(null));
  expect(settled(lineage, unjudged)).toBeNull();
  const after = await client.inspect(judged(said('pass', '1.002')));
  const now = settled(lineage, after)!;
  expect(now.best).toBe('2');
  expect(lastChange(now, 'sampling')).toMatchObject({
    status: 'passed',
    findings: [
      {
        step: 'sampling',
        name: 'R-hat, largest',
        before_status: 'fail',
        before: '1.080',
        status: 'pass',
        shown: '1.002'
      }
    ]
  });
  expect(lastChange(now, 'posterior')).toBeNull();
  expect(settled(now, after)).toBeNull();
});

it('does not call what is out of date judged', async () => {
  const lineage = withRound(null, await failing(), REMEDY, 'sampling');
  const cells = judged(FAILED_SAMPLING);
  cells[0]!.source = cells[0]!.source.replace('draws = 1000', 'draws = 2000');
  expect(settled(lineage, await client.inspect(cells))).toBeNull();
});

it('does not call a change best that made things worse', async () => {
  const warned = await client.inspect(judged(said('warn', '1.02')));
  const first = withRound(null, warned, REMEDY, 'sampling');
  const worse = settled(first, await failing())!;
  expect(worse.best).toBe('1');
  const second = withRound(worse, await failing(), OTHER, 'sampling');
  const passed = await client.inspect(judged(said('pass', '1.00')));
  expect(settled(second, passed)!.best).toBe('3');
});

it('counts a failure that was let pass as a warning', async () => {
  const waived = { step: 'sampling', by: 'A', reason: 'b', when: '' };
  const cells = judged({ ...FAILED_SAMPLING, waived });
  const { rounds } = withRound(
    null,
    await client.inspect(cells),
    REMEDY,
    'sampling'
  );
  expect(rounds[0]!.verdicts.sampling).toBe('warn');
});

it('forgets a change that was never judged', async () => {
  const before = await failing();
  const lineage = withRound(null, before, REMEDY, 'sampling');
  const next = withRound(lineage, before, OTHER, 'sampling');
  expect(next.rounds.map(({ label }) => label)).toEqual([
    'As it was',
    'Take smaller steps'
  ]);
});

it('gathers the changes of a run’s rounds up to the best', () => {
  expect(changesTo(FAKE_LINEAGE, '1')).toEqual({ model: 'negative-binomial' });
  const deeper = { ...FAKE_LINEAGE, best: '3' };
  expect(changesTo(deeper, '1')).toEqual({ model: 'zero-inflated' });
  expect(changesTo(deeper, '2')).toEqual({ model: 'zero-inflated' });
  expect(changesTo({ ...FAKE_LINEAGE, best: '1' }, '1')).toEqual({});
});

it('goes on from the best round of an autopilot that has ended', async () => {
  expect(lastChange(FAKE_LINEAGE, 'posterior')?.id).toBe('2');
  const next = withRound(FAKE_LINEAGE, await failing(), REMEDY, 'sampling');
  expect(next.rounds.at(-1)).toMatchObject({ id: '4', parent: '2' });
  expect(next.stopped).toBe('');
});

it('says how a run ended that mended itself', async () => {
  await client.startRun('sleepstudy.ipynb', {}, 3);
  const run = client.finish('1', 'failed', '', FAKE_LINEAGE);
  expect(outcome(run)).toBe('warned');
  expect(outcome({ ...run, lineage: null })).toBe('failed');
});

it('ranks statuses as the workbench does', () => {
  expect(worst(['pass', 'info'])).toBe('pass');
  expect(worst(['warn', 'fail', 'pass'])).toBe('fail');
  expect(worst([])).toBe('info');
});
