import {
  act,
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';

import { FakeWorkbench, SLEEP_ANALYSIS } from '../src/api/fake';
import { PriorChoices, PriorClient, WorkbenchError } from '../src/api/port';
import { Drawing } from '../src/components/models/Drawing';
import { Expectation } from '../src/components/models/Expectation';
import { Priors } from '../src/components/models/Priors';
import { beginning, read } from '../src/components/models/answers';

function Editor(props: {
  client: PriorClient;
  start: PriorChoices;
  onChange: (priors: PriorChoices) => void;
}) {
  const [priors, setPriors] = useState(props.start);
  return (
    <Priors
      client={props.client}
      analysis={{ ...SLEEP_ANALYSIS, priors }}
      onChange={next => {
        setPriors(next);
        props.onChange(next);
      }}
    />
  );
}

async function mount(start: PriorChoices = {}, client = new FakeWorkbench()) {
  const onChange = vi.fn<(priors: PriorChoices) => void>();
  render(<Editor client={client} start={start} onChange={onChange} />);
  await screen.findByText('Change per day');
  return { client, onChange, last: () => onChange.mock.lastCall?.[0] };
}

const row = (label = 'Change per day') =>
  within(screen.getByText(label).closest('li')!);

async function edit(label = 'Change per day') {
  await userEvent.click(screen.getByText(label));
  return within(screen.getByRole('group', { name: `Prior of ${label}` }));
}

async function ownNumbers() {
  const inside = await edit();
  await userEvent.click(inside.getByText('Say it in your own numbers'));
  return inside;
}

describe('a prior', () => {
  it('is told in words, with a picture and its source', async () => {
    await mount();
    expect(row().getByText('Normal(0, 49)')).toBeTruthy();
    expect(row().getByText(/95% between -96 and 96 ms/)).toBeTruthy();
    expect(row().getByRole('img')).toBeTruthy();
    expect(row().getByText('Source: as in rstanarm')).toBeTruthy();
  });

  it('is edited alone, and half a number is no change', async () => {
    const { onChange, last } = await mount({
      Intercept: { dist: 'Normal', mu: 300, sigma: 50 }
    });
    const inside = await edit();
    const sigma = inside.getByLabelText('sigma');
    fireEvent.change(sigma, { target: { value: '' } });
    expect(onChange).not.toHaveBeenCalled();
    fireEvent.change(sigma, { target: { value: '5' } });
    expect(last()).toEqual({
      Intercept: { dist: 'Normal', mu: 300, sigma: 50 },
      Days: { dist: 'Normal', mu: 0, sigma: 5 }
    });
    await row().findByText('Normal(0, 5)');
    expect(row().getByText('Yours')).toBeTruthy();
  });

  it('asks the server once typing rests, and not for what was overtaken', async () => {
    const { client } = await mount();
    const asked = vi.spyOn(client, 'priors');
    const inside = await edit();
    const sigma = inside.getByLabelText('sigma');
    for (const value of ['1', '12', '120']) {
      fireEvent.change(sigma, { target: { value } });
    }
    await row().findByText('Normal(0, 120)');
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('keeps the last picture beside what is wrong with a number', async () => {
    const { last } = await mount();
    const inside = await edit();
    fireEvent.change(inside.getByLabelText('sigma'), {
      target: { value: '-1' }
    });
    const alert = await screen.findByText('sigma = -1 must be above 0.');
    expect(alert).toBeTruthy();
    expect(row().getByText('Normal(0, 49)')).toBeTruthy();
    expect(inside.getByLabelText<HTMLInputElement>('sigma').value).toBe('-1');
    expect(last()?.Days).toMatchObject({ sigma: -1 });
  });

  it('keeps its range when the distribution changes', async () => {
    const { client, last } = await mount();
    const elicit = vi.spyOn(client, 'elicit');
    const inside = await edit();
    await userEvent.selectOptions(
      inside.getByLabelText('Distribution'),
      'StudentT'
    );
    await waitFor(() => expect(last()?.Days?.dist).toBe('StudentT'));
    expect(elicit.mock.lastCall?.[2]).toMatchObject({
      how: 'range',
      mass: 0.95,
      dist: 'StudentT'
    });
  });

  it('waits for all numbers of a distribution that no range can be found for', async () => {
    const { client, onChange, last } = await mount();
    client.failures.set('elicit', new WorkbenchError({ message: 'No such.' }));
    const inside = await edit();
    await userEvent.selectOptions(
      inside.getByLabelText('Distribution'),
      'StudentT'
    );
    await inside.findByText('No such.');
    await userEvent.type(inside.getByLabelText('nu'), '3');
    await userEvent.type(inside.getByLabelText('mu'), '0');
    expect(onChange).not.toHaveBeenCalled();
    await userEvent.type(inside.getByLabelText('sigma'), '2');
    expect(last()?.Days).toEqual({ dist: 'StudentT', nu: 3, mu: 0, sigma: 2 });
  });

  it('goes back to its default, and every change can be taken back', async () => {
    const { last } = await mount({
      Days: { dist: 'Normal', mu: 0, sigma: 7 }
    });
    const inside = await edit();
    await userEvent.click(inside.getByText('Back to the default'));
    expect(last()).toEqual({});
    await userEvent.click(screen.getByText('Undo the last change'));
    expect(last()).toEqual({ Days: { dist: 'Normal', mu: 0, sigma: 7 } });
    expect(screen.queryByText('Undo the last change')).toBeNull();
  });

  it('undoes the strokes of one number together', async () => {
    const { last } = await mount();
    const inside = await edit();
    const sigma = inside.getByLabelText('sigma');
    fireEvent.change(sigma, { target: { value: '5' } });
    fireEvent.change(sigma, { target: { value: '55' } });
    await userEvent.click(screen.getByText('Undo the last change'));
    expect(last()).toEqual({});
    expect(inside.getByLabelText<HTMLInputElement>('sigma').value).toBe('49');
  });

  it('opens and is edited with the keyboard', async () => {
    const { last } = await mount();
    screen.getByText('Change per day').closest('button')!.focus();
    await userEvent.keyboard('{Enter}');
    await userEvent.tab();
    expect(document.activeElement).toBe(screen.getByLabelText('Distribution'));
    await userEvent.tab();
    await userEvent.keyboard('2');
    expect(last()?.Days).toEqual({ dist: 'Normal', mu: 2, sigma: 49 });
  });
});

describe('numbers of one’s own', () => {
  it('make a prior of a range', async () => {
    const { last } = await mount();
    const inside = await ownNumbers();
    const use = inside.getByText('Use this answer');
    expect(use).toHaveProperty('disabled', true);
    await userEvent.type(inside.getByLabelText('between'), '20');
    await userEvent.type(inside.getByLabelText('and'), '-20');
    expect(inside.getByText(/must be the lower one/)).toBeTruthy();
    await userEvent.clear(inside.getByLabelText('between'));
    await userEvent.type(inside.getByLabelText('between'), '-40');
    await userEvent.click(use);
    await inside.findByText('So be it: Normal.');
    expect(last()?.Days).toMatchObject({ dist: 'Normal', mu: -30 });
  });

  it('make a prior of thresholds', async () => {
    const { client } = await mount();
    const elicit = vi.spyOn(client, 'elicit');
    const inside = await ownNumbers();
    await userEvent.click(inside.getByLabelText('As thresholds'));
    await userEvent.type(inside.getByLabelText('1 of 10 are below'), '0');
    await userEvent.type(inside.getByLabelText('Half are below'), '10');
    await userEvent.selectOptions(inside.getByLabelText('Shape'), 'Normal');
    await userEvent.click(inside.getByText('Use this answer'));
    await inside.findByText('So be it: Normal.');
    expect(elicit.mock.lastCall?.slice(1)).toEqual([
      'Days',
      { how: 'quantiles', quantiles: { 0.1: 0, 0.5: 10 }, dist: 'Normal' }
    ]);
  });

  it('make a prior of a drawing', async () => {
    const { client } = await mount();
    const elicit = vi.spyOn(client, 'elicit');
    const inside = await ownNumbers();
    await userEvent.click(inside.getByLabelText('As a drawing'));
    fireEvent.change(inside.getByLabelText('from'), { target: { value: '0' } });
    fireEvent.change(inside.getByLabelText('to'), { target: { value: '10' } });
    inside.getByRole('slider', { name: 'between 0 and 1' }).focus();
    await userEvent.keyboard('{ArrowUp}{ArrowUp}{ArrowRight}{ArrowUp}');
    await userEvent.click(inside.getByText('Use this answer'));
    await inside.findByText('So be it: Normal.');
    expect(elicit.mock.lastCall?.[2]).toMatchObject({
      how: 'drawing',
      edges: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      chips: [2, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    });
  });

  it('join the answers of several people', async () => {
    const { client } = await mount();
    const elicit = vi.spyOn(client, 'elicit');
    const inside = await ownNumbers();
    await userEvent.click(inside.getByText('Add another person’s answer'));
    const answers = () => inside.getAllByRole('group', { name: /Answer/ });
    for (const [at, group] of answers().entries()) {
      const form = within(group);
      fireEvent.change(form.getByLabelText('between'), {
        target: { value: `${at}` }
      });
      fireEvent.change(form.getByLabelText('and'), {
        target: { value: `${at + 10}` }
      });
    }
    await userEvent.click(inside.getByText('Use these answers'));
    await inside.findByText('The experts disagree.');
    const answer = elicit.mock.lastCall?.[2];
    expect(answer).toMatchObject({
      how: 'experts',
      answers: [{ low: 0 }, { low: 1 }]
    });
    await userEvent.click(inside.getAllByText('Remove this answer')[0]!);
    expect(inside.getByLabelText<HTMLInputElement>('between').value).toBe('1');
  });

  it('say which outcomes are likely, and move all priors', async () => {
    const { client, last } = await mount();
    const elicit = vi.spyOn(client, 'elicit');
    await userEvent.click(screen.getByText('Say which outcomes are likely'));
    const inside = within(
      screen.getByText('Say which outcomes are likely').closest('details')!
    );
    expect(await inside.findByText(/values of Reaction/)).toBeTruthy();
    await userEvent.type(inside.getByLabelText('between'), '100');
    await userEvent.type(inside.getByLabelText('and'), '500');
    await userEvent.click(inside.getByText('Move all priors'));
    await inside.findByText('So be it: Normal.');
    expect(elicit.mock.lastCall?.[1]).toBe('');
    expect(Object.keys(last()!)).toEqual(['Intercept', 'Days']);
    await userEvent.click(screen.getByText('Undo the last change'));
    expect(last()).toEqual({});
    expect(inside.queryByText('So be it: Normal.')).toBeNull();
  });

  it('come from an earlier run that has passed', async () => {
    const client = new FakeWorkbench();
    await client.startRun('old.ipynb');
    await client.startRun('broken.ipynb');
    client.finish('1', 'passed', '');
    const { last } = await mount({}, client);
    const title = 'Begin with what an earlier run has found';
    await userEvent.click(screen.getByText(title));
    await userEvent.click(await screen.findByText('Show earlier runs'));
    const runs = await screen.findByLabelText('Run');
    expect(within(runs).queryByText(/broken/)).toBeNull();
    await userEvent.selectOptions(runs, 'old #1');
    await userEvent.click(screen.getByText('Take its answer as priors'));
    await waitFor(() => expect(last()?.Days).toMatchObject({ mu: 300 }));
  });

  it('leave alone what was edited while they were worked out', async () => {
    const client = new FakeWorkbench();
    let answer = () => {};
    const waiting = new Promise<void>(resolve => (answer = resolve));
    const original = FakeWorkbench.prototype.elicit.bind(client);
    vi.spyOn(client, 'elicit').mockImplementation(async (...args) => {
      await waiting;
      return original(...args);
    });
    const { last } = await mount({}, client);
    const inside = await ownNumbers();
    await userEvent.type(inside.getByLabelText('between'), '0');
    await userEvent.type(inside.getByLabelText('and'), '10');
    await userEvent.click(inside.getByText('Use this answer'));
    const other = await edit('Average of Reaction');
    fireEvent.change(other.getByLabelText('sigma'), { target: { value: '9' } });
    await act(async () => answer());
    expect(last()).toMatchObject({ Intercept: { sigma: 9 }, Days: { mu: 5 } });
  });

  it('are not offered from runs where there is no record of them', async () => {
    const fake = new FakeWorkbench();
    const client: PriorClient = {
      priors: analysis => fake.priors(analysis),
      priorPrediction: analysis => fake.priorPrediction(analysis),
      elicit: (analysis, name, answer) => fake.elicit(analysis, name, answer)
    };
    render(<Editor client={client} start={{}} onChange={() => undefined} />);
    await screen.findByText('Change per day');
    expect(screen.queryByText(/an earlier run/)).toBeNull();
  });

  it('must make sense before they are sent', () => {
    const draft = beginning({ low: -1, high: 1 } as never);
    const drawing = { ...draft, how: 'drawing' as const };
    expect(read(draft)).toBe('Give both numbers.');
    expect(read({ ...draft, how: 'quantiles' })).toContain('at least two');
    expect(
      read({ ...draft, how: 'quantiles', quantiles: { 0.1: '3', 0.9: '2' } })
    ).toContain('above the one before');
    expect(read(drawing)).toContain('at least 3 chips');
    expect(read({ ...drawing, to: '-2' })).toContain('from where to where');
    expect(read({ ...drawing, chips: [1, 2] })).toMatchObject({
      edges: [-1, 0, 1]
    });
  });
});

describe('the drawing', () => {
  function mountDrawing(start: number[]) {
    const onChange = vi.fn();
    function Held() {
      const [chips, setChips] = useState(start);
      const edges = [...chips.map((_, at) => at), chips.length];
      const change = (next: number[]) => {
        setChips(next);
        onChange(next);
      };
      return <Drawing edges={edges} chips={chips} onChange={change} />;
    }
    render(<Held />);
    return () => onChange.mock.lastCall?.[0];
  }
  const bin = (at: number) => screen.getAllByRole('slider')[at]!;

  it('stacks chips up to where one clicks, and takes the topmost away', () => {
    const last = mountDrawing([0, 0, 0]);
    const place = (count: number) =>
      bin(1).querySelector(`[data-place="${count}"]`)!;
    fireEvent.click(place(4));
    expect(last()).toEqual([0, 4, 0]);
    fireEvent.click(place(4));
    expect(last()).toEqual([0, 3, 0]);
    fireEvent.click(bin(2));
    expect(last()).toEqual([0, 3, 1]);
  });

  it('is one stop of the keyboard, and stays within its bounds', async () => {
    const last = mountDrawing([0, 10]);
    expect(bin(0).tabIndex).toBe(0);
    expect(bin(1).tabIndex).toBe(-1);
    bin(0).focus();
    await userEvent.keyboard('{ArrowDown}');
    expect(last()).toEqual([0, 10]);
    await userEvent.keyboard('{ArrowRight}{ArrowRight}{ArrowUp}');
    expect(document.activeElement).toBe(bin(1));
    expect(last()).toEqual([0, 10]);
    await userEvent.keyboard('{Home}');
    expect(last()).toEqual([0, 0]);
    expect(bin(1).getAttribute('aria-valuetext')).toBe('0 chips');
  });
});

describe('what the model expects', () => {
  it('is drawn with its data and said in words, and follows each change', async () => {
    await mount();
    await screen.findByText(/between 67 and 531 ms/);
    expect(
      screen.getByRole('img', { name: /Expected Reaction: 90% between 67/ })
    ).toBeTruthy();
    expect(screen.getByText('your data')).toBeTruthy();
    expect(screen.getByText('plausible')).toBeTruthy();
    const inside = await edit('Average of Reaction');
    fireEvent.change(inside.getByLabelText('sigma'), {
      target: { value: '10' }
    });
    expect(screen.getByText('Simulating data from the priors…')).toBeTruthy();
    expect(screen.getByText(/between 67 and 531 ms/)).toBeTruthy();
    await screen.findByText(/between 283 and 315 ms/);
    expect(screen.queryByText('Simulating data from the priors…')).toBeNull();
  });

  it('lets one type on while it is being worked out, and asks only once more', async () => {
    const client = new FakeWorkbench();
    const slow = vi.spyOn(client, 'priorPrediction');
    const original = FakeWorkbench.prototype.priorPrediction.bind(client);
    slow.mockImplementation(async analysis => {
      await new Promise(resolve => setTimeout(resolve, 700));
      return original(analysis);
    });
    await mount({}, client);
    const inside = await edit('Average of Reaction');
    const sigma = inside.getByLabelText<HTMLInputElement>('sigma');
    for (const value of ['1', '10', '100']) {
      fireEvent.change(sigma, { target: { value } });
      await act(() => new Promise(resolve => setTimeout(resolve, 260)));
    }
    expect(sigma.value).toBe('100');
    await screen.findByText(/between 135 and 464 ms/, {}, { timeout: 3000 });
    expect(slow.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it('keeps its last picture when it fails', async () => {
    const value = await new FakeWorkbench().priorPrediction(SLEEP_ANALYSIS);
    const error = new WorkbenchError({ message: 'Too wide.' });
    render(
      <Expectation
        latest={{ value: { ...value, plausible: [] }, busy: false, error }}
      />
    );
    expect(screen.getByRole('img')).toBeTruthy();
    expect(screen.queryByText('plausible')).toBeNull();
    expect(screen.getByRole('alert').textContent).toContain('Too wide.');
  });
});
