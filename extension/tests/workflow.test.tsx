import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FAILED_SAMPLING, sleepCells } from '../src/api/fake';
import { Cell } from '../src/api/port';
import { located } from '../src/components/models/located';
import { mount } from './opened';

function failing(): Cell[] {
  return sleepCells(6).map(cell =>
    cell.id === 'sampling' ? { ...cell, verdict: FAILED_SAMPLING } : cell
  );
}

const step = (name: string) =>
  screen.getByRole('button', { name: new RegExp(`^${name} (?!check)`) });

it('opens the failed step and shows value, rule and source of each finding', async () => {
  await mount(failing());
  const findings = within(screen.getByLabelText('Findings'));
  const [first, second] = findings.getAllByRole('listitem');
  expect(first!.textContent).toContain('1.080');
  expect(first!.textContent).toContain('Failed, should be below 1.01.');
  expect(first!.textContent).toContain('doi:10.1214/20-BA1221');
  expect(second!.textContent).toContain('Passed');
});

it('explains technical terms', async () => {
  await mount(failing());
  expect(screen.getByText('R-hat').getAttribute('title')).toContain('chains');
});

it('hands the chosen remedy and its step back', async () => {
  const actions = await mount(failing());
  await userEvent.click(screen.getByText('Draw twice as many samples'));
  expect(actions.calls).toEqual([
    ['applyRemedy', 'Draw twice as many samples', 'sampling']
  ]);
});

it('does not urge past a failed check', async () => {
  const actions = await mount(failing());
  expect(screen.queryByText(/^Next/)).toBeNull();
  await userEvent.click(screen.getByText('Go on anyway: Model check'));
  expect(actions.calls).toEqual([['runNext']]);
});

it('runs the next step, the rest, everything, one step, or all of it in the background', async () => {
  const actions = await mount(sleepCells(2));
  for (const text of [
    'Next: Model',
    'Run the rest',
    'Run from the start',
    'Run in background',
    'Run again'
  ]) {
    await userEvent.click(screen.getByText(text));
  }
  expect(actions.calls).toEqual([
    ['runNext'],
    ['runRest'],
    ['runAll'],
    ['runInBackground', 0],
    ['runStep', 'question']
  ]);
});

it('marks steps that are out of date, and makes the first of them the next', async () => {
  const cells = sleepCells(8);
  cells[0]!.source += '\nchains = 2';
  await mount(cells);
  expect(step('Model').textContent).toContain('Passed');
  expect(step('Fit').textContent).toContain('Out of date');
  expect(screen.getByText('Next: Fit')).toBeTruthy();
});

it('says which step was edited by hand', async () => {
  const cells = sleepCells(3);
  cells[3]!.source += '\n# my own prior';
  await mount(cells);
  expect(step('Model').textContent).toContain('Edited by hand');
  expect(step('Data').textContent).not.toContain('Edited by hand');
});

it('offers the difference of a step edited by hand, and to take the composed version', async () => {
  const cells = sleepCells(3);
  cells[3]!.source += '\n# my own prior';
  const actions = await mount(cells);
  await userEvent.click(screen.getByText('Show the difference'));
  const lines = within(await screen.findByLabelText('Difference'));
  expect(lines.getAllByRole('listitem').map(line => line.textContent)).toEqual([
    ' a = 1',
    '−yours: b = 3',
    '+composed: b = 2'
  ]);
  await userEvent.click(screen.getByText('Take the composed version'));
  expect(actions.calls).toEqual([
    ['compare', 'model'],
    ['takeComposed', 'model']
  ]);
});

it('says what it changed and takes it back', async () => {
  const actions = await mount(sleepCells(2), {
    undo: 'Draw twice as many samples'
  });
  expect(screen.getByText('Changed: Draw twice as many samples.')).toBeTruthy();
  await userEvent.click(screen.getByText('Undo'));
  expect(actions.calls).toEqual([['undo']]);
});

it('shows live sampling at the running step and offers to stop', async () => {
  const actions = await mount(sleepCells(4), {
    running: ['fit'],
    sampling: {
      chains: [
        {
          draws: 500,
          total: 2000,
          tuning: true,
          divergences: 0,
          step_size: 0.3
        }
      ],
      finished: 500,
      total: 2000,
      divergences: 3,
      seconds: 1,
      left: 3
    }
  });
  const bar = screen.getByRole('progressbar');
  expect(bar.getAttribute('aria-valuenow')).toBe('25');
  expect(screen.getByText(/500 of 2,000 draws/).textContent).toContain(
    '3 divergences'
  );
  expect(step('Fit').textContent).toContain('Running');
  await userEvent.click(screen.getByText('Stop'));
  expect(actions.calls).toEqual([['interrupt']]);
});

it('shows what is wrong with the parameters cell', async () => {
  await mount(sleepCells(0), {
    inspection: {
      analysis: null,
      problem: {
        type: 'InvalidAnalysis',
        message: 'draws must be a whole number.',
        where: 'parameters cell, line 2',
        remedy: 'Write draws = 1000.'
      },
      steps: []
    }
  });
  expect(screen.getByRole('alert').textContent).toContain('line 2');
});

it('changes the priors of a notebook where they are judged', async () => {
  const actions = await mount(sleepCells(4));
  await userEvent.click(screen.getByText('Change the priors'));
  await userEvent.click(await screen.findByText('Change per day'));
  const put = screen.getByText('Put these priors into the notebook');
  expect(put).toHaveProperty('disabled', true);
  await userEvent.type(screen.getByLabelText('sigma'), '5');
  await userEvent.click(put);
  expect(actions.calls.at(-1)).toEqual([
    'applyRemedy',
    'Other priors',
    'prior'
  ]);
  expect(actions.changes.at(-1)).toEqual({
    priors: { Days: { dist: 'Normal', mu: 0, sigma: 495 } }
  });
});

it.each([
  ['a.ipynb', 'data/x.csv', 'data/x.csv'],
  ['sub/a.ipynb', 'x.csv', 'sub/x.csv'],
  ['sub/deep/a.ipynb', '../x.csv', 'sub/x.csv'],
  ['sub/a.ipynb', './x.csv', 'sub/x.csv'],
  ['sub/a.ipynb', 'sample:penguins', 'sample:penguins'],
  ['sub/a.ipynb', 'https://host/x.csv', 'https://host/x.csv'],
  ['sub/a.ipynb', '/abs/x.csv', '/abs/x.csv'],
  ['sub/a.ipynb', 'wide@2', 'wide@2'],
  ['sub/a.ipynb', 'wide', 'wide']
])('finds the data of %s: %s', (notebook, data, found) => {
  const recipe = [{ do: 'join', data }, { do: 'drop' }];
  expect(located({ data, recipe }, notebook)).toEqual({
    data: found,
    recipe: [{ do: 'join', data: found }, { do: 'drop' }]
  });
});

it('finds the files that other choices name, and leaves names of models alone', () => {
  const choices = { data: 'x.csv', policy: 'house.toml', plan: '' };
  expect(located({ ...choices, model: 'linear' }, 'sub/a.ipynb')).toEqual({
    data: 'sub/x.csv',
    policy: 'sub/house.toml',
    plan: '',
    model: 'linear'
  });
  expect(located({ data: 'x.csv', model: 'm.py' }, 'sub/a.ipynb').model).toBe(
    'sub/m.py'
  );
});
