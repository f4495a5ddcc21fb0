import { useCallback, useEffect, useRef, useState } from 'react';

import { WorkbenchError } from '../api/port';

export interface Action {
  busy: boolean;
  error: WorkbenchError | null;
  /** Run `work` and hand its result to `then`, unless a later call has overtaken it. */
  start<T>(work: () => Promise<T>, then?: (result: T) => void): Promise<void>;
  clear(): void;
}

/** An asynchronous action with its busy and error states. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<WorkbenchError | null>(null);
  const latest = useRef(0);
  // What comes when nobody waits for it any more is dropped.
  useEffect(() => {
    const turn = latest;
    return () => void turn.current++;
  }, []);
  const start = useCallback(
    async <T>(work: () => Promise<T>, then?: (result: T) => void) => {
      const mine = ++latest.current;
      setBusy(true);
      setError(null);
      try {
        const result = await work();
        if (mine === latest.current) {
          then?.(result);
        }
      } catch (reason) {
        if (mine === latest.current) {
          setError(WorkbenchError.from(reason));
        }
      } finally {
        if (mine === latest.current) {
          setBusy(false);
        }
      }
    },
    []
  );
  const clear = useCallback(() => setError(null), []);
  return { busy, error, start, clear };
}
