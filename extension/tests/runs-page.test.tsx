import {
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FakeWorkbench } from '../src/api/fake';
import { Host, WorkbenchError } from '../src/api/port';
import { RunsPage } from '../src/components/runs/RunsPage';

const opened: string[] = [];
const host: Host = {
  upload: async () => '',
  selectedFile: () => null,
  openNotebook: async path => void opened.push(path),
  reportUrl: path => path,
  appUrl: path => path
};

/** A workbench with runs that have ended, the last one first. */
async function workbench(...names: string[]): Promise<FakeWorkbench> {
  const client = new FakeWorkbench();
  for (const name of names) {
    const { id } = await client.startRun(`${name}.ipynb`);
    client.finish(id, 'passed', 'Done.').name = name;
  }
  return client;
}

async function mount(client: FakeWorkbench): Promise<void> {
  render(<RunsPage client={client} host={host} />);
  await waitFor(() => expect(client.asked).not.toHaveLength(0));
}

function names(): (string | null)[] {
  return screen.queryAllByRole('rowheader').map(cell => cell.textContent);
}

it('lists runs, filters them by what is typed, and says when none fits', async () => {
  await mount(await workbench('sleep', 'radon', 'sleepier'));
  await screen.findByText('3 runs');
  expect(names()).toEqual(['sleepier', 'radon', 'sleep']);
  const box = screen.getByRole('searchbox', { name: 'Filter' });
  await userEvent.type(box, 'sleep{Enter}');
  await screen.findByText('2 runs');
  expect(names()).toEqual(['sleepier', 'sleep']);
  const again = screen.getByRole('searchbox', { name: 'Filter' });
  await userEvent.clear(again);
  await userEvent.type(again, 'nothing{Enter}');
  await screen.findByText('No run fits this filter.');
});

it('sorts by a column, and says so', async () => {
  const client = await workbench('b', 'c', 'a');
  await mount(client);
  await userEvent.click(
    await screen.findByRole('button', { name: /^Run( |$)/ })
  );
  await waitFor(() => expect(names()).toEqual(['a', 'b', 'c']));
  const head = screen.getByRole('columnheader', { name: /^Run( |$)/ });
  expect(head.getAttribute('aria-sort')).toBe('ascending');
  await userEvent.click(screen.getByRole('button', { name: /^Run( |$)/ }));
  await waitFor(() => expect(names()).toEqual(['c', 'b', 'a']));
  expect(client.asked.at(-1)!.sort).toBe('-name');
});

it('keeps the filter and says what is wrong when it cannot be read', async () => {
  const client = await workbench('sleep');
  await mount(client);
  await screen.findByText('1 run');
  client.failures.set(
    'runPage',
    new WorkbenchError({ message: "'much' is no number", remedy: 'Write one.' })
  );
  await userEvent.type(screen.getByRole('searchbox'), 'elpd > much{Enter}');
  expect((await screen.findByRole('alert')).textContent).toContain('no number');
  expect(screen.getByRole('searchbox')).toHaveProperty('value', 'elpd > much');
  expect(names()).toEqual(['sleep']);
});

it('draws only the rows in view of many, and fetches more towards the end', async () => {
  const client = await workbench(
    ...Array.from({ length: 250 }, (_, at) => `run ${at}`)
  );
  await mount(client);
  await screen.findByText('The first 100 runs; more below');
  expect(names().length).toBeLessThan(60);
  expect(client.asked).toHaveLength(1);
  const scroller = screen.getByRole('table').parentElement!;
  fireEvent.scroll(scroller, { target: { scrollTop: 90 * 36 } });
  await screen.findByText('The first 200 runs; more below');
  expect(names()).toContain('run 160');
  expect(names().length).toBeLessThan(60);
  fireEvent.scroll(scroller, { target: { scrollTop: 230 * 36 } });
  await screen.findByText('250 runs');
  fireEvent.scroll(scroller, { target: { scrollTop: 250 * 36 } });
  await waitFor(() => expect(names()).toContain('run 0'));
  expect(client.asked.map(({ page }) => page)).toEqual(['', '100', '200']);
});

it('shows how far a running run is, and that it has ended', async () => {
  const client = new FakeWorkbench();
  const { id } = await client.startRun('sleep.ipynb');
  client.emit({
    type: 'sampling',
    chains: [],
    finished: 300,
    total: 400,
    divergences: 0,
    seconds: 1,
    left: 12
  });
  await mount(client);
  const bar = await screen.findByRole('progressbar');
  expect(bar.getAttribute('aria-valuetext')).toBe('75 percent, 12 s left');
  client.finish(id, 'passed', 'Done.');
  await screen.findByText('Passed', {}, { timeout: 4000 });
});

it('stars a run, notes on it and tags it', async () => {
  const client = await workbench('sleep');
  await mount(client);
  await userEvent.click(await screen.findByLabelText('Star sleep'));
  await waitFor(() =>
    expect(
      screen.getByLabelText('Star sleep').getAttribute('aria-pressed')
    ).toBe('true')
  );
  await userEvent.click(screen.getByRole('button', { name: 'sleep' }));
  const detail = within(screen.getByLabelText('Details of sleep'));
  await userEvent.type(detail.getByLabelText('Note'), 'The good one');
  await userEvent.click(detail.getByText('Save the note'));
  await waitFor(() => expect(detail.queryByText('Save the note')).toBeNull());
  await userEvent.type(
    detail.getByLabelText('Add a tag'),
    'owner = Ada{Enter}'
  );
  await detail.findByText('owner: Ada');
  const run = await client.run('1');
  expect(run.note).toBe('The good one');
  expect(run.tags).toEqual({ owner: 'Ada' });
  await userEvent.click(detail.getByLabelText('Remove the tag owner'));
  await waitFor(() => expect(detail.queryByText('owner: Ada')).toBeNull());
});

it('saves a view on the server and returns to it', async () => {
  const client = await workbench('sleep', 'radon');
  await mount(client);
  await userEvent.type(await screen.findByRole('searchbox'), 'sleep{Enter}');
  await userEvent.click(await screen.findByText('+ Save this view'));
  await userEvent.type(
    screen.getByLabelText('Name of the view'),
    'Mine{Enter}'
  );
  const view = await screen.findByRole('button', { name: 'Mine' });
  expect(await client.runViews()).toEqual([
    { name: 'Mine', text: 'sleep', sort: '' }
  ]);
  await userEvent.click(screen.getByRole('button', { name: 'All' }));
  await waitFor(() => expect(names()).toHaveLength(2));
  await userEvent.click(view);
  await waitFor(() => expect(names()).toEqual(['sleep']));
  await userEvent.click(screen.getByLabelText('Remove the view Mine'));
  await waitFor(() => expect(screen.queryByText('Mine')).toBeNull());
  expect(await client.runViews()).toEqual([]);
});

it('moves runs to the trash, restores them, and deletes for good only when that is said twice', async () => {
  const client = await workbench('sleep', 'radon');
  await mount(client);
  await userEvent.click(await screen.findByLabelText('Choose sleep'));
  await userEvent.click(screen.getByLabelText('Choose radon'));
  await userEvent.click(screen.getByText('Move 2 runs to the trash'));
  await screen.findByText('2 runs in the trash.');
  await userEvent.click(screen.getByRole('button', { name: 'Trash' }));
  await userEvent.click(await screen.findByLabelText('Choose sleep'));
  await userEvent.click(screen.getByText('Restore 1 run'));
  await waitFor(() => expect(names()).toEqual(['radon']));
  await userEvent.click(screen.getByText('Empty the trash…'));
  await userEvent.click(screen.getByText('Keep'));
  await userEvent.click(screen.getByText('Empty the trash…'));
  await userEvent.click(screen.getByText('Delete'));
  await screen.findByText('1 run deleted, 2.5 MB freed.');
  await screen.findByText('The trash is empty.');
  expect((await client.runs()).map(({ name }) => name)).toEqual(['sleep']);
});

it('compares two to six runs', async () => {
  await mount(await workbench('a', 'b', 'c', 'd', 'e', 'f', 'g'));
  await userEvent.click(await screen.findByLabelText('Choose a'));
  expect(screen.getByText('Compare')).toHaveProperty('disabled', true);
  for (const name of ['b', 'c', 'd', 'e', 'f']) {
    await userEvent.click(screen.getByLabelText(`Choose ${name}`));
  }
  await userEvent.click(screen.getByLabelText('Choose g'));
  expect(screen.getByText('Compare 7 runs')).toHaveProperty('disabled', true);
  await userEvent.click(screen.getByLabelText('Choose g'));
  await userEvent.click(screen.getByText('Compare 6 runs'));
  await screen.findByLabelText('Which predicts better');
  await userEvent.click(screen.getByText('← All runs'));
  expect(screen.getByLabelText('Choose a')).toHaveProperty('checked', true);
});

it('draws posteriors over one another, and shows the cells that differ', async () => {
  const client = await workbench('a', 'b');
  await mount(client);
  await userEvent.click(await screen.findByLabelText('Choose a'));
  await userEvent.click(screen.getByLabelText('Choose b'));
  await userEvent.click(screen.getByText('Compare 2 runs'));
  await userEvent.click(await screen.findByText('Posteriors over one another'));
  const curves = within(await screen.findByLabelText('Posteriors'));
  expect(curves.getAllByRole('img')).toHaveLength(3);
  expect(
    curves.getByLabelText('Days: A peaks near 0, B peaks near 1')
  ).toBeTruthy();
  await userEvent.selectOptions(curves.getByRole('combobox'), '1|Subject[308]');
  await waitFor(() => expect(curves.getAllByRole('img')).toHaveLength(4));
  await userEvent.click(screen.getByText('Notebooks, cell by cell'));
  const cells = within(await screen.findByLabelText('Notebooks'));
  expect(cells.getByText('parameters')).toBeTruthy();
  expect(cells.getByText('− A, + B')).toBeTruthy();
  await userEvent.selectOptions(cells.getByLabelText('Second run'), 'A');
  expect(cells.getByText(/their cells are the same/)).toBeTruthy();
});

it('runs a notebook again, reproduces a run, and opens what it executed', async () => {
  const client = await workbench('sleep');
  await mount(client);
  await userEvent.click(await screen.findByRole('button', { name: 'sleep' }));
  const detail = within(screen.getByLabelText('Details of sleep'));
  await userEvent.click(detail.getByText('Open'));
  expect(opened).toContain('runs/1/executed.ipynb');
  await userEvent.click(detail.getByText('Run again'));
  await screen.findByLabelText('Details of sleep #2');
  await userEvent.click(screen.getByRole('button', { name: 'sleep' }));
  await userEvent.click(await screen.findByText('Reproduce'));
  await screen.findByLabelText('Details of sleep #3');
  expect((await client.run('3')).reproduces).toBe('1');
});

it('tells where a run comes from', async () => {
  await mount(await workbench('sleep'));
  await userEvent.click(await screen.findByRole('button', { name: 'sleep' }));
  await userEvent.click(screen.getByText('Where it comes from'));
  const data = (
    await screen.findByText('Data', { selector: 'strong' })
  ).closest('li')!;
  expect(data.textContent).toBe('Datasleep@2 · 180 rows');
  const chain = within(data.parentElement!);
  expect(
    chain
      .getAllByRole('listitem')
      .map(one => one.querySelector('strong')?.textContent)
  ).toEqual(['Data', 'Preparation', 'Choices', 'Run']);
  expect(chain.getByText('filter → rename')).toBeTruthy();
});

it('is worked by keyboard: arrows go from run to run, Escape closes the details', async () => {
  await mount(await workbench('a', 'b', 'c'));
  const last = await screen.findByRole('button', { name: 'c' });
  last.focus();
  await userEvent.keyboard('{ArrowDown}');
  const middle = screen.getByRole('button', { name: 'b' });
  expect(document.activeElement).toBe(middle);
  await userEvent.keyboard('{Enter}');
  expect(document.activeElement?.tagName).toBe('H3');
  await userEvent.keyboard('{Escape}');
  expect(document.activeElement).toBe(
    screen.getByRole('button', { name: 'b' })
  );
});

it('asks for nothing behind other tabs', async () => {
  const client = await workbench('sleep');
  const { rerender } = render(
    <RunsPage client={client} host={host} visible={false} />
  );
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(client.asked).toHaveLength(0);
  rerender(<RunsPage client={client} host={host} visible={true} />);
  await screen.findByText('1 run');
});
