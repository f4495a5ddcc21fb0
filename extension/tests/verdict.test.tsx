import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { FAILED_SAMPLING } from '../src/api/fake';
import { Verdict } from '../src/api/port';
import {
  isVerdict,
  VerdictOutput
} from '../src/components/workflow/VerdictOutput';

const WAIVED: Verdict = {
  ...FAILED_SAMPLING,
  waived: {
    step: 'sampling',
    by: 'Ada',
    reason: 'A pilot only.',
    when: '2026-11-20T10:00:00'
  }
};

function show(
  verdict: Verdict,
  more: Partial<Parameters<typeof VerdictOutput>[0]> = {}
) {
  render(
    <VerdictOutput
      verdict={verdict}
      picture=""
      stale={false}
      change={null}
      actions={null}
      {...more}
    />
  );
}

it('reads as a card where nothing can be done: remedies are told, with what they change', () => {
  show(FAILED_SAMPLING);
  const card = screen.getByRole('article', { name: FAILED_SAMPLING.title });
  expect(card.textContent).toContain('Failed');
  expect(card.textContent).toContain('draws = 2000, tune = 2000');
  expect(card.textContent).toContain('R-hat, largest');
  expect(within(card).queryByRole('button')).toBeNull();
});

it('says who let a failure pass, and takes that back only where it can', () => {
  show(WAIVED);
  expect(screen.getByRole('article').textContent).toContain(
    'Failed, but waived'
  );
  screen.getByText(/Let pass by Ada/);
  expect(screen.queryByRole('button')).toBeNull();
});

it('tries a remedy where its notebook is open', async () => {
  const onRemedy = vi.fn();
  const actions = { busy: false, by: '', onRemedy, onWaive: vi.fn() };
  show(FAILED_SAMPLING, { actions });
  const [first] = FAILED_SAMPLING.remedies;
  await userEvent.click(screen.getByRole('button', { name: first!.label }));
  expect(onRemedy).toHaveBeenCalledWith(first);
});

it('says that it is out of date, and what it said before', () => {
  show(FAILED_SAMPLING, { stale: true });
  const card = screen.getByRole('article');
  expect(card.querySelector('header')!.textContent).toContain('Out of date');
  expect(card.textContent).toContain('before that it said “Failed”');
});

it('shows the picture with its text alternative, and what was measured', async () => {
  const details = {
    equation: 'y \\sim \\mathrm{Normal}(\\mu, \\sigma)',
    answer: 'It grows.',
    'Every row': ['Row 1 was dropped.'],
    Levels: [{ rows: 3, level: '<b>a</b>' }]
  };
  const order = [['answer'], ['Levels', 'level', 'rows'], ['gone']];
  show(
    { ...FAILED_SAMPLING, alt: 'Four chains.', details, order },
    { picture: 'aGk=' }
  );
  const picture = screen.getByRole('img', { name: 'Four chains.' });
  expect(picture.getAttribute('src')).toBe('data:image/png;base64,aGk=');
  expect(document.querySelector('math')).not.toBeNull();
  screen.getByText('It grows.');
  // What came from a table is text, whatever it looks like.
  screen.getByRole('cell', { name: '<b>a</b>' });
  const heads = screen.getAllByRole('columnheader');
  expect(heads.map(head => head.textContent)).toEqual(['level', 'rows']);
  await userEvent.click(screen.getByText('Every row'));
  await screen.findByText('Row 1 was dropped.');
});

it.each([
  ['nothing', null],
  ['another version', { ...FAILED_SAMPLING, version: 2 }],
  ['no sentence', { ...FAILED_SAMPLING, sentence: undefined }],
  ['findings that are none', { ...FAILED_SAMPLING, findings: [null] }],
  ['an unknown status', { ...FAILED_SAMPLING, status: 'fine' }]
])('does not take %s for a verdict', (_, value) => {
  expect(isVerdict(value)).toBe(false);
  expect(isVerdict(FAILED_SAMPLING)).toBe(true);
});
