import {
  cleanup,
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeWorkbench } from '../src/api/fake';
import { Host, StepKind, WorkbenchError } from '../src/api/port';
import { Data } from '../src/components/data/Data';
import { useWizard } from '../src/components/wizard';
import widget from '../src/widgets/profile';

const host: Host = {
  upload: async (_file, onProgress) => {
    onProgress?.(0.5);
    return 'sleepstudy.csv';
  },
  selectedFile: () => null,
  openNotebook: async () => undefined,
  reportUrl: path => path,
  appUrl: path => path
};

function Station(props: { client: FakeWorkbench; steps: StepKind[] }) {
  const wizard = useWizard(props.client);
  const kinds = [
    { id: 'continuous', label: 'Number', explanation: 'Any size.' },
    { id: 'count', label: 'Count', explanation: 'How many.' },
    { id: 'group', label: 'Group', explanation: 'Belong together.' }
  ];
  return <Data {...props} host={host} kinds={kinds} wizard={wizard} />;
}

let client: FakeWorkbench;

async function opened(): Promise<void> {
  client = new FakeWorkbench();
  const { recipe } = await client.schema();
  render(<Station client={client} steps={recipe} />);
  fireEvent.change(screen.getByLabelText('Choose a file'), {
    target: { files: [new File(['x'], 'sleepstudy.csv')] }
  });
  await screen.findByText(/180 rows and 3 columns/);
}

const press = (name: string | RegExp) =>
  fireEvent.click(screen.getByRole('button', { name }));

afterEach(cleanup);

describe('the data station', () => {
  beforeEach(opened);

  it('asks only what it cannot know, and takes the answer', async () => {
    const doubts = screen.getByLabelText('Please decide');
    expect(doubts.textContent).toContain('What is Days?');
    fireEvent.click(within(doubts).getByText('Number'));
    await waitFor(() =>
      expect(screen.queryByLabelText('Please decide')).toBeNull()
    );
    expect(screen.getByLabelText<HTMLSelectElement>('Kind of Days').value).toBe(
      'continuous'
    );
  });

  it('keeps what is declared of a column', async () => {
    const spy = vi.spyOn(client, 'describe');
    const row = screen.getByRole('rowheader', {
      name: /Reaction/
    }).parentElement!;
    const inside = within(row);
    fireEvent.change(inside.getByLabelText('Unit'), {
      target: { value: 'ms' }
    });
    fireEvent.change(
      inside.getByLabelText('Lowest and highest possible value: lowest'),
      { target: { value: '0' } }
    );
    fireEvent.change(inside.getByLabelText(/Codes that mean/), {
      target: { value: '-9, unknown' }
    });
    fireEvent.click(inside.getByText('Keep this'));
    await waitFor(() => expect(spy).toHaveBeenCalled());
    expect(spy.mock.lastCall?.[0]).toMatchObject({
      units: { Reaction: 'ms' },
      variables: {
        Reaction: { bounds: [0, null], missing: [-9, 'unknown'] }
      }
    });
  });

  it('applies nothing before it was previewed, undoes and redoes', async () => {
    press('Preview: Treat -9 as missing in Days');
    await screen.findByText('Did missing_codes.');
    expect(screen.queryByText('180 → 179 rows')).toBeNull();
    expect(screen.getByText('<b>249</b>').tagName).toBe('TD');
    press('Apply');
    await screen.findByText('180 → 179 rows');
    expect(screen.getByText(/prepared from 180 rows/)).toBeTruthy();
    press('Show as script');
    await screen.findByText('# missing_codes');
    press('Undo the last step');
    await waitFor(() =>
      expect(screen.queryByText('180 → 179 rows')).toBeNull()
    );
    press('Redo');
    await screen.findByText('180 → 179 rows');
  });

  it('makes a form of every kind of step', async () => {
    const spy = vi.spyOn(client, 'preview');
    const choose = (id: string) =>
      fireEvent.change(screen.getByLabelText('Add a step'), {
        target: { value: id }
      });
    const preview = () =>
      fireEvent.click(screen.getByRole('button', { name: 'Preview' }));
    choose('filter');
    fireEvent.change(screen.getByLabelText('The condition'), {
      target: { value: 'Days > 2' }
    });
    preview();
    await waitFor(() =>
      expect(spy.mock.lastCall?.[1]).toEqual({
        do: 'filter',
        where: 'Days > 2'
      })
    );
    choose('drop');
    fireEvent.click(screen.getByRole('checkbox', { name: 'Days' }));
    preview();
    await waitFor(() =>
      expect(spy.mock.lastCall?.[1]).toEqual({ do: 'drop', columns: ['Days'] })
    );
    choose('rename');
    fireEvent.change(screen.getByLabelText('New names'), {
      target: { value: 'Days = days\nSubject = person' }
    });
    preview();
    await waitFor(() =>
      expect(spy.mock.lastCall?.[1]).toEqual({
        do: 'rename',
        columns: { Days: 'days', Subject: 'person' }
      })
    );
  });

  it('keeps what was typed when a step is refused', async () => {
    client.failures.set(
      'preview',
      new WorkbenchError({ message: 'there is no column', remedy: 'Look.' })
    );
    fireEvent.change(screen.getByLabelText('Add a step'), {
      target: { value: 'filter' }
    });
    const field = screen.getByLabelText<HTMLTextAreaElement>('The condition');
    fireEvent.change(field, { target: { value: 'nothing > 2' } });
    press('Preview');
    await screen.findByText('there is no column');
    expect(field.value).toBe('nothing > 2');
  });

  it('looks closer when asked to, and treats what it finds', async () => {
    const details = screen.getByText('A closer look').parentElement!;
    (details as HTMLDetailsElement).open = true;
    fireEvent(details, new Event('toggle'));
    await screen.findByText(/half of them between 255/);
    expect(screen.getByText(/Row 7: -1/)).toBeTruthy();
    expect(screen.getByLabelText('Distribution of Reaction')).toBeTruthy();
    expect(screen.getByLabelText('Missing values in Days')).toBeTruthy();
    expect(screen.getByLabelText('Reaction by Days')).toBeTruthy();
    press('Treat -9 as missing');
    await screen.findByText('Did missing_codes.');
  });

  it('saves versions, compares them and goes back', async () => {
    press('Save as a version');
    await screen.findByText('Saved as sleepstudy@1.');
    await screen.findByText('sleepstudy@1 (current)');
    fireEvent.change(screen.getByLabelText('What is new'), {
      target: { value: 'more' }
    });
    press('Save as a version');
    await screen.findByText('sleepstudy@2 (current)');
    expect(screen.getByText(/Out of date now/).textContent).toContain(
      'run (sleepstudy@1)'
    );
    press('What changed in 2?');
    await screen.findByText('Row 3, Reaction: 250.8 → missing');
    press('Check that nothing is damaged');
    await screen.findByText(/2 versions checked/);
    press('What versions must look like');
    await screen.findByText(/one of 308, 309/);
    press('Allow other values of Subject');
    await waitFor(() =>
      expect(screen.queryByText(/one of 308, 309/)).toBeNull()
    );
    press('Make 1 the current one');
    await screen.findByText('sleepstudy@1 (current)');
    press('Remove 2');
    press('Yes, remove 2 for good');
    await waitFor(() => expect(screen.queryByText('sleepstudy@2')).toBeNull());
  });
});

it('what was typed, tried or undone for one table does not reach the next', async () => {
  await opened();
  const [unit] = screen.getAllByLabelText<HTMLInputElement>('Unit');
  fireEvent.change(unit!, { target: { value: 'ms' } });
  fireEvent.change(screen.getByLabelText('Name of the dataset'), {
    target: { value: 'first' }
  });
  press('Preview: Treat -9 as missing in Days');
  await screen.findByText('Did missing_codes.');
  press('Apply');
  await screen.findByText('180 → 179 rows');
  press('Undo the last step');
  await waitFor(() => expect(screen.queryByText('180 → 179 rows')).toBeNull());
  fireEvent.change(screen.getByLabelText('Choose a file'), {
    target: { files: [new File(['x'], 'sleepstudy.csv')] }
  });
  await waitFor(() =>
    expect(
      screen.getByRole<HTMLButtonElement>('button', { name: 'Redo' }).disabled
    ).toBe(true)
  );
  expect(
    screen.getByLabelText<HTMLInputElement>('Name of the dataset').value
  ).toBe('sleepstudy');
  expect(screen.getAllByLabelText<HTMLInputElement>('Unit')[0]!.value).toBe('');
});

it('the profile stands in a notebook too', async () => {
  client = new FakeWorkbench();
  const content = await client.profile();
  const element = document.createElement('div');
  document.body.append(element);
  const model = {
    get: () => content,
    set: () => undefined,
    save_changes: () => undefined,
    on: () => undefined,
    off: () => undefined
  };
  const close = widget.render({ model, el: element });
  await screen.findByText(/half of them between 255/);
  expect(screen.queryByRole('button')).toBeNull();
  close();
});

it('a pasted table is used like a file', async () => {
  client = new FakeWorkbench();
  render(<Station client={client} steps={[]} />);
  fireEvent.change(screen.getByLabelText('Paste rows from a spreadsheet'), {
    target: { value: 'x\ty' }
  });
  press('Use this table');
  await screen.findByText(/180 rows and 3 columns/);
});
