import { ReactNode, useState } from 'react';

import { hasEnded, Host, Run, WorkbenchClient } from '../../api/port';
import { Action } from '../action';

interface Props {
  run: Run;
  client: WorkbenchClient;
  host: Host;
  acting: Action;
  onChanged: () => void;
  onStarted?: (run: Run) => void;
  /** Further buttons, after those that every list of runs has. */
  children?: ReactNode;
}

/** What can be done with a run as it stands. */
export function RunButtons(props: Props) {
  const { run, client, host, onChanged, onStarted, acting } = props;
  const [discarding, setDiscarding] = useState(false);
  const act = (work: () => Promise<unknown>) =>
    void acting.start(work, onChanged);
  if (discarding && !hasEnded(run.status)) {
    return (
      <div className="jp-modelcompose-Buttons">
        <span>End it and throw its draws away?</span>
        <button
          className="jp-modelcompose-Button"
          disabled={acting.busy}
          onClick={() => act(() => client.cancelRun(run.id))}
        >
          Throw away
        </button>
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          autoFocus
          onClick={() => setDiscarding(false)}
        >
          Keep it
        </button>
      </div>
    );
  }
  return (
    <div className="jp-modelcompose-Buttons">
      {run.status === 'running' && (
        <button
          className="jp-modelcompose-Button"
          disabled={acting.busy}
          title={
            run.paused
              ? 'Draws go on where they were held'
              : 'Holds sampling, so that the machine is free for something else'
          }
          onClick={() =>
            act(() =>
              run.paused ? client.resumeRun(run.id) : client.pauseRun(run.id)
            )
          }
        >
          {run.paused ? 'Continue' : 'Pause'}
        </button>
      )}
      {run.status === 'running' && host.watchRun && (
        <button
          className="jp-modelcompose-Button"
          title="Shows chain by chain how it samples, in a tab of its own"
          onClick={() => host.watchRun?.(run)}
        >
          Watch
        </button>
      )}
      {!hasEnded(run.status) && (
        <button
          className="jp-modelcompose-Button"
          disabled={acting.busy}
          title={
            run.status === 'queued'
              ? 'Takes it off the queue; it can be resumed'
              : 'Keeps the draws so far and finishes with them'
          }
          onClick={() => act(() => client.stopRun(run.id))}
        >
          Stop
        </button>
      )}
      {!hasEnded(run.status) && (
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          disabled={acting.busy}
          title="Ends it at once and keeps no draws"
          onClick={() => setDiscarding(true)}
        >
          Cancel
        </button>
      )}
      {['stopped', 'error', 'cancelled'].includes(run.status) && (
        <button
          className="jp-modelcompose-Button"
          disabled={acting.busy}
          title="Goes on where it ended; what was finished is not repeated"
          onClick={() =>
            void acting.start(
              () => client.resumeRun(run.id),
              resumed => {
                onStarted?.(resumed);
                onChanged();
              }
            )
          }
        >
          Resume
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
      {props.children}
    </div>
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
