import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FakeWorkbench, sleepCells } from '../src/api/fake';
import { Host, WorkbenchError } from '../src/api/port';
import { Guide } from '../src/components/Guide';
import { AnalysisActions, AnalysisView } from '../src/components/workflow/view';

function fakeHost(): Host & { opened: string[] } {
  const opened: string[] = [];
  return {
    opened,
    upload: async file => `uploads/${file.name}`,
    selectedFile: () => null,
    openNotebook: async path => void opened.push(path),
    reportUrl: path => `/files/${path}`,
    appUrl: path => `/voila/render/${path}`
  };
}

function mount(props: Partial<Parameters<typeof Guide>[0]> = {}) {
  const client = new FakeWorkbench();
  const host = fakeHost();
  const element = (more = {}) => (
    <Guide
      client={client}
      host={host}
      view={null}
      actions={{} as AnalysisActions}
      request={null}
      runsRevision={0}
      {...props}
      {...more}
    />
  );
  const { rerender } = render(element());
  return { client, host, update: (more: object) => rerender(element(more)) };
}

async function loadSample() {
  await userEvent.click(await screen.findByText('Reaction time without sleep'));
  await screen.findByLabelText('Kind of Days');
}

async function askForChange() {
  await userEvent.click(screen.getByText('Continue to the question'));
  await userEvent.click(screen.getByLabelText(/How does something change/));
}

async function view(): Promise<AnalysisView> {
  const inspection = await new FakeWorkbench().inspect(sleepCells(2));
  return {
    path: 'sleepstudy.ipynb',
    inspection,
    running: [],
    activity: null,
    sampling: null,
    background: null,
    tried: null,
    lineage: null,
    error: null,
    undo: null
  };
}

it('leads from a sample to a notebook that holds every choice', async () => {
  const { client, host } = mount();
  await loadSample();
  await askForChange();
  await userEvent.click(screen.getByLabelText('Days'));
  await userEvent.click(screen.getByLabelText('Subject'));
  await userEvent.click(screen.getByText('Find models'));
  await screen.findByText('Recommended');
  await userEvent.click(screen.getByLabelText(/One straight line/));
  const estimand = screen.getByLabelText('The question to answer');
  await userEvent.clear(estimand);
  await userEvent.type(estimand, 'How tired?');
  await userEvent.click(screen.getByLabelText(/^Full \(18 steps\)/));
  await userEvent.click(screen.getByText('Create the notebook'));
  await waitFor(() => expect(host.opened).toEqual(['sleepstudy.ipynb']));
  expect(client.composed.get('sleepstudy.ipynb')).toMatchObject({
    data: 'data/sleepstudy.csv',
    units: { Reaction: 'ms' },
    kinds: { Reaction: 'continuous', Days: 'count', Subject: 'group' },
    question: 'change-over-time',
    outcome: 'Reaction',
    predictors: ['Days'],
    groups: ['Subject'],
    estimand: 'How tired?',
    model: 'linear'
  });
  expect(client.workflows.get('sleepstudy.ipynb')).toBe('full');
});

it('describes the data again when a kind changes, which changes the questions', async () => {
  mount();
  await loadSample();
  await userEvent.selectOptions(
    screen.getByLabelText('Kind of Subject'),
    'category'
  );
  await screen.findByText('As declared.');
  await userEvent.click(screen.getByText('Continue to the question'));
  expect(screen.getByLabelText(/Do groups differ/)).toHaveProperty(
    'disabled',
    false
  );
});

it('says why a question is not possible', async () => {
  mount();
  await loadSample();
  await userEvent.click(screen.getByText('Continue to the question'));
  expect(screen.getByText('Not possible with these columns (1)')).toBeTruthy();
  expect(
    screen.getByLabelText(/It needs a column that is a category/)
  ).toHaveProperty('disabled', true);
});

it('keeps every choice when a request fails, and goes on when it works again', async () => {
  const { client } = mount();
  await loadSample();
  await askForChange();
  await userEvent.click(screen.getByLabelText('Days'));
  client.failures.set(
    'recommend',
    new WorkbenchError({
      message: 'The column Days is constant.',
      where: 'sleepstudy.csv, column Days',
      remedy: 'Choose another predictor.'
    })
  );
  await userEvent.click(screen.getByText('Find models'));
  const alert = await screen.findByRole('alert');
  expect(alert.textContent).toContain('The column Days is constant.');
  expect(alert.textContent).toContain('sleepstudy.csv, column Days');
  expect(alert.textContent).toContain('Choose another predictor.');
  expect(screen.getByLabelText('Days')).toHaveProperty('checked', true);
  client.failures.clear();
  await userEvent.click(screen.getByText('Find models'));
  await screen.findByText('Recommended');
});

it('keeps the description of the old file when a new one cannot be read', async () => {
  mount();
  await loadSample();
  await userEvent.upload(
    screen.getByLabelText('Choose a file'),
    new File(['x'], 'broken.csv')
  );
  expect((await screen.findByRole('alert')).textContent).toContain(
    'uploads/broken.csv'
  );
  expect(screen.getByLabelText('Kind of Days')).toBeTruthy();
});

it('asks for models again after the roles changed', async () => {
  mount();
  await loadSample();
  await askForChange();
  await userEvent.click(screen.getByText('Find models'));
  await screen.findByText('Create the notebook');
  await userEvent.click(screen.getByRole('button', { name: /Question/ }));
  await userEvent.click(screen.getByLabelText('Subject'));
  expect(screen.getByRole('button', { name: /3 ?Model/ })).toHaveProperty(
    'disabled',
    true
  );
});

it('begins with a file chosen outside the panel', async () => {
  const { update } = mount({ view: await view() });
  expect(screen.queryByText('Drop a spreadsheet here')).toBeNull();
  update({ request: { path: 'data/sleepstudy.csv' } });
  await screen.findByLabelText('Kind of Days');
});

it('turns to the steps when an analysis comes to the front', async () => {
  const { update } = mount();
  await screen.findByText('Drop a spreadsheet here');
  update({ view: await view() });
  expect(screen.getByText('Next: Model')).toBeTruthy();
});

it('stays with the new analysis that was asked for beside an open one', async () => {
  const shown = await view();
  const { update } = mount({ view: shown });
  await userEvent.click(screen.getByText('Start a new analysis'));
  update({ view: { ...shown, activity: 'Running' } });
  await screen.findByText('Drop a spreadsheet here');
});
