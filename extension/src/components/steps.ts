import { RunStatus, Status, StepView } from '../api/port';
import { Tone } from './Badge';

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
  todo: 'To do',
  passed: 'Passed',
  warned: 'Warned',
  failed: 'Failed',
  info: 'Done'
};

const STEP_TONES: Record<StepView['state'], Tone> = {
  todo: 'idle',
  passed: 'pass',
  warned: 'warn',
  failed: 'fail',
  info: 'info'
};

export function stepWord(step: StepView, running: boolean): string {
  if (running) {
    return 'Running';
  }
  if (step.stale && step.state !== 'todo') {
    return 'Out of date';
  }
  return isWaived(step) ? 'Let pass' : STEP_WORDS[step.state];
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
  pass: 'Passed',
  warn: 'Warned',
  fail: 'Failed',
  info: 'For information'
};

/** A verdict's word; a failure that somebody lets pass is said to be that. */
export function verdictWord(status: Status, waived: boolean): string {
  return waived ? 'Failed, but waived' : STATUS_WORDS[status];
}

export function verdictTone(status: Status, waived: boolean): Tone {
  return waived ? 'waived' : status;
}

export const RUN_WORDS: Record<RunStatus, string> = {
  queued: 'Waiting its turn',
  running: 'Running',
  passed: 'Passed',
  warned: 'Passed with warnings',
  failed: 'A check failed',
  stopped: 'Stopped',
  cancelled: 'Cancelled',
  error: 'Crashed'
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
