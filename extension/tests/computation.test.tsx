import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { sleepCells } from '../src/api/fake';
import { Cell } from '../src/api/port';
import { mount } from './opened';

/** A notebook whose fit is done, with its fold opened. */
async function opened(): Promise<Awaited<ReturnType<typeof mount>>> {
  const cells: Cell[] = sleepCells(5);
  cells[0]!.source += '\nsampler = "nutpie"\ndraws = 1000\ntune = 1000';
  cells[0]!.source += '\nchains = 4\ntarget_accept = 0.9';
  const actions = await mount(cells);
  await userEvent.click(screen.getByRole('button', { name: /^Fit / }));
  await userEvent.click(screen.getByText('Change how it is computed'));
  await screen.findByLabelText('Sampler');
  return actions;
}

const put = () =>
  screen.getByText<HTMLButtonElement>('Put this into the notebook');
const type = async (label: string, text: string) => {
  const field = screen.getByLabelText(label);
  await userEvent.clear(field);
  if (text) {
    await userEvent.type(field, text);
  }
};

it('offers every sampler in plain words, and says which are approximations or not installed', async () => {
  await opened();
  const options = screen.getAllByRole<HTMLOptionElement>('option');
  expect(options.map(one => one.textContent)).toEqual([
    'NUTS by nutpie',
    'NUTS by BlackJAX (not installed: blackjax, jax)',
    'Pathfinder (approximation)'
  ]);
  expect(options.map(one => one.disabled)).toEqual([false, true, false]);
  expect(screen.getByText(/^The usual choice/)).toBeTruthy();
  expect(put().disabled).toBe(true);
});

it('puts the chosen sampler into the notebook, and warns of an approximation', async () => {
  const actions = await opened();
  await userEvent.selectOptions(screen.getByLabelText('Sampler'), 'pathfinder');
  expect(screen.getByText(/This is an approximation/)).toBeTruthy();
  await userEvent.click(put());
  expect(actions.calls).toEqual([['applyRemedy', 'Computed otherwise', 'fit']]);
  expect(actions.changes).toEqual([{ sampler: 'pathfinder' }]);
});

it('changes nothing but what was changed, and waits for whole numbers', async () => {
  const actions = await opened();
  await type('Draws kept per chain', '2000');
  await type('Chains', '');
  expect(put().disabled).toBe(true);
  await type('Chains', '4');
  await userEvent.click(put());
  expect(actions.changes).toEqual([{ draws: 2000 }]);
});
