import { render } from '@testing-library/react';

import { FAILED_SAMPLING } from '../src/api/fake';
import { StepView, Waiver } from '../src/api/port';
import { Mark } from '../src/components/Badge';
import { stepTone, stepWord } from '../src/components/steps';

const STEP: StepView = {
  step: 'sampling',
  title: 'Did the computation work?',
  explanation: '',
  phase: 'Checks',
  needs: [],
  cells: [],
  state: 'todo',
  stale: false,
  edited: false,
  verdict: null
};
const WAIVER: Waiver = { step: 'sampling', by: 'A', reason: 'b', when: '' };

const STATES: [string, Partial<StepView>, boolean][] = [
  ['To do', {}, false],
  ['Running', {}, true],
  ['Passed', { state: 'passed' }, false],
  ['Warned', { state: 'warned' }, false],
  ['Failed', { state: 'failed' }, false],
  [
    'Let pass',
    { state: 'failed', verdict: { ...FAILED_SAMPLING, waived: WAIVER } },
    false
  ],
  ['Out of date', { state: 'passed', stale: true }, false],
  ['Done', { state: 'info' }, false]
];

it.each(STATES)('says “%s” in a word', (word, more, running) => {
  expect(stepWord({ ...STEP, ...more }, running)).toBe(word);
});

it('draws every state in a shape of its own, so that none is told by colour alone', () => {
  const shapes = STATES.map(([, more, running]) => {
    const tone = stepTone({ ...STEP, ...more }, running);
    const { container } = render(<Mark tone={tone} />);
    return container.querySelector('path')!.getAttribute('d');
  });
  expect(new Set(shapes).size).toBe(STATES.length);
});
