import { useCallback, useEffect, useRef, useState } from 'react';

import { followRun } from '../api/follow';
import { Host, Run, Sampling, WorkbenchClient } from '../api/port';
import { useAction } from './action';
import { Badge, Mark } from './Badge';
import { Busy } from './Busy';
import { Problem } from './Problem';
import { Progress } from './Progress';
import { RUN_TONES, RUN_WORDS, STATUS_WORDS } from './steps';

/** Background runs, newest first, with live progress and what can be made of them. */
export function Runs(props: {
  client: WorkbenchClient;
  host: Host;
  /** Changes whenever a run began or ended elsewhere in the panel. */
  revision: number;
}) {
  const { client, host, revision } = props;
  const [runs, setRuns] = useState<Run[] | null>(null);
  const listing = useAction();
  const { start } = listing;
  const refresh = useCallback(
    () => void start(() => client.runs(), setRuns),
    [client, start]
  );
  useEffect(refresh, [refresh, revision]);
  return (
    <div className="jp-modelcompose-Runs">
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={refresh}
        >
          Refresh
        </button>
      </div>
      <Problem error={listing.error} />
      {runs === null && listing.busy && <Busy text="Looking for runs…" />}
      {runs?.length === 0 && (
        <p>
          No runs yet. Open an analysis and choose “Run in background”: its
          result is kept here.
        </p>
      )}
      <ul className="jp-modelcompose-RunList">
        {runs?.map(run => (
          <RunItem
            key={run.id}
            run={run}
            client={client}
            host={host}
            onChanged={refresh}
          />
        ))}
      </ul>
    </div>
  );
}

function RunItem(props: {
  run: Run;
  client: WorkbenchClient;
  host: Host;
  onChanged: () => void;
}) {
  const { run, client, host, onChanged } = props;
  const acting = useAction();
  const sampling = useProgress(client, run, onChanged);
  const act = (work: () => Promise<unknown>) =>
    void acting.start(work, onChanged);
  return (
    <li className="jp-modelcompose-Run">
      <div className="jp-modelcompose-Run-head">
        <strong>{run.name}</strong>
        <Badge tone={RUN_TONES[run.status]} text={RUN_WORDS[run.status]} />
      </div>
      <p className="jp-modelcompose-small">
        {run.model} · {new Date(run.started).toLocaleString()}
      </p>
      <Dots run={run} />
      {sampling && <Progress sampling={sampling} />}
      {run.message && <p className="jp-modelcompose-small">{run.message}</p>}
      <Problem error={acting.error} />
      {acting.busy && <Busy text="One moment…" />}
      <div className="jp-modelcompose-Buttons">
        {run.status === 'running' && (
          <button
            className="jp-modelcompose-Button"
            disabled={acting.busy}
            onClick={() => act(() => client.stopRun(run.id))}
          >
            Stop
          </button>
        )}
        {run.executed && (
          <button
            className="jp-modelcompose-Button"
            onClick={() => act(() => host.openNotebook(run.executed!))}
          >
            Open
          </button>
        )}
        {run.executed && !run.report && (
          <button
            className="jp-modelcompose-Button"
            disabled={acting.busy}
            title="Makes a report to read and an app to try, without the code"
            onClick={() => act(() => client.publish(run.id))}
          >
            Publish
          </button>
        )}
        {run.report && <Link href={host.reportUrl(run.report)} text="Report" />}
        {run.app && <Link href={host.appUrl(run.app)} text="App" />}
      </div>
    </li>
  );
}

function Link(props: { href: string; text: string }) {
  return (
    <a
      className="jp-modelcompose-Link"
      href={props.href}
      target="_blank"
      // The Jupyter server hands files out only to pages of its own, which it knows by the referrer.
      rel="noopener"
    >
      {props.text}
    </a>
  );
}

function Dots({ run }: { run: Run }) {
  return (
    <ul className="jp-modelcompose-Dots" aria-label="Verdicts">
      {run.verdicts.map(({ step, title, status, sentence }) => {
        const text = `${title} ${STATUS_WORDS[status]}. ${sentence}`;
        return (
          <li key={step} title={text}>
            <Mark tone={status} />
            <span className="jp-modelcompose-hidden">{text}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** The live sampling state of a running run; `onEnd` is told when there is news in the list. */
function useProgress(
  client: WorkbenchClient,
  run: Run,
  onChanged: () => void
): Sampling | null {
  const [sampling, setSampling] = useState<Sampling | null>(null);
  const changed = useRef(onChanged);
  useEffect(() => {
    changed.current = onChanged;
  });
  const { id, status } = run;
  useEffect(() => {
    if (status !== 'running') {
      return;
    }
    const abort = new AbortController();
    const follow = followRun(
      client,
      id,
      event => {
        if (event.type === 'sampling') {
          setSampling(event);
        }
        if (event.type === 'step' && event.state === 'started') {
          setSampling(null);
        }
      },
      abort.signal
    );
    follow
      .catch(reason => console.warn('The run cannot be followed.', reason))
      .finally(() => {
        if (!abort.signal.aborted) {
          changed.current();
        }
      });
    return () => abort.abort();
  }, [client, id, status]);
  return status === 'running' ? sampling : null;
}
