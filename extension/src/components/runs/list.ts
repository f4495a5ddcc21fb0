import { useCallback, useEffect, useRef, useState } from 'react';

import {
  hasEnded,
  Run,
  RunEvent,
  RunPage,
  RunQuery,
  WorkbenchClient,
  WorkbenchError
} from '../../api/port';
import { BEGUN, follow, Following } from '../following';

const LOOK_MS = 1500;
const REFRESH_MS = 15_000;
const WATCHED = 12;

export interface RunList {
  /** The runs that were fetched so far; null before the first. */
  runs: Run[] | null;
  /** Whether there are more than these. */
  more: boolean;
  busy: boolean;
  error: WorkbenchError | null;
  /** Fetch the next page. */
  fetchMore: () => void;
  /** Look again what there is. */
  refresh: () => void;
}

interface Found extends RunPage {
  key: string;
}

/** The runs that fit a query, page by page; looked for anew now and then as long as somebody sees them. */
export function useRunList(
  client: WorkbenchClient,
  query: RunQuery,
  visible = true
): RunList {
  const { text, sort, trash } = query;
  const key = JSON.stringify([text, sort, trash]);
  const [found, setFound] = useState<Found | null>(null);
  const [failed, setFailed] = useState<{
    key: string;
    error: WorkbenchError;
  } | null>(null);
  const latest = useRef(key);
  const fetching = useRef('');
  const fetch = useCallback(
    async (page: string, take: (old: Found | null, page: RunPage) => Found) => {
      try {
        const got = await client.runPage({ text, sort, trash }, page);
        if (latest.current === key) {
          setFound(old => take(old?.key === key ? old : null, got));
          setFailed(null);
        }
      } catch (reason) {
        if (latest.current === key) {
          setFailed({ key, error: WorkbenchError.from(reason) });
        }
      }
    },
    [client, text, sort, trash, key]
  );
  const refresh = useCallback(
    () => void fetch('', (old, page) => ({ key, ...renewed(old, page) })),
    [fetch, key]
  );
  useEffect(() => {
    latest.current = key;
    fetching.current = '';
    if (!visible) {
      return;
    }
    const now = setTimeout(refresh, 0);
    const often = setInterval(refresh, REFRESH_MS);
    return () => {
      clearTimeout(now);
      clearInterval(often);
    };
  }, [refresh, key, visible]);
  const error = failed?.key === key ? failed.error : null;
  const next = found?.key === key ? found.next : '';
  const fetchMore = () => {
    if (next && fetching.current !== next) {
      fetching.current = next;
      void fetch(next, (old, page) => ({
        key,
        ...page,
        runs: unique([...(old?.runs ?? []), ...page.runs])
      })).finally(() => {
        fetching.current = '';
      });
    }
  };
  return {
    runs: found?.runs ?? null,
    more: next !== '',
    busy: found?.key !== key && error === null,
    error,
    fetchMore,
    refresh
  };
}

/** What was fetched before, with the first page as it is now. */
function renewed(old: RunPage | null, first: RunPage): RunPage {
  if (!old || first.next === '' || old.runs.length <= first.runs.length) {
    return first;
  }
  const rest = old.runs.slice(first.runs.length);
  return { runs: unique([...first.runs, ...rest]), next: old.next };
}

function unique(runs: Run[]): Run[] {
  return [...new Map(runs.map(run => [run.id, run])).values()];
}

/** How far the runs that are under way have come, asked for one after the other; `onEnd` is told when one has ended. */
export function useProgress(
  client: WorkbenchClient,
  runs: Run[],
  onEnd: () => void,
  everyMs = LOOK_MS
): ReadonlyMap<string, Following> {
  const [followed, setFollowed] = useState<ReadonlyMap<string, Following>>(
    new Map()
  );
  const ids = runs
    .filter(({ status }) => !hasEnded(status))
    .slice(0, WATCHED)
    .map(({ id }) => id)
    .join(' ');
  const ended = useRef(onEnd);
  const known = useRef(new Map<string, number>());
  useEffect(() => {
    ended.current = onEnd;
  });
  useEffect(() => {
    if (ids === '') {
      return;
    }
    let wanted = true;
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      let over = false;
      for (const id of ids.split(' ')) {
        const since = known.current.get(id) ?? 0;
        const told = await client.events(id, since, 0).catch(() => null);
        if (!wanted) {
          return;
        }
        if (told && told.events.length > 0) {
          known.current.set(id, told.events.at(-1)!.n);
          setFollowed(old => folded(old, id, told.events));
        }
        over ||= told !== null && hasEnded(told.status);
      }
      if (over) {
        ended.current();
      }
      timer = setTimeout(() => void look(), everyMs);
    };
    void look();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [client, ids, everyMs]);
  return followed;
}

function folded(
  old: ReadonlyMap<string, Following>,
  id: string,
  events: RunEvent[]
): ReadonlyMap<string, Following> {
  return new Map(old).set(id, events.reduce(follow, old.get(id) ?? BEGUN));
}
