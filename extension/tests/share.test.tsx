import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FakeWorkbench } from '../src/api/fake';
import { Host, WorkbenchError } from '../src/api/port';
import { Share } from '../src/components/runs/Share';

const host: Host = {
  upload: async () => '',
  selectedFile: () => null,
  openNotebook: async () => undefined,
  reportUrl: path => `/files/${path}`,
  appUrl: path => `/voila/render/${path}`
};

async function ended(...notebooks: string[]): Promise<FakeWorkbench> {
  const client = new FakeWorkbench();
  for (const notebook of notebooks) {
    client.finish((await client.startRun(notebook)).id, 'passed', '');
  }
  return client;
}

function mount(client: FakeWorkbench, notebook: string | null = null) {
  render(
    <Share client={client} host={host} notebook={notebook} revision={0} />
  );
}

async function listed(): Promise<HTMLElement[]> {
  const shelf = await screen.findByRole('region', { name: 'Published' });
  return within(shelf).getAllByRole('link');
}

it('says what to do when there is nothing to share', async () => {
  const client = new FakeWorkbench();
  await client.startRun('running.ipynb');
  mount(client);
  await screen.findByText(/There is no finished run to share/);
  expect(screen.queryByText('Live app')).toBeNull();
});

it('makes each kind with one click, and lists it with its address', async () => {
  mount(await ended('sleep.ipynb'));
  await userEvent.click(await screen.findByText('As a page'));
  expect((await listed()).map(one => one.getAttribute('href'))).toEqual([
    '/files/reports/1.html'
  ]);
  await userEvent.click(screen.getByText('PDF'));
  await screen.findByText(/\(PDF\)/);
  await userEvent.click(screen.getByText('Make the page'));
  await userEvent.click(screen.getByText('Make the app'));
  await screen.findAllByText('Up to date');
  expect((await listed()).map(one => one.getAttribute('href'))).toEqual([
    '/voila/render/apps/1/app.ipynb',
    '/files/pages/1.html',
    '/files/reports/1.pdf',
    '/files/reports/1.html'
  ]);
});

it('begins with the newest run of the active notebook', async () => {
  const client = await ended('sleep.ipynb', 'other.ipynb');
  mount(client, 'sleep.ipynb');
  await userEvent.click(await screen.findByText('Word'));
  await listed();
  expect(client.shelf[0]!.path).toBe('reports/1.docx');
  await userEvent.selectOptions(screen.getByLabelText('Run to share'), '2');
  await userEvent.click(screen.getByText('Markdown'));
  await screen.findByText(/\(MD\)/);
  expect(client.shelf[0]!.path).toBe('reports/2.md');
});

it('says what has changed since something was published', async () => {
  const client = await ended('sleep.ipynb');
  await client.publish('1', 'app');
  client.shelf = client.shelf.map(one => ({
    ...one,
    stale: ["the table 'a.csv' has changed"],
    url: 'http://127.0.0.1:8866/'
  }));
  mount(client);
  await screen.findByText('Out of date');
  screen.getByText("Since then, the table 'a.csv' has changed.");
  expect((await listed())[0]!.getAttribute('href')).toBe(
    'http://127.0.0.1:8866/'
  );
});

it('takes something away only when asked twice', async () => {
  const client = await ended('sleep.ipynb');
  await client.publish('1', 'report');
  mount(client);
  await userEvent.click(await screen.findByText('Take away'));
  await userEvent.click(screen.getByText('Keep it'));
  expect(client.shelf).toHaveLength(1);
  await userEvent.click(screen.getByText('Take away'));
  await userEvent.click(screen.getByText('Delete its files'));
  await vi.waitFor(() => expect(client.shelf).toHaveLength(0));
});

it('shows why something could not be made', async () => {
  const client = await ended('sleep.ipynb');
  const message = 'a PDF is printed by Chromium or Chrome';
  client.failures.set('publish', new WorkbenchError({ message }));
  mount(client);
  await userEvent.click(await screen.findByText('PDF'));
  expect((await screen.findByRole('alert')).textContent).toContain(message);
});
