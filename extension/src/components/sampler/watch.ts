import { useEffect, useReducer, useRef } from 'react';

import { followRun } from '../../api/follow';
import { RunEvent, Sampling, WorkbenchClient } from '../../api/port';
import { BEGUN, follow, Following } from '../following';

const KEPT = 240;

/** What the events of a run have told about its sampling. */
export interface Watched {
  following: Following;
  /** The latest reports, oldest first; of one stretch of sampling, also after it has ended. */
  history: Sampling[];
}

const NOTHING: Watched = { following: BEGUN, history: [] };

export function watch(before: Watched, event: RunEvent | null): Watched {
  if (event === null) {
    return NOTHING;
  }
  const following = follow(before.following, event);
  if (event.type !== 'sampling') {
    return { ...before, following };
  }
  const isNew = (before.history.at(-1)?.finished ?? 0) > event.finished;
  const earlier = isNew ? [] : before.history.slice(1 - KEPT);
  return { following, history: [...earlier, event] };
}

/** Follow a run as long as somebody looks; `onEnd` is told when it has ended. */
export function useWatched(
  client: WorkbenchClient,
  id: string,
  visible: boolean,
  onEnd: () => void
): Watched {
  const [watched, take] = useReducer(watch, NOTHING);
  const ended = useRef(onEnd);
  useEffect(() => {
    ended.current = onEnd;
  });
  useEffect(() => {
    if (!visible) {
      return;
    }
    const abort = new AbortController();
    take(null);
    followRun(client, id, take, abort.signal)
      .catch(reason => console.warn('The run cannot be followed.', reason))
      .finally(() => !abort.signal.aborted && ended.current());
    return () => abort.abort();
  }, [client, id, visible]);
  return watched;
}
