import { act, fireEvent, render, screen } from '@testing-library/react';

import { Picture } from '../src/components/Picture';
import { ticks } from '../src/components/plot';
import { Control, Prediction, WhatIf } from '../src/components/WhatIf';
import { AnyModel } from '../src/widgets/anymodel';
import widget from '../src/widgets/whatif';

const CONTROLS: Control[] = [
  {
    name: 'Days',
    label: 'Days without sleep',
    kind: 'number',
    min: 0,
    max: 9,
    step: 1,
    unit: 'days'
  },
  { name: 'Arm', label: 'Arm', kind: 'category', levels: ['A', 'B'] }
];

const RESULT: Prediction = {
  outcome: 'Reaction',
  unit: 'ms',
  lower: 265,
  median: 304,
  upper: 345,
  ci_prob: 0.89,
  sentence: 'After 5 days, 304 ms are expected.',
  density: { x: [250, 300, 350], y: [0, 1, 0] },
  range: [200, 400]
};

class FakeModel implements AnyModel {
  readonly saved: unknown[] = [];
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(private readonly traits: Record<string, unknown>) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  set(name: string, value: unknown): void {
    this.traits[name] = value;
  }

  save_changes(): void {
    this.saved.push(this.traits.values);
  }

  on(event: string, listener: () => void): void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(listener));
  }

  off(event: string, listener: () => void): void {
    this.listeners.get(event)?.delete(listener);
  }

  /** What Python does: change a trait and say so. */
  push(name: string, value: unknown): void {
    this.traits[name] = value;
    this.listeners.get(`change:${name}`)?.forEach(listener => listener());
  }
}

function mountWidget() {
  const model = new FakeModel({
    controls: CONTROLS,
    values: { Days: 5, Arm: 'A' },
    result: RESULT,
    busy: false,
    error: ''
  });
  const el = document.createElement('div');
  document.body.append(el);
  let unmount = () => {};
  act(() => {
    unmount = widget.render({ model, el });
  });
  return { model, unmount, el };
}

const slider = () => screen.getByLabelText('Days without sleep');

it('hands all values back when one changes', () => {
  const onChange = vi.fn();
  render(
    <WhatIf
      controls={CONTROLS}
      values={{ Days: 5, Arm: 'A' }}
      result={RESULT}
      busy={false}
      error=""
      onChange={onChange}
    />
  );
  fireEvent.input(slider(), { target: { value: '7' } });
  expect(onChange).toHaveBeenLastCalledWith({ Days: 7, Arm: 'A' });
  fireEvent.change(screen.getByLabelText('Arm'), { target: { value: 'B' } });
  expect(onChange).toHaveBeenLastCalledWith({ Days: 5, Arm: 'B' });
});

it('draws the picture with a text alternative', () => {
  render(<Picture prediction={RESULT} />);
  expect(screen.getByRole('img').getAttribute('aria-label')).toBe(
    'Reaction: 304 ms, between 265 and 345'
  );
});

it('extends the axis rather than cutting the picture off', () => {
  const density = { x: [150, 300, 500], y: [0, 1, 0] };
  const { container } = render(
    <Picture prediction={{ ...RESULT, density, upper: 450 }} />
  );
  const path = container.querySelector('.jp-mod-density')!.getAttribute('d')!;
  const places = [...path.matchAll(/[ML]([-\d.]+),/g)].map(found =>
    Number(found[1])
  );
  expect(Math.min(...places)).toBe(12);
  expect(Math.max(...places)).toBe(388);
});

it('puts ticks on round numbers within the range', () => {
  expect(ticks([200, 400])).toEqual([200, 250, 300, 350, 400]);
  expect(ticks([0, 0.3])).toEqual([0, 0.1, 0.2, 0.3]);
  expect(ticks([5, 5])).toEqual([5]);
});

describe('the widget', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('sends the first and the last of many changes', () => {
    const { model, unmount } = mountWidget();
    for (const value of ['6', '7', '8']) {
      fireEvent.input(slider(), { target: { value } });
    }
    act(() => void vi.advanceTimersByTime(500));
    expect(model.saved).toEqual([
      { Days: 6, Arm: 'A' },
      { Days: 8, Arm: 'A' }
    ]);
    unmount();
  });

  it('shows what Python answers, and keeps the last answer beside an error', () => {
    const { model, unmount } = mountWidget();
    act(() =>
      model.push('result', { ...RESULT, sentence: 'Now 350 ms are expected.' })
    );
    act(() => model.push('error', 'The kernel does not answer.'));
    expect(screen.getByText('Now 350 ms are expected.')).toBeTruthy();
    expect(screen.getByRole('alert').textContent).toContain('kernel');
    unmount();
  });

  it('follows values set by Python', () => {
    const { model, unmount } = mountWidget();
    act(() => model.push('values', { Days: 2, Arm: 'B' }));
    expect(slider()).toHaveProperty('value', '2');
    unmount();
  });
});
