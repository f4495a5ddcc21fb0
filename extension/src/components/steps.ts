import { RunStatus, Status, StepView } from '../api/port';
import { Tone } from './Badge';
import { marked } from './words';

export function isDone(step: StepView): boolean {
  return step.state !== 'todo' && !step.stale;
}

/** The first step that has not been done, or is out of date. */
export function nextStep(steps: StepView[]): StepView | undefined {
  return steps.find(step => !isDone(step));
}

/** The first step whose check failed, that nobody lets pass, and that nothing has changed since. */
export function failedStep(steps: StepView[]): StepView | undefined {
  return steps.find(
    step => step.state === 'failed' && !step.stale && !isWaived(step)
  );
}

function isWaived({ state, verdict }: StepView): boolean {
  return state === 'failed' && verdict?.waived != null;
}

const STEP_WORDS: Record<StepView['state'], string> = {
  todo: marked('To do'),
  passed: marked('Passed'),
  warned: marked('Warned'),
  failed: marked('Failed'),
  info: marked('Done')
};

const STEP_TONES: Record<StepView['state'], Tone> = {
  todo: 'idle',
  passed: 'pass',
  warned: 'warn',
  failed: 'fail',
  info: 'info'
};

/** In English; it is translated where it is shown. */
export function stepWord(step: StepView, running: boolean): string {
  if (running) {
    return marked('Running');
  }
  if (step.stale && step.state !== 'todo') {
    return marked('Out of date');
  }
  return isWaived(step) ? marked('Let pass') : STEP_WORDS[step.state];
}

export function stepTone(step: StepView, running: boolean): Tone {
  if (running) {
    return 'busy';
  }
  if (step.stale && step.state !== 'todo') {
    return 'stale';
  }
  return isWaived(step) ? 'waived' : STEP_TONES[step.state];
}

export const STATUS_WORDS: Record<Status, string> = {
  pass: marked('Passed'),
  warn: marked('Warned'),
  fail: marked('Failed'),
  info: marked('For information')
};

/** A verdict's word; a failure that somebody lets pass is said to be that. */
export function verdictWord(status: Status, waived: boolean): string {
  return waived ? marked('Failed, but waived') : STATUS_WORDS[status];
}

export function verdictTone(status: Status, waived: boolean): Tone {
  return waived ? 'waived' : status;
}

export const RUN_WORDS: Record<RunStatus, string> = {
  queued: marked('Waiting its turn'),
  running: marked('Running'),
  passed: marked('Passed'),
  warned: marked('Passed with warnings'),
  failed: marked('A check failed'),
  stopped: marked('Stopped'),
  cancelled: marked('Cancelled'),
  error: marked('Crashed')
};

export const RUN_TONES: Record<RunStatus, Tone> = {
  queued: 'idle',
  running: 'busy',
  passed: 'pass',
  warned: 'warn',
  failed: 'fail',
  stopped: 'idle',
  cancelled: 'idle',
  error: 'fail'
};
