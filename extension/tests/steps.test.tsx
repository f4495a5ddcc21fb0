import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import {
  FAILED_SAMPLING,
  FAKE_LINEAGE,
  FakeWorkbench,
  sleepCells
} from '../src/api/fake';
import { Cell, Run, Verdict, WorkflowName } from '../src/api/port';
import { BEGUN, follow } from '../src/components/following';
import { mount } from './opened';

function failing(
  workflow: WorkflowName = 'simple',
  more: Partial<Verdict> = {}
): Cell[] {
  const done = workflow === 'full' ? 7 : 6;
  return sleepCells(done, workflow).map(cell =>
    cell.id === 'sampling'
      ? { ...cell, verdict: { ...FAILED_SAMPLING, ...more } }
      : cell
  );
}

const WAIVER = {
  step: 'sampling',
  by: 'A. Name',
  reason: 'Only the sign matters.',
  when: '2026-11-20T10:00:00+00:00'
};

const phase = (name: string) =>
  within(
    screen.getByRole('heading', { level: 4, name: new RegExp(`^${name} `) })
  ).getByRole('button');

describe('phases', () => {
  it('groups many steps by phase and opens the one that asks for attention', async () => {
    await mount(failing('full'));
    expect(phase('Before the data speak').textContent).toContain('Done');
    expect(phase('Before the data speak').getAttribute('aria-expanded')).toBe(
      'false'
    );
    expect(phase('Fit').textContent).toContain('Failed');
    expect(phase('Fit').getAttribute('aria-expanded')).toBe('true');
    expect(phase('Use it').textContent).toContain('0 of 4 done');
    expect(screen.queryByText('Prior check')).toBeNull();
    await userEvent.click(phase('Before the data speak'));
    expect(screen.getByText('Prior check')).toBeTruthy();
    expect(screen.getByText('Sampling check')).toBeTruthy();
  });

  it('follows the work into the next phase', async () => {
    const cells = sleepCells(5, 'full');
    const { update } = await mount(cells);
    await userEvent.click(phase('Before the data speak'));
    update({ running: ['fit'] });
    expect(phase('Fit').textContent).toContain('Running');
    expect(phase('Fit').getAttribute('aria-expanded')).toBe('true');
  });

  it('shows few steps without phases, and leads to all of them', async () => {
    const actions = await mount(sleepCells(2));
    expect(screen.queryByText('Before the data speak')).toBeNull();
    const more = await screen.findByText('Go through all steps');
    expect(more.parentElement!.textContent).toContain('8 most important of 18');
    await userEvent.click(more);
    expect(actions.calls).toEqual([['composeFull']]);
  });

  it('has nothing to add to a notebook that has every step', async () => {
    const client = new FakeWorkbench();
    const schema = vi.spyOn(client, 'schema');
    await mount(sleepCells(2, 'full'), {}, client);
    await waitFor(() => expect(schema).toHaveResolved());
    expect(screen.queryByText('Go through all steps')).toBeNull();
  });
});

describe('remedies', () => {
  it('says what each costs', async () => {
    await mount(failing());
    expect(
      screen.getByText('Cost: one more fit, about twice as long.')
    ).toBeTruthy();
  });

  it('shows what became of each finding after one was taken', async () => {
    const inspection = await new FakeWorkbench().inspect(sleepCells(6));
    const round = {
      ...FAKE_LINEAGE.rounds[1]!,
      label: 'Draw twice as many samples',
      step: 'sampling',
      findings: [
        {
          step: 'sampling',
          name: 'R-hat, largest',
          before_status: 'fail' as const,
          before: '1.080',
          status: 'pass' as const,
          shown: '1.002'
        }
      ]
    };
    const rounds = [FAKE_LINEAGE.rounds[0]!, round];
    await mount(sleepCells(6), {
      inspection,
      lineage: { version: 1, rounds, best: '2', stopped: '' }
    });
    const change = within(screen.getByLabelText('Before and after'));
    expect(change.getByText('After “Draw twice as many samples”')).toBeTruthy();
    expect(change.getByRole('listitem').textContent).toBe(
      'R-hat, largestFailed before: 1.080→Passed now: 1.002'
    );
    await userEvent.click(screen.getByText('How this model came about'));
    expect(screen.getByRole('img').getAttribute('aria-label')).toContain(
      '“Draw twice as many samples”, after “As it was”'
    );
  });
});

describe('waivers', () => {
  it('asks for a name and a reason before a failure passes', async () => {
    const actions = await mount(failing());
    await userEvent.click(screen.getByText('Let it pass…'));
    const form = within(screen.getByRole('form', { name: 'Let it pass' }));
    expect(form.getByText(/in the report and in the app/)).toBeTruthy();
    const submit = form.getByRole('button', { name: 'Let it pass' });
    await userEvent.type(form.getByLabelText(/Who answers/), 'A. Name');
    await userEvent.type(form.getByLabelText(/Why may/), '  ');
    expect(submit).toHaveProperty('disabled', true);
    await userEvent.type(form.getByLabelText(/Why may/), 'Only the sign.');
    await userEvent.click(submit);
    expect(actions.calls).toEqual([
      ['waive', 'sampling', 'A. Name', 'Only the sign.']
    ]);
  });

  it('says plainly that the policy forbids it, and keeps what was typed', async () => {
    const client = new FakeWorkbench();
    client.forbidden.add('sampling');
    await mount(failing(), {}, client);
    await userEvent.click(screen.getByText('Let it pass…'));
    await userEvent.type(screen.getByLabelText(/Who answers/), 'A. Name');
    await userEvent.type(screen.getByLabelText(/Why may/), 'Please.');
    await userEvent.keyboard('{Tab}{Enter}');
    expect((await screen.findByRole('alert')).textContent).toContain('forbid');
    expect(screen.getByLabelText(/Why may/)).toHaveProperty('value', 'Please.');
  });

  it('shows who let it pass and why, does not call it failed, and takes it back', async () => {
    const actions = await mount(failing('simple', { waived: WAIVER }));
    expect(
      screen.getByRole('button', { name: /^Sampling check/ }).textContent
    ).toContain('Let pass');
    expect(screen.getByText(/Let pass by A. Name on/)).toBeTruthy();
    expect(screen.getByText('Only the sign matters.')).toBeTruthy();
    expect(screen.getByText('Next: Model check')).toBeTruthy();
    expect(screen.queryByText('Let it pass…')).toBeNull();
    await userEvent.click(screen.getByText('Take back'));
    expect(actions.calls).toEqual([['waive', 'sampling', 'A. Name', '']]);
  });
});

describe('rules', () => {
  it('names a policy of one’s own, and not the one that everybody has', async () => {
    await mount(failing());
    expect(screen.queryByText(/^Judged by the rules of/)).toBeNull();
  });

  it('names the policy that a verdict was judged by', async () => {
    await mount(failing('simple', { policy: 'House rules, version 3 (ab)' }));
    expect(
      screen.getByText('Judged by the rules of House rules, version 3 (ab).')
    ).toBeTruthy();
  });

  it('lists the rules in force with their sources', async () => {
    await mount(failing());
    await userEvent.click(screen.getByText('Rules in force'));
    const rule = await screen.findByText('rhat');
    expect(rule.parentElement!.textContent).toContain(
      'below 1.01; a failure above 1.05 Vehtari et al. 2021'
    );
  });
});

describe('plan', () => {
  it('locks the plan in somebody’s name', async () => {
    const actions = await mount(sleepCells(2));
    await userEvent.click(screen.getByText('Plan: not locked'));
    await userEvent.type(screen.getByLabelText(/Who decides/), 'A. Name');
    await userEvent.click(screen.getByText('Lock the plan'));
    expect(actions.calls).toEqual([['lockPlan', 'A. Name']]);
  });

  it('shows since when it is locked, and what differs from it', async () => {
    const client = new FakeWorkbench();
    const cells = sleepCells(2);
    const { edits } = await client.lockPlan(cells, 'A. Name');
    cells[0]!.source = `${edits[0]!.source}\nestimand = "Something else?"`;
    await mount(cells, {}, client);
    await screen.findByText(/^Plan locked since/);
    expect(screen.getByText('1 deviation')).toBeTruthy();
    const [deviation] = within(
      screen.getByLabelText('Deviations')
    ).getAllByRole('listitem', { hidden: true });
    expect(deviation!.textContent).toMatch(
      /^estimand: planned "How many ms .*", now "Something else\?"$/
    );
  });
});

describe('remedies tried by itself', () => {
  const tried = async (): Promise<Run> => {
    const client = new FakeWorkbench();
    await client.startRun('sleepstudy.ipynb', {}, 3);
    return client.finish('1', 'warned', '', FAKE_LINEAGE);
  };

  it('asks for the most rounds and starts', async () => {
    const actions = await mount(failing());
    await userEvent.click(screen.getByText('Try remedies by itself'));
    const most = screen.getByLabelText('How many changes at most?');
    expect(most).toHaveProperty('value', '3');
    await userEvent.clear(most);
    expect(screen.getByText('Start')).toHaveProperty('disabled', true);
    await userEvent.type(most, '5{Enter}');
    expect(actions.calls).toEqual([['runInBackground', 5]]);
  });

  it('tells rounds as they come, and steps that were taken over', async () => {
    const run = await tried();
    const began = { n: 1, time: '', type: 'round', run: '2' } as const;
    const step = { n: 2, time: '', type: 'step', step: 'data' } as const;
    const events = [
      {
        ...began,
        id: '2',
        label: 'Let counts spread wider',
        why: '',
        step: ''
      },
      { ...step, state: 'cached', index: 1, count: 18 },
      { ...step, state: 'cached', index: 2, count: 18 },
      { n: 4, time: '', type: 'lineage', id: '2', status: 'warned', best: '2' }
    ] as const;
    const following = events.reduce(follow, BEGUN);
    await mount(failing(), { background: { run, ...following } });
    expect(screen.getByText(/step 2 of 18/)).toBeTruthy();
    expect(
      screen.getByText('2 steps taken over, nothing changed')
    ).toBeTruthy();
    const rounds = within(screen.getByLabelText('Tried so far'));
    expect(rounds.getByRole('listitem').textContent).toContain(
      'Let counts spread wider Passed with warnings'
    );
  });

  it('draws what was tried, says why it stopped, and takes the best over', async () => {
    const actions = await mount(failing(), { tried: await tried() });
    const result = within(screen.getByLabelText('Remedies tried by itself'));
    expect(
      result.getByText('Stopped: no remedy is left for the share of zeros.')
    ).toBeTruthy();
    expect(result.getByRole('img').getAttribute('aria-label')).toBe(
      '“As it was”: failed. “Let counts spread wider”, after “As it was”: warned. ' +
        '“Add a cause for zeros”, after “Let counts spread wider”: failed. ' +
        'Best: “Let counts spread wider”.'
    );
    const rounds = within(result.getByLabelText('Rounds'));
    expect(rounds.getByText('Best').closest('li')!.textContent).toContain(
      'elpd -540.2 ± 14.8'
    );
    for (const text of [
      'Take these choices over',
      'Open its notebook',
      'Close'
    ]) {
      await userEvent.click(result.getByText(text));
    }
    expect(actions.calls).toEqual([['takeOver'], ['openBest'], ['closeTried']]);
  });

  it('has nothing to take over when the first round was the best', async () => {
    const run = await tried();
    const lineage = { ...FAKE_LINEAGE, best: '1' };
    await mount(failing(), { tried: { ...run, lineage } });
    expect(screen.queryByText('Take these choices over')).toBeNull();
    expect(screen.getByText('Open its notebook')).toBeTruthy();
  });
});
