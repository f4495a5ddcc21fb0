import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { Tour } from '../src/components/Tour';

function open() {
  const onSample = vi.fn();
  const onClose = vi.fn();
  render(<Tour onSample={onSample} onClose={onClose} />);
  return { onSample, onClose };
}

const button = (name: string) => screen.getByRole('button', { name });

it('goes from stop to stop by keyboard and ends on a sample', async () => {
  const { onSample, onClose } = open();
  await userEvent.tab();
  for (let stop = 1; stop < 5; stop++) {
    screen.getByText(`Tour, ${stop} of 5`);
    button('Go on').focus();
    await userEvent.keyboard('{Enter}');
    // What is new is read out, and the next Tab leads to its buttons.
    expect(document.activeElement).toBe(screen.getByRole('heading'));
  }
  await userEvent.click(button('Back'));
  screen.getByText('Tour, 4 of 5');
  await userEvent.click(button('Go on'));
  expect(onClose).not.toHaveBeenCalled();
  await userEvent.click(button('Try it on a sample'));
  expect(onSample).toHaveBeenCalledOnce();
  expect(onClose).toHaveBeenCalledOnce();
});

it('is skipped with a button or with Escape, and takes no focus by itself', async () => {
  const { onSample, onClose } = open();
  expect(document.activeElement).toBe(document.body);
  await userEvent.click(button('Skip the tour'));
  await userEvent.keyboard('{Escape}');
  expect(onClose).toHaveBeenCalledTimes(2);
  expect(onSample).not.toHaveBeenCalled();
});
