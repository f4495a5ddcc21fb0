import { useEffect, useRef, useState } from 'react';

import { WorkbenchError } from '../api/port';

/** While somebody types, nothing is asked. */
export const PAUSE_MS = 250;

export interface Latest<T> {
  /** What was found last; kept while something newer is on its way, and when that fails. */
  value: T | null;
  busy: boolean;
  error: WorkbenchError | null;
}

/** One request at a time: of what is asked meanwhile, only the last is sent. */
class OneAtATime {
  private running = false;
  private next: (() => Promise<void>) | null = null;

  async ask(work: () => Promise<void>): Promise<void> {
    this.next = work;
    if (this.running) {
      return;
    }
    this.running = true;
    while (this.next) {
      const now: () => Promise<void> = this.next;
      this.next = null;
      await now();
    }
    this.running = false;
  }
}

/** What `load` finds for the latest `key`, asked for when the key has rested for a moment. */
export function useLatest<T>(
  load: () => Promise<T>,
  key: string,
  pause = PAUSE_MS
): Latest<T> {
  const [found, setFound] = useState<{
    key: string | null;
    value: T | null;
    error: WorkbenchError | null;
  }>({ key: null, value: null, error: null });
  const [line] = useState(() => new OneAtATime());
  const latest = useRef(load);
  const first = useRef(true);
  useEffect(() => {
    latest.current = load;
  });
  useEffect(() => {
    let wanted = true;
    const ask = async () => {
      if (!wanted) {
        return;
      }
      try {
        const value = await latest.current();
        if (wanted) {
          setFound({ key, value, error: null });
        }
      } catch (reason) {
        if (wanted) {
          const error = WorkbenchError.from(reason);
          setFound(old => ({ ...old, key, error }));
        }
      }
    };
    const timer = setTimeout(
      () => void line.ask(ask),
      first.current ? 0 : pause
    );
    first.current = false;
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key, pause, line]);
  const { value, error } = found;
  return { value, error, busy: found.key !== key };
}
