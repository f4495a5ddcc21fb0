import { useEffect, useRef, useState } from 'react';

import { followRun } from '../../api/follow';
import { hasEnded, Host, Run, WorkbenchClient } from '../../api/port';
import { useAction } from '../action';
import { Badge } from '../Badge';
import { Busy } from '../Busy';
import { Disclosure } from '../Disclosure';
import { Follow } from '../Follow';
import { BEGUN, follow } from '../following';
import { Problem } from '../Problem';
import { RUN_TONES } from '../steps';
import { LineageGraph } from '../workflow/LineageGraph';
import { RunButtons } from './RunButtons';
import { Dots, facts, runWord } from './summary';

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
      <RunButtons {...props} acting={acting} />
    </li>
  );
}

/** What the events of a running run tell; `onEnd` is told when there is news in the list. */
export function Live(props: {
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
