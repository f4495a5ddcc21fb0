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
        <Badge tone={RUN_TONES[run.status]} text={RUN_WORDS[run.status]} />
      </div>
      <p className="jp-modelcompose-small">
        {run.model} · {new Date(run.started).toLocaleString()}
      </p>
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
  const act = (work: () => Promise<unknown>) =>
    void acting.start(work, onChanged);
  return (
    <div className="jp-modelcompose-Buttons">
      {!hasEnded(run.status) && (
        <button
          className="jp-modelcompose-Button"
          disabled={acting.busy}
          onClick={() => act(() => client.stopRun(run.id))}
        >
          Stop
        </button>
      )}
      {['stopped', 'error'].includes(run.status) && (
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
