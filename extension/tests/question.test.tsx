import { fireEvent, render, screen, within } from '@testing-library/react';
import { useEffect } from 'react';
import userEvent from '@testing-library/user-event';

import { questionsFor } from '../src/api/fake/question';
import { FakeWorkbench } from '../src/api/fake';
import { Analysis, Question } from '../src/api/port';
import { QuestionList } from '../src/components/question/QuestionList';
import { Questions } from '../src/components/question/Questions';
import { lacking, rolesFor } from '../src/components/question/roles';
import { useWizard, Wizard } from '../src/components/wizard';

let wizard: Wizard;

function Station(props: {
  client: FakeWorkbench;
  onChange: (wizard: Wizard) => void;
}) {
  const { client, onChange } = props;
  const wizard = useWizard(client);
  useEffect(() => void onChange(wizard));
  return (
    <>
      <button onClick={() => void wizard.load('sleepstudy.csv')}>Load</button>
      {wizard.description && <Questions wizard={wizard} />}
    </>
  );
}

async function opened() {
  const client = new FakeWorkbench();
  render(<Station client={client} onChange={next => (wizard = next)} />);
  fireEvent.click(screen.getByText('Load'));
  await screen.findByText('What do you want to know?');
  return client;
}

const topic = (name: string) =>
  screen.getByText(name).closest('details') as HTMLDetailsElement;

it('groups the questions by what one wants to do, and opens the first group', async () => {
  await opened();
  expect(topic('Describe').open).toBe(true);
  expect(topic('Over time').open).toBe(false);
  expect(
    within(topic('Describe')).getByLabelText(/What is the typical value/)
  ).toBeTruthy();
});

it('keeps the group of the chosen question open', async () => {
  await opened();
  await userEvent.click(screen.getByLabelText(/How does something change/));
  expect(topic('Over time').open).toBe(true);
});

it('chooses a question with the keyboard', async () => {
  await opened();
  screen.getByLabelText(/What is the typical value/).focus();
  await userEvent.keyboard(' ');
  expect(wizard.analysis.question).toBe('typical');
});

it('says of “None of these” what other data would allow', async () => {
  await opened();
  await userEvent.click(screen.getByLabelText(/None of these/));
  const refused = screen
    .getByText('Not possible with these columns (1)')
    .closest('details');
  expect(refused).toHaveProperty('open', true);
  expect(refused!.textContent).toContain('It needs a column that is a cat');
  expect(refused!.textContent).toContain('What would help: a column of ans');
  expect(screen.getByRole('status').textContent).toContain('own');
  expect(screen.queryByText('Find models')).toBeNull();
});

it('lists questions that know no topic, too', () => {
  const questions = questionsFor([]).map(question => ({
    ...question,
    topic: undefined as unknown as string,
    allowed: true
  }));
  render(
    <QuestionList questions={questions} chosen="" onChoose={() => undefined} />
  );
  expect(topic('Questions').querySelectorAll('input')).toHaveLength(5);
});

it('asks only for the roles that the question has, and says what is still to choose', async () => {
  await opened();
  await userEvent.click(screen.getByLabelText(/What is the typical value/));
  expect(screen.queryByText(/may go together with it/)).toBeNull();
  expect(screen.queryByText(/Which rows belong together/)).toBeNull();
  expect(screen.getByText('Find models')).toHaveProperty('disabled', false);
});

it('takes what cannot be otherwise, and asks for settings in words', async () => {
  await opened();
  await userEvent.click(screen.getByLabelText(/One got it, many did not/));
  expect(wizard.analysis).toMatchObject({
    outcome: 'Reaction',
    groups: ['Subject'],
    time: 'Days'
  });
  await userEvent.type(screen.getByLabelText('When did it begin?'), '3');
  await userEvent.type(screen.getByLabelText('Who got it?'), '308');
  expect(wizard.analysis).toMatchObject({ intervention: '3', treated: '308' });
  const known = screen.getByLabelText<HTMLInputElement>('Who got it?').list!;
  expect([...known.options].map(({ value }) => value)).toContain('309');
  await userEvent.click(screen.getByLabelText('Subject'));
  expect(screen.getByText('Find models')).toHaveProperty('disabled', true);
  expect(screen.getByText(/Still to choose: Which rows belong/)).toBeTruthy();
});

it('forgets roles and settings that the next question has no part for', async () => {
  await opened();
  await userEvent.click(screen.getByLabelText(/One got it, many did not/));
  await userEvent.type(screen.getByLabelText('Who got it?'), '308');
  await userEvent.click(screen.getByLabelText(/What is the typical value/));
  expect(wizard.analysis).toMatchObject({
    outcome: 'Reaction',
    groups: [],
    time: '',
    treated: ''
  });
});

const QUESTION: Question = {
  id: 'x',
  topic: '',
  label: '',
  explanation: '',
  allowed: true,
  reason: '',
  roles: {
    outcome: ['a', 'b'],
    predictors: ['a', 'b', 'c'],
    standard_error: ['b']
  },
  least: { standard_error: 1, predictors: 2 },
  settings: [],
  lacking: ''
};

it('gives one column one part', () => {
  const old: Analysis = { data: '', outcome: 'a', predictors: ['a', 'b', 'c'] };
  const roles = rolesFor(QUESTION, old);
  expect(roles).toMatchObject({ outcome: 'a', predictors: ['b', 'c'] });
  expect(roles.standard_error).toBe('');
  expect(lacking(QUESTION, { data: '', ...roles })?.name).toBe(
    'standard_error'
  );
  expect(lacking(QUESTION, { data: '', outcome: 'a' })?.name).toBe(
    'predictors'
  );
});
