import { useCallback, useEffect, useState } from 'react';

import {
  hasEnded,
  Host,
  Run,
  RunComparison,
  WorkbenchClient
} from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { Comparison } from './Comparison';
import { RunItem } from './RunItem';

interface Props {
  client: WorkbenchClient;
  host: Host;
  /** Changes whenever a run began or ended elsewhere in the panel. */
  revision: number;
  /** A run began here: the panel follows it, too. */
  onStarted?: (run: Run) => void;
}

/** Background runs, newest first, with live progress, what can be made of them, and several side by side. */
export function Runs({ client, host, revision, onStarted }: Props) {
  const [runs, setRuns] = useState<Run[] | null>(null);
  const [chosen, setChosen] = useState<string[]>([]);
  const [compared, setCompared] = useState<RunComparison | null>(null);
  const listing = useAction();
  const comparing = useAction();
  const { start } = listing;
  const refresh = useCallback(
    () => void start(() => client.runs(), setRuns),
    [client, start]
  );
  useEffect(refresh, [refresh, revision]);
  const choose = (id: string, wanted: boolean) =>
    setChosen(old => [
      ...old.filter(other => other !== id),
      ...(wanted ? [id] : [])
    ]);
  if (compared) {
    return (
      <Comparison
        client={client}
        compared={compared}
        onClose={() => setCompared(null)}
      />
    );
  }
  return (
    <div className="jp-modelcompose-Runs">
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={refresh}
        >
          Refresh
        </button>
        {host.openRuns && (
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            title="Filter, sort, tag and compare all runs in a tab of their own"
            onClick={() => host.openRuns?.()}
          >
            Open in a tab
          </button>
        )}
        {runs && runs.length > 1 && (
          <Compare
            count={chosen.length}
            busy={comparing.busy}
            onCompare={() =>
              void comparing.start(
                () => client.compareRuns(chosen),
                setCompared
              )
            }
          />
        )}
      </div>
      <Problem error={listing.error ?? comparing.error} />
      {runs === null && listing.busy && <Busy text="Looking for runs…" />}
      {comparing.busy && <Busy text="Comparing the runs…" />}
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
            chosen={
              runs.length > 1 && hasEnded(run.status)
                ? chosen.includes(run.id)
                : null
            }
            onChoose={wanted => choose(run.id, wanted)}
            onChanged={refresh}
            onStarted={onStarted}
          />
        ))}
      </ul>
    </div>
  );
}

function Compare(props: {
  count: number;
  busy: boolean;
  onCompare: () => void;
}) {
  const { count, busy, onCompare } = props;
  return (
    <button
      className="jp-modelcompose-Button"
      disabled={count < 2 || busy}
      title="Tick two runs or more to see them side by side"
      onClick={onCompare}
    >
      {count < 2 ? 'Compare' : `Compare ${count} runs`}
    </button>
  );
}
