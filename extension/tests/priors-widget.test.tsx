import { act, fireEvent, screen, waitFor } from '@testing-library/react';

import { FakeWorkbench, SLEEP_ANALYSIS } from '../src/api/fake';
import {
  Analysis,
  Answer,
  PriorChoices,
  WorkbenchError
} from '../src/api/port';
import { AskingModel } from '../src/widgets/anymodel';
import { CommPriors } from '../src/widgets/comm';
import widget from '../src/widgets/priors';

interface Question {
  id: number;
  verb: string;
  priors: PriorChoices;
  name: string;
  answer: Answer;
}

/** The Python side: traits, and answers from the fake workbench. */
class FakeKernel implements AskingModel {
  readonly fake = new FakeWorkbench();
  readonly asked: Question[] = [];
  readonly saved: unknown[] = [];
  private readonly listeners = new Map<
    string,
    Set<(content?: unknown) => void>
  >();

  constructor(
    private readonly traits: Record<string, unknown>,
    private readonly silent = false
  ) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  set(name: string, value: unknown): void {
    this.traits[name] = value;
  }

  save_changes(): void {
    this.saved.push(this.traits.priors);
  }

  send(content: unknown): void {
    const question = content as Question;
    this.asked.push(question);
    if (!this.silent) {
      void this.reply(question);
    }
  }

  on(event: string, listener: (content?: unknown) => void): void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(listener));
  }

  off(event: string, listener: (content?: unknown) => void): void {
    this.listeners.get(event)?.delete(listener);
  }

  emit(event: string, content?: unknown): void {
    this.listeners.get(event)?.forEach(listener => listener(content));
  }

  private async reply(question: Question): Promise<void> {
    const { id } = question;
    try {
      const result = await this.answer(question);
      act(() => this.emit('msg:custom', { id, result }));
    } catch (reason) {
      const { type, message, where, remedy } = reason as WorkbenchError;
      const error = { type, message, where, remedy };
      act(() => this.emit('msg:custom', { id, error }));
    }
  }

  private answer({ verb, priors, name, answer }: Question): Promise<unknown> {
    const analysis: Analysis = { ...SLEEP_ANALYSIS, priors };
    if (verb === 'elicit') {
      return this.fake.elicit(analysis, name, answer);
    }
    return verb === 'priors'
      ? this.fake.priors(analysis)
      : this.fake.priorPrediction(analysis);
  }
}

async function mount() {
  const model = new FakeKernel({ analysis: SLEEP_ANALYSIS, priors: {} });
  const el = document.createElement('div');
  document.body.append(el);
  let unmount = () => {};
  act(() => {
    unmount = widget.render({ model, el });
  });
  await screen.findByText('Change per day');
  return {
    model,
    done: () => {
      act(unmount);
      el.remove();
    }
  };
}

it('edits the priors of a kernel', async () => {
  const { model, done } = await mount();
  fireEvent.click(screen.getByText('Change per day'));
  fireEvent.change(screen.getByLabelText('sigma'), { target: { value: '5' } });
  const priors = { Days: { dist: 'Normal', mu: 0, sigma: 5 } };
  expect(model.saved.at(-1)).toEqual(priors);
  await screen.findByText('Normal(0, 5)');
  expect(model.asked.at(-1)).toMatchObject({ priors });
  await screen.findByText(/9 of 10 values are expected/);
  done();
});

it('follows priors set by Python', async () => {
  const { model, done } = await mount();
  model.set('priors', { Days: { dist: 'Normal', mu: 0, sigma: 3 } });
  act(() => model.emit('change:priors'));
  await screen.findByText('Normal(0, 3)');
  done();
});

it('tells what Python refuses', async () => {
  const { model, done } = await mount();
  model.fake.failures.set(
    'priors',
    new WorkbenchError({ message: 'Not so.', remedy: 'Do otherwise.' })
  );
  fireEvent.click(screen.getByText('Change per day'));
  fireEvent.change(screen.getByLabelText('mu'), { target: { value: '5' } });
  const alert = await screen.findByText('Not so.');
  expect(alert.closest('[role=alert]')!.textContent).toContain('Do otherwise.');
  done();
});

it('offers no runs, of which a kernel has no record', async () => {
  const { done } = await mount();
  expect(screen.queryByText(/earlier run/)).toBeNull();
  done();
});

it('does not wait for ever for a kernel that is gone', async () => {
  const model = new FakeKernel({ analysis: {}, priors: {} }, true);
  const client = new CommPriors(model, 10);
  await expect(client.priors({ data: '' })).rejects.toMatchObject({
    message: 'The kernel does not answer.'
  });
  model.emit('msg:custom', { id: 1, result: {} });
  const second = client.elicit({ data: '' }, 'Days', { how: 'run', run: '1' });
  await waitFor(() => expect(model.asked).toHaveLength(2));
  expect(model.asked[1]).toMatchObject({ id: 2, verb: 'elicit', name: 'Days' });
  model.emit('msg:custom', { id: 2, result: { sentence: 'Yes.' } });
  expect(await second).toEqual({ sentence: 'Yes.' });
  client.dispose();
});
