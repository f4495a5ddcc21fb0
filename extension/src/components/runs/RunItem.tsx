import { useEffect, useRef, useState } from 'react';

import { followRun } from '../../api/follow';
import { hasEnded, Host, Run, WorkbenchClient } from '../../api/port';
import { Action, useAction } from '../action';
import { Badge, Mark } from '../Badge';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { Follow } from '../Follow';
import { BEGUN, follow } from '../following';
import { Problem } from '../Problem';
import { RUN_TONES, RUN_WORDS, verdictTone, verdictWord } from '../steps';
import { LineageGraph } from '../workflow/LineageGraph';

interface Props {
  run: Run;
  client: WorkbenchClient;
  host: Host;
  /** Whether it is ticked for a comparison; null where it cannot be. */
  chosen: boolean | null;
  onChoose: (wanted: boolean) => void;
  onChanged: () => void;
  onStarted?: (run: Run) => void;
}

/** One run: how it stands, what its checks said, and what can be done with it. */
export function RunItem(props: Props) {
  const { run, client, chosen, onChoose, onChanged } = props;
  const acting = useAction();
  return (
    <li className="jp-modelcompose-Run">
      <div className="jp-modelcompose-Run-head">
        {chosen === null ? (
          <strong>{run.name}</strong>
        ) : (
          <label>
            <input
              type="checkbox"
              aria-label={`Compare ${run.name}`}
              checked={chosen}
              onChange={event => onChoose(event.target.checked)}
            />
            <strong>{run.name}</strong>
          </label>
        )}
        <Badge tone={RUN_TONES[run.status]} text={runWord(run)} />
      </div>
      <p className="jp-modelcompose-small">{facts(run).join(' · ')}</p>
      {run.partial && (
        <p className="jp-modelcompose-small">
          Rests on fewer draws than asked for: sampling was stopped early.
        </p>
      )}
      <Dots run={run} />
      {!hasEnded(run.status) && (
        <Live client={client} id={run.id} onEnd={onChanged} />
      )}
      {run.message && hasEnded(run.status) && (
        <p className="jp-modelcompose-small">{run.message}</p>
      )}
      {run.lineage && (
        <Disclosure
          summary={`Remedies tried (${run.lineage.rounds.length - 1})`}
        >
          {run.lineage.stopped !== run.message && <p>{run.lineage.stopped}</p>}
          <LineageGraph lineage={run.lineage} />
        </Disclosure>
      )}
      <Problem error={acting.error} />
      {acting.busy && <Busy text="One moment…" />}
      <Buttons {...props} acting={acting} />
    </li>
  );
}

function Buttons(props: Props & { acting: Action }) {
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
    </div>
  );
}

function runWord({ status, paused }: Run): string {
  return status === 'running' && paused ? 'Paused' : RUN_WORDS[status];
}

/** What tells a run from others, in the order in which one looks for it. */
function facts(run: Run): string[] {
  const { kind, model, started, sampler, attempt, priority } = run;
  return [
    KINDS[kind],
    model,
    sampler && sampler !== USUAL_SAMPLER ? `drawn by ${sampler}` : '',
    new Date(started).toLocaleString(),
    attempt > 1 ? `attempt ${attempt}` : '',
    priority !== 0 ? `priority ${priority}` : ''
  ].filter(Boolean);
}

const USUAL_SAMPLER = 'nutpie';

const KINDS: Record<Run['kind'], string> = {
  run: '',
  sweep: 'Sweep',
  tracked: 'Fitted by own code',
  imported: 'Brought in'
};

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
      {run.verdicts.map(({ step, title, status, sentence, waived }) => {
        const text = `${title} ${verdictWord(status, waived)}. ${sentence}`;
        return (
          <li key={step} title={text}>
            <Mark tone={verdictTone(status, waived)} />
            <span className="jp-modelcompose-hidden">{text}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** What the events of a running run tell; `onEnd` is told when there is news in the list. */
function Live(props: {
  client: WorkbenchClient;
  id: string;
  onEnd: () => void;
}) {
  const { client, id } = props;
  const [following, setFollowing] = useState(BEGUN);
  const onEnd = useRef(props.onEnd);
  useEffect(() => {
    onEnd.current = props.onEnd;
  });
  useEffect(() => {
    const abort = new AbortController();
    followRun(
      client,
      id,
      event => setFollowing(before => follow(before, event)),
      abort.signal
    )
      .catch(reason => console.warn('The run cannot be followed.', reason))
      .finally(() => {
        if (!abort.signal.aborted) {
          onEnd.current();
        }
      });
    return () => abort.abort();
  }, [client, id]);
  return (
    <>
      {following.step && (
        <p className="jp-modelcompose-small">Now at {following.step}.</p>
      )}
      <Follow following={following} />
    </>
  );
}
