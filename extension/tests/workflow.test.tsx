import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FAILED_SAMPLING, FakeWorkbench, sleepCells } from '../src/api/fake';
import { Cell } from '../src/api/port';
import {
  AnalysisActions,
  AnalysisView,
  Workflow
} from '../src/components/Workflow';

async function mount(cells: Cell[], more: Partial<AnalysisView> = {}) {
  const actions = {
    runNext: vi.fn<AnalysisActions['runNext']>(),
    runRest: vi.fn<AnalysisActions['runRest']>(),
    runAll: vi.fn<AnalysisActions['runAll']>(),
    runStep: vi.fn<AnalysisActions['runStep']>(),
    interrupt: vi.fn<AnalysisActions['interrupt']>(),
    applyRemedy: vi.fn<AnalysisActions['applyRemedy']>(),
    runInBackground: vi.fn<AnalysisActions['runInBackground']>(),
    stopBackground: vi.fn<AnalysisActions['stopBackground']>(),
    showCell: vi.fn<AnalysisActions['showCell']>()
  };
  const view: AnalysisView = {
    path: 'sleepstudy.ipynb',
    inspection: await new FakeWorkbench().inspect(cells),
    running: [],
    activity: null,
    sampling: null,
    background: null,
    error: null,
    ...more
  };
  render(<Workflow view={view} actions={actions} />);
  return actions;
}

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
  expect(actions.applyRemedy).toHaveBeenCalledWith(
    FAILED_SAMPLING.remedies[0],
    'sampling'
  );
});

it('does not urge past a failed check', async () => {
  const actions = await mount(failing());
  expect(screen.queryByText(/^Next/)).toBeNull();
  await userEvent.click(screen.getByText('Go on anyway: Model check'));
  expect(actions.runNext).toHaveBeenCalled();
});

it('marks steps that are out of date, and makes the first of them the next', async () => {
  const cells = sleepCells(8);
  cells[0]!.source += '\nchains = 2';
  await mount(cells);
  expect(step('Data').textContent).toContain('Out of date');
  expect(screen.getByText('Next: Data')).toBeTruthy();
});

it('says which step was edited by hand', async () => {
  const cells = sleepCells(3);
  cells[3]!.source += '\n# my own prior';
  await mount(cells);
  expect(step('Model').textContent).toContain('Edited by hand');
  expect(step('Data').textContent).not.toContain('Edited by hand');
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
  expect(actions.interrupt).toHaveBeenCalled();
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
