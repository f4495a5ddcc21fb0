import { hasEnded, RunEvent, WorkbenchClient, WorkbenchError } from './port';

const RETRY_MS = 3000;

/**
 * Report every event of a run until it has ended or `signal` aborts.
 *
 * A lost connection is not the end of a run: the next poll asks for what came since.
 */
export async function followRun(
  client: WorkbenchClient,
  id: string,
  onEvent: (event: RunEvent) => void,
  signal: AbortSignal,
  retryMs = RETRY_MS
): Promise<void> {
  let since = 0;
  while (!signal.aborted) {
    try {
      const { events, status } = await client.events(id, since);
      if (signal.aborted) {
        return;
      }
      events.forEach(onEvent);
      since = events.reduce((last, event) => Math.max(last, event.n), since);
      // A run that was resumed has ended before: only its status says that there is no more to come.
      const last = events.at(-1);
      if (hasEnded(status) && (!last || last.type === 'end')) {
        return;
      }
    } catch (reason) {
      if (!isPassing(WorkbenchError.from(reason))) {
        throw reason;
      }
      await new Promise(resolve => setTimeout(resolve, retryMs));
    }
  }
}

function isPassing(error: WorkbenchError): boolean {
  return ['Unreachable', 'ServerError', 'Unavailable'].includes(error.type);
}
