import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FakeWorkbench } from '../src/api/fake';
import { followRun } from '../src/api/follow';
import { Host, RunEvent, WorkbenchError } from '../src/api/port';
import { Runs } from '../src/components/Runs';

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
