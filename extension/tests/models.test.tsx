import { act, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useEffect } from 'react';

import { FakeWorkbench } from '../src/api/fake';
import { WorkbenchError } from '../src/api/port';
import { Models } from '../src/components/models/Models';
import { useWizard, Wizard } from '../src/components/wizard';

let wizard: Wizard;

function Station(props: {
  client: FakeWorkbench;
  opened: string[];
  onChange: (wizard: Wizard) => void;
}) {
  const { client, opened, onChange } = props;
  const wizard = useWizard(client);
  useEffect(() => void onChange(wizard));
  return (
    <>
      <button onClick={() => void wizard.load('sleepstudy.csv')}>Load</button>
      <button onClick={() => wizard.ask('change-over-time')}>Ask</button>
      <button onClick={() => wizard.ask('share')}>Ask for a share</button>
      <button onClick={() => wizard.assign({ groups: ['Subject'] })}>
        Group
      </button>
      <button onClick={wizard.recommend}>Find</button>
      <Models
        client={client}
        host={{ openNotebook: async path => void opened.push(path) }}
        wizard={wizard}
        steps={18}
        onCreate={async () => undefined}
      />
    </>
  );
}

const press = (name: string) => fireEvent.click(screen.getByText(name));

async function mount(question = 'Ask') {
  const client = new FakeWorkbench();
  const opened: string[] = [];
  render(
    <Station
      client={client}
      opened={opened}
      onChange={next => (wizard = next)}
    />
  );
  press('Load');
  await vi.waitFor(() => expect(wizard.description).not.toBeNull());
  press(question);
  press('Group');
  press('Find');
  await screen.findByText(/Your own models/);
  return { client, opened };
}

const card = (title: string) =>
  within(
    screen.getByText(title).closest<HTMLElement>('.jp-modelcompose-Model')!
  );

async function open(summary: HTMLElement) {
  await userEvent.click(summary);
}

it('tells everything about a model when asked', async () => {
  const { client } = await mount();
  const show = vi.spyOn(client, 'showModel');
  const inside = card('A line for each group');
  expect(inside.getByText('Check out of date')).toBeTruthy();
  expect(show).not.toHaveBeenCalled();
  await open(inside.getByText('About this model'));
  await inside.findByText('To say how an outcome changes with other columns.');
  expect(inside.getByText(/Think of a ruler/)).toBeTruthy();
  expect(inside.getByText('The line is straight.')).toBeTruthy();
  expect(inside.getByText('It says nothing of causes.')).toBeTruthy();
  expect(inside.getByText('as in rstanarm')).toBeTruthy();
  expect(inside.getByText(/checked before it was last changed/)).toBeTruthy();
});

it('says what went wrong when a model cannot be looked up, and tries again', async () => {
  const { client } = await mount();
  client.failures.set('showModel', new WorkbenchError({ message: 'Gone.' }));
  const inside = card('One straight line');
  await open(inside.getByText('About this model'));
  expect((await inside.findByRole('alert')).textContent).toContain('Gone.');
  client.failures.clear();
  await userEvent.click(inside.getByText('Try again'));
  await inside.findByText('The line is straight.');
});

it('names the rule by which a model was left out', async () => {
  await mount();
  const rejected = screen.getByText('Not offered (1)').closest('details')!;
  expect(rejected.textContent).toContain('It needs a yes/no outcome');
  expect(rejected.textContent).toContain('Rule: outcome-kind');
});

it('says what data would help when no model fits', async () => {
  await mount('Ask for a share');
  expect(screen.getByText('A column of yes and no would help.')).toBeTruthy();
  expect(screen.getByText('Create the notebook')).toHaveProperty(
    'disabled',
    true
  );
});

it('goes on without the list of models', async () => {
  const client = new FakeWorkbench();
  client.failures.set('listModels', new WorkbenchError({ message: 'No list' }));
  render(
    <Station client={client} opened={[]} onChange={next => (wizard = next)} />
  );
  press('Load');
  await vi.waitFor(() => expect(wizard.description).not.toBeNull());
  press('Ask');
  press('Find');
  await screen.findByText('One straight line');
  expect(screen.getByRole('alert').textContent).toContain('No list');
});

it('copies a model to change it, uses the copy on its own columns, and removes it', async () => {
  const { client, opened } = await mount();
  const inside = card('One straight line');
  await userEvent.click(inside.getByText('Make a copy to change'));
  await userEvent.type(
    inside.getByLabelText('Name of the copy'),
    'growth{Enter}'
  );
  await inside.findByText(/models\/growth\.py is open/);
  expect(opened).toEqual(['models/growth.py']);
  await screen.findByText('growth.py');
  const own = card('growth.py');
  expect(own.getByText('Yours')).toBeTruthy();
  expect(own.getByText('Not checked yet')).toBeTruthy();
  await userEvent.click(own.getByText('Use this model'));
  await userEvent.selectOptions(
    await own.findByLabelText('Which column is “dose” (continuous)?'),
    'Days'
  );
  expect(own.queryByLabelText(/Which column is “Reaction”/)).toBeNull();
  await userEvent.click(own.getByText('Use this model with these columns'));
  await own.findByText('In use');
  expect(wizard.analysis).toMatchObject({
    model: 'models/growth.py',
    question: 'own',
    predictors: ['dose'],
    recipe: [{ do: 'rename', columns: { Days: 'dose' } }]
  });
  await userEvent.click(own.getByText('Remove'));
  await userEvent.click(own.getByText('Keep it'));
  await userEvent.click(own.getByText('Remove'));
  await userEvent.click(own.getByText('Yes, remove it'));
  await vi.waitFor(async () =>
    expect(await client.listModels()).toHaveLength(2)
  );
});

it('checks and adds a model written in a notebook', async () => {
  const { opened } = await mount();
  await userEvent.type(
    screen.getByLabelText('Name of a new model'),
    'growth{Enter}'
  );
  await vi.waitFor(() => expect(opened).toEqual(['models/growth.ipynb']));
  const file = screen.getByLabelText<HTMLInputElement>('A model in a file');
  expect(file.value).toBe('models/growth.ipynb');
  await userEvent.click(screen.getByText('Check'));
  await screen.findByText('The model can be used.');
  await userEvent.click(screen.getByText('Add to your models'));
  await screen.findByText(/is one of your models now/);
  await screen.findByText('growth.py');
});

it('begins a new model and lists every fault with its place and remedy', async () => {
  const { opened } = await mount();
  await userEvent.type(
    screen.getByLabelText('Name of a new model'),
    'broken{Enter}'
  );
  await vi.waitFor(() => expect(opened).toEqual(['models/broken.ipynb']));
  await userEvent.click(await screen.findByText('Check'));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('defines no function build');
  expect(alert.textContent).toContain('models/broken.ipynb, cell 3');
  expect(alert.textContent).toContain('Define build(table, analysis).');
});

it('keeps what was changed of a model while another one is looked at', async () => {
  await mount();
  await userEvent.click(card('One straight line').getByRole('radio'));
  const priors = { Days: { dist: 'Normal', mu: 0, sigma: 5 } };
  act(() => wizard.edit({ priors }));
  await userEvent.click(card('A line for each group').getByRole('radio'));
  expect(wizard.analysis.priors).toEqual({});
  await userEvent.click(card('One straight line').getByRole('radio'));
  expect(wizard.analysis.priors).toEqual(priors);
  press('Find');
  await vi.waitFor(() => expect(wizard.searching.busy).toBe(false));
  expect(wizard.analysis).toMatchObject({ model: 'linear', priors });
  press('Ask');
  expect(wizard.analysis).toMatchObject({ model: '', priors: {} });
});

it('opens the priors and the formula of the chosen model', async () => {
  await mount();
  await open(screen.getByText(/Priors: what it assumes/));
  await screen.findByText('Change per day');
  await open(screen.getByText(/Formula, equation, picture/));
  await screen.findByLabelText('Formula');
});
