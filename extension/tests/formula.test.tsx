import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';

import { FakeWorkbench, SLEEP_ANALYSIS } from '../src/api/fake';
import { Analysis, Changes } from '../src/api/port';
import { inWords } from '../src/components/models/changes';
import { Equation } from '../src/components/models/Equation';
import { FormulaEditor } from '../src/components/models/FormulaEditor';
import { layersOf } from '../src/components/models/Graph';

async function mount(formula: string | string[] = '') {
  const client = new FakeWorkbench();
  const onChange = vi.fn<(changes: Changes) => void>();
  function Held() {
    const [analysis, setAnalysis] = useState<Analysis>({
      ...SLEEP_ANALYSIS,
      formula
    });
    return (
      <FormulaEditor
        client={client}
        analysis={analysis}
        onChange={changes => {
          setAnalysis({ ...analysis, ...changes });
          onChange(changes);
        }}
      />
    );
  }
  const { container } = render(<Held />);
  await screen.findByText('As an equation');
  return {
    client,
    onChange,
    container,
    last: () => onChange.mock.lastCall?.[0]
  };
}

const field = () => screen.getByLabelText<HTMLInputElement>('Formula');

async function typeAtEnd(text: string) {
  await userEvent.type(field(), text);
}

it('shows one model as formula, equation, picture and code', async () => {
  const { container } = await mount();
  expect(field().value).toBe('Reaction ~ Days');
  expect(container.querySelector('math')?.textContent).toBe('μi=α+βDaysi');
  const picture = screen.getByRole('img');
  expect(picture.getAttribute('aria-label')).toContain(
    'Reaction depends on mu.'
  );
  expect(screen.getByText(/bmb\.Model\("Reaction ~ Days"/)).toBeTruthy();
});

it('refreshes the other views when the formula changes', async () => {
  const { client, last } = await mount();
  const views = vi.spyOn(client, 'views');
  await typeAtEnd(' + Subject');
  await userEvent.keyboard('{Escape}');
  expect(last()).toEqual({ formula: 'Reaction ~ Days + Subject' });
  await screen.findByText(/bmb\.Model\("Reaction ~ Days \+ Subject"/);
  expect(views.mock.calls.length).toBeLessThanOrEqual(3);
});

it('keeps the last picture while a formula cannot be read, and says why', async () => {
  await mount();
  await typeAtEnd(' + log(');
  await screen.findByText('A bracket is not closed.');
  expect(field().getAttribute('aria-invalid')).toBe('true');
  expect(screen.getByText(/bmb\.Model\("Reaction ~ Days"/)).toBeTruthy();
});

it('completes columns and functions with the keyboard', async () => {
  await mount();
  await typeAtEnd(' + s');
  expect(
    screen.getAllByRole('option').map(option => option.textContent)
  ).toEqual(['Subject column', 'scale( function']);
  await userEvent.keyboard('{ArrowDown}{Enter}');
  expect(field().value).toBe('Reaction ~ Days + scale(');
  await typeAtEnd('bo');
  await userEvent.keyboard('{Enter}');
  expect(field().value).toBe('Reaction ~ Days + scale(`body mass`');
  await typeAtEnd(') + (');
  await userEvent.keyboard('{Enter}');
  expect(field().value).toContain(' + (1 | ');
  await typeAtEnd('d');
  expect(screen.getAllByRole('option')).toHaveLength(1);
  await userEvent.keyboard('{Escape}');
  expect(screen.queryAllByRole('option')).toHaveLength(0);
});

it('completes with the mouse', async () => {
  await mount();
  await typeAtEnd(' + ce');
  fireEvent.mouseDown(screen.getByRole('option'));
  expect(field().value).toBe('Reaction ~ Days + center(');
});

it('can be emptied to write anew, and go back to what was proposed', async () => {
  const { last, onChange } = await mount('Reaction ~ 1');
  await userEvent.clear(field());
  expect(field().value).toBe('');
  expect(onChange).not.toHaveBeenCalled();
  await typeAtEnd('y');
  expect(last()).toEqual({ formula: 'y' });
  await userEvent.click(screen.getByText('Back to the proposed formula'));
  expect(last()).toEqual({ formula: '' });
});

it('edits a formula of several parts part by part', async () => {
  const { last } = await mount(['Reaction ~ Days', 'sigma ~ Days']);
  await userEvent.type(screen.getByLabelText('Formula, part 2'), ' + 1');
  expect(last()).toEqual({ formula: ['Reaction ~ Days', 'sigma ~ Days + 1'] });
});

it('reads edited code back into choices, and says them', async () => {
  const { last } = await mount();
  await userEvent.click(screen.getByText('Edit the code'));
  const code = screen.getByLabelText<HTMLTextAreaElement>('As code');
  fireEvent.change(code, {
    target: { value: code.value.replace('Days', 'Days + Subject') }
  });
  await userEvent.click(screen.getByText('Apply'));
  await screen.findByText('The formula becomes Reaction ~ Days + Subject.');
  expect(last()).toEqual({ formula: 'Reaction ~ Days + Subject' });
  await waitFor(() => expect(field().value).toContain('Subject'));
});

it('says why code cannot be read back, and keeps what was typed', async () => {
  const { onChange } = await mount();
  await userEvent.click(screen.getByText('Edit the code'));
  const code = screen.getByLabelText<HTMLTextAreaElement>('As code');
  fireEvent.change(code, { target: { value: 'model = magic()' } });
  await userEvent.click(screen.getByText('Apply'));
  await screen.findByText(/no longer builds a model/);
  expect(code.value).toBe('model = magic()');
  expect(onChange).not.toHaveBeenCalled();
  await userEvent.click(screen.getByText('Leave it as it was'));
  expect(screen.getByText(/bmb\.Model\("Reaction ~ Days"/)).toBeTruthy();
});

it('says changes in words', () => {
  expect(
    inWords({
      priors: { Days: { dist: 'Normal', mu: 0, sigma: 5 } },
      formula: ['a ~ b', 'sigma ~ b'],
      draws: 500
    })
  ).toEqual([
    'The prior of Days becomes Normal(0, 5).',
    'The formula becomes a ~ b; sigma ~ b.',
    'The draws becomes 500.'
  ]);
  expect(inWords({ priors: {} })).toEqual([
    'All priors go back to their defaults.'
  ]);
});

it('lays a graph out in layers, also one that goes round', () => {
  const node = (id: string) => ({ id, label: id, role: 'parameter' as const });
  const ids = (edges: [string, string][]) =>
    layersOf({ nodes: ['y', 'a', 'b'].map(node), edges }).map(layer =>
      layer.map(({ id }) => id)
    );
  expect(
    ids([
      ['a', 'b'],
      ['b', 'y'],
      ['a', 'y']
    ])
  ).toEqual([['a'], ['b'], ['y']]);
  expect(
    ids([
      ['a', 'b'],
      ['y', 'b']
    ])
  ).toEqual([['y', 'a'], ['b']]);
  const many = 'abcdefgh'.split('').map(node);
  const sizes = layersOf({ nodes: many, edges: [] }).map(row => row.length);
  expect(sizes).toEqual([3, 3, 2]);
  expect(ids([]).flat()).toHaveLength(3);
  expect(
    ids([
      ['a', 'b'],
      ['b', 'a']
    ]).flat()
  ).toHaveLength(3);
});

describe('an equation', () => {
  const drawn = (latex: string) =>
    render(<Equation latex={latex} />).container.innerHTML;

  it('is drawn with indices, powers and names', () => {
    const found = drawn(
      String.raw`\mu_i = \alpha + \beta_{\mathrm{body\_mass}}^2 \\ y_i \sim \mathrm{Normal}(\mu_i, \sigma)`
    );
    expect(found).toContain('<msub><mi>μ</mi><mi>i</mi></msub>');
    expect(found).toContain('body_mass');
    expect(found.match(/<math/g)).toHaveLength(2);
  });

  it.each([String.raw`\href{javascript:x}{y}`, '{', '}', 'x_', 'a_b_c'])(
    'is shown as it is when it holds anything unknown: %s',
    latex => {
      expect(drawn(latex)).toContain('<code>');
      expect(drawn(latex)).not.toContain('<math');
    }
  );

  it('shows names of columns as text', () => {
    expect(drawn(String.raw`\mathrm{<script>}_i`)).not.toContain('<script>');
  });
});
