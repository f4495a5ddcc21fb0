import { RunEvent, RunStatus, Sampling } from '../api/port';
import { duration } from './duration';

/** A round that an autopilot began, and how it ended, once it has. */
export interface FollowedRound {
  id: string;
  label: string;
  why: string;
  status: RunStatus;
}

/** What the events of a run have told so far. */
export interface Following {
  /** Where it is, such as “step 3 of 18”; empty before the first. */
  step: string;
  /** What it waits for, in words; empty while it works. */
  waiting: string;
  paused: boolean;
  sampling: Sampling | null;
  /** How many steps were taken over from earlier, because nothing had changed. */
  cached: number;
  rounds: FollowedRound[];
}

export const BEGUN: Following = {
  step: '',
  waiting: '',
  paused: false,
  sampling: null,
  cached: 0,
  rounds: []
};

export function follow(following: Following, event: RunEvent): Following {
  switch (event.type) {
    case 'queued':
      return { ...following, waiting: 'Waiting for its turn.' };
    case 'claimed':
      return { ...following, waiting: '' };
    case 'paused':
      return { ...following, paused: true };
    case 'continued':
      return { ...following, paused: false };
    case 'retry':
      return { ...following, step: '', sampling: null, waiting: retry(event) };
    case 'sampling':
      return { ...following, waiting: '', sampling: event };
    case 'round':
      return {
        ...following,
        step: '',
        sampling: null,
        cached: 0,
        rounds: [...following.rounds, begun(event)]
      };
    case 'lineage':
      return {
        ...following,
        rounds: following.rounds.map(round =>
          round.id === event.id ? { ...round, status: event.status } : round
        )
      };
    case 'step': {
      const step = `step ${event.index} of ${event.count}`;
      if (event.state === 'cached') {
        const cached = following.cached + 1;
        return { ...following, step, waiting: '', cached };
      }
      return event.state === 'started'
        ? { ...following, step, waiting: '', sampling: null }
        : following;
    }
    default:
      return following;
  }
}

function retry(event: {
  attempt: number;
  seconds: number;
  message: string;
}): string {
  const { attempt, seconds, message } = event;
  return `${message} Attempt ${attempt} begins in ${duration(seconds)}.`;
}

function begun(round: {
  id: string;
  label: string;
  why: string;
}): FollowedRound {
  const { id, label, why } = round;
  return { id, label, why, status: 'running' };
}
