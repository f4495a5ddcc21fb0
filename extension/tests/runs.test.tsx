import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FAKE_LINEAGE, FakeWorkbench } from '../src/api/fake';
import { fakeComparison } from '../src/api/fake/lineage';
import { followRun } from '../src/api/follow';
import { Host, RunEvent, WorkbenchError } from '../src/api/port';
import { Comparison } from '../src/components/runs/Comparison';
import { Runs } from '../src/components/runs/Runs';

const host: Host = {
  upload: async () => '',
  selectedFile: () => null,
  openNotebook: async () => undefined,
  reportUrl: path => `/files/${path}`,
  appUrl: path => `/voila/render/${path}`
};

function mount(client: FakeWorkbench) {
  render(<Runs client={client} host={host} revision={0} />);
}

it('shows progress of a running run and that it was stopped', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  client.emit({
    type: 'sampling',
    chains: [],
    finished: 400,
    total: 800,
    divergences: 0,
    seconds: 1,
    left: null
  });
  mount(client);
  const bar = await screen.findByRole('progressbar');
  expect(bar.getAttribute('aria-valuenow')).toBe('50');
  await userEvent.click(screen.getByText('Stop'));
  await screen.findByText('Stopped by you.');
  expect(screen.queryByRole('progressbar')).toBeNull();
});

it('says that a run waits for its turn, and why it is tried again', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  client.emit({ type: 'queued', run: '1' });
  mount(client);
  await screen.findByText('Waiting for its turn.');
  client.emit({ type: 'claimed', attempt: 1, host: 'here' });
  await waitFor(() =>
    expect(screen.queryByText('Waiting for its turn.')).toBeNull()
  );
  client.emit({
    type: 'retry',
    attempt: 2,
    seconds: 20,
    message: 'The kernel died.'
  });
  await screen.findByText('The kernel died. Attempt 2 begins in 20 s.');
});

it('pauses a run and lets it continue', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  mount(client);
  await userEvent.click(await screen.findByText('Pause'));
  await screen.findByText('Paused');
  await screen.findByText(/no draws are made/);
  await userEvent.click(screen.getByText('Continue'));
  await screen.findByText('Running');
  await waitFor(() =>
    expect(screen.queryByText(/no draws are made/)).toBeNull()
  );
});

it('throws draws away only when that is said twice', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  mount(client);
  await userEvent.click(await screen.findByText('Cancel'));
  await userEvent.click(screen.getByText('Keep it'));
  expect((await client.run('1')).status).toBe('running');
  await userEvent.click(screen.getByText('Cancel'));
  await userEvent.click(screen.getByText('Throw away'));
  await screen.findByText('Cancelled by you.');
  await screen.findByText('Resume');
});

it('tells of each chain, and how far they agree', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  const chain = { draws: 250, total: 2000, divergences: 3, step_size: 0.1234 };
  client.emit({
    type: 'sampling',
    chains: [
      { ...chain, tuning: true },
      { ...chain, tuning: false }
    ],
    finished: 500,
    total: 4000,
    divergences: 6,
    seconds: 2,
    left: 12,
    rate: 251.7,
    agreement: [{ name: 'Days', rhat: 1.021, ess: 180.4 }]
  });
  mount(client);
  await screen.findByText(/12 s left · 6 divergences · 252 a second/);
  await userEvent.click(screen.getByText('Chain by chain'));
  const rows = screen.getAllByRole('row').map(row => row.textContent);
  expect(rows).toContain('1250 (warming up)30.12');
  expect(rows).toContain('225030.12');
  expect(rows).toContain('Days1.021180');
});

it('publishes a run and links to report and app', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  client.finish('1', 'passed', '');
  mount(client);
  await userEvent.click(await screen.findByText('Publish'));
  const report = await screen.findByText('Report');
  expect(report.getAttribute('href')).toBe('/files/reports/1.html');
  expect(screen.getByText('App').getAttribute('href')).toBe(
    '/voila/render/apps/1/app.ipynb'
  );
});

it('shows why publishing failed and keeps the run', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  client.finish('1', 'passed', '');
  client.failures.set('publish', new WorkbenchError({ message: 'No space.' }));
  mount(client);
  await userEvent.click(await screen.findByText('Publish'));
  expect((await screen.findByRole('alert')).textContent).toContain('No space.');
  expect(screen.getByText('sleepstudy #1')).toBeTruthy();
});

it('follows a run across a lost connection without losing or repeating events', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  const seen: RunEvent[] = [];
  const done = followRun(
    client,
    '1',
    event => seen.push(event),
    new AbortController().signal,
    5
  );
  client.emit({ type: 'step', step: 'data', state: 'started' });
  await waitFor(() => expect(seen).toHaveLength(1));
  client.failures.set(
    'events',
    new WorkbenchError({ type: 'Unreachable', message: 'offline' })
  );
  client.emit({ type: 'step', step: 'data', state: 'done' });
  await new Promise(resolve => setTimeout(resolve, 20));
  client.failures.clear();
  client.finish('1', 'passed', '');
  await done;
  expect(seen.map(event => event.n)).toEqual([1, 2, 3]);
});

it('gives up following a run that does not exist', async () => {
  const follow = followRun(
    new FakeWorkbench(),
    'nope',
    () => undefined,
    new AbortController().signal,
    5
  );
  await expect(follow).rejects.toThrow('There is no run nope.');
});

it('compares the runs that are ticked: predictions, answers, choices and verdicts', async () => {
  const client = new FakeWorkbench();
  for (const id of ['1', '2']) {
    await client.startRun('sleepstudy.ipynb');
    client.finish(id, 'passed', '');
  }
  mount(client);
  await userEvent.click(await screen.findByLabelText('Compare sleepstudy #1'));
  expect(screen.getByText('Compare')).toHaveProperty('disabled', true);
  await userEvent.click(screen.getByLabelText('Compare sleepstudy #2'));
  await userEvent.click(screen.getByText('Compare 2 runs'));
  const better = within(await screen.findByLabelText('Which predicts better'));
  expect(better.getByText('Predicts clearly worse.')).toBeTruthy();
  expect(better.getByText('-92.1 ± 19.4')).toBeTruthy();
  const answers = within(screen.getByLabelText('What they answer'));
  expect(answers.getByText('Change per day (ms)')).toBeTruthy();
  expect(answers.getByText('8 to 12.9')).toBeTruthy();
  expect(
    within(screen.getByLabelText('Where they differ')).getByText('linear')
  ).toBeTruthy();
  expect(
    within(screen.getByLabelText('What their checks said')).getByText('Failed')
  ).toBeTruthy();
  await userEvent.click(screen.getByText('← All runs'));
  expect(screen.getByLabelText('Compare sleepstudy #1')).toHaveProperty(
    'checked',
    true
  );
});

it('tells a failure that was waived from one that was not, in the list and side by side', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  const title = 'Are the data like the model?';
  client.finish('1', 'failed', '').verdicts = [
    { step: 'prior', title, status: 'fail', sentence: '', waived: true },
    { step: 'posterior', title, status: 'fail', sentence: '', waived: false }
  ];
  mount(client);
  const dots = within(await screen.findByLabelText('Verdicts'));
  const marks = dots
    .getAllByRole('listitem')
    .map(item => [
      item.title,
      item.querySelector('svg')?.getAttribute('data-tone')
    ]);
  expect(marks).toEqual([
    [`${title} Failed, but waived. `, 'waived'],
    [`${title} Failed. `, 'fail']
  ]);
  const compared = fakeComparison(['1', '2']);
  compared.verdicts[0]!.waived = ['1'];
  render(
    <Comparison client={client} compared={compared} onClose={() => undefined} />
  );
  const said = within(screen.getByLabelText('What their checks said'));
  expect(said.getByTitle('Failed, but waived')).toBeTruthy();
  expect(said.queryByTitle('Failed')).toBeNull();
});

it('says why runs cannot be compared', async () => {
  const compared = { ...fakeComparison(['1', '2']), comparison: [] };
  render(
    <Comparison
      client={new FakeWorkbench()}
      compared={{
        ...compared,
        comparable: false,
        why_not: 'They rest on different rows.',
        sentences: []
      }}
      onClose={() => undefined}
    />
  );
  expect(screen.getByText('They rest on different rows.')).toBeTruthy();
  expect(screen.queryByText('Weight')).toBeNull();
});

it('resumes a run that was stopped, and follows it anew', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb');
  client.finish('1', 'stopped', 'Stopped by you.');
  mount(client);
  await userEvent.click(await screen.findByText('Resume'));
  await screen.findByText('Stop');
  client.emit({
    type: 'step',
    step: 'data',
    state: 'cached',
    index: 1,
    count: 18
  });
  await screen.findByText('1 step taken over, nothing changed');
  client.finish('1', 'passed', '');
  await screen.findByText('Publish');
  expect(screen.queryByText('Resume')).toBeNull();
});

it('shows what an autopilot tried', async () => {
  const client = new FakeWorkbench();
  await client.startRun('sleepstudy.ipynb', {}, 3);
  client.finish('1', 'warned', '', FAKE_LINEAGE);
  mount(client);
  await userEvent.click(await screen.findByText('Remedies tried (2)'));
  expect(screen.getByText(FAKE_LINEAGE.stopped)).toBeTruthy();
  expect(
    within(screen.getByLabelText('Rounds')).getAllByRole('listitem')
  ).not.toHaveLength(0);
});
