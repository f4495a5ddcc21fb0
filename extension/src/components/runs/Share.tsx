import { useCallback, useEffect, useId, useState } from 'react';

import {
  hasEnded,
  Host,
  Published,
  PublishMode,
  ReportFormat,
  Run,
  WorkbenchClient
} from '../../api/port';
import { useAction } from '../action';
import { Badge } from '../Badge';
import { Busy } from '../Busy';
import { Problem } from '../Problem';

interface Way {
  mode: PublishMode;
  text: string;
  says: string;
  formats: [ReportFormat, string][];
}

const WAYS: Way[] = [
  {
    mode: 'report',
    text: 'Report',
    says: 'Everything to read, for a decision maker, an analyst or a statistician. It runs nothing and fetches nothing.',
    formats: [
      ['html', 'As a page'],
      ['pdf', 'PDF'],
      ['docx', 'Word'],
      ['md', 'Markdown']
    ]
  },
  {
    mode: 'page',
    text: 'Page with sliders',
    says: 'One file to send: readers move sliders over predictions that are computed now. It needs no server.',
    formats: [['html', 'Make the page']]
  },
  {
    mode: 'app',
    text: 'Live app',
    says: 'The sliders ask the model itself. It needs a server, which shows neither code nor data.',
    formats: [['html', 'Make the app']]
  }
];
const NAMES: Record<PublishMode, string> = {
  report: 'Report',
  page: 'Page with sliders',
  app: 'Live app'
};

interface Props {
  client: WorkbenchClient;
  host: Host;
  /** The active notebook, whose runs come first. */
  notebook: string | null;
  /** Changes whenever a run began or ended. */
  revision: number;
}

/** What can be made of a run for its readers, and what is published, with what has changed since. */
export function Share({ client, host, notebook, revision }: Props) {
  const [runs, setRuns] = useState<Run[] | null>(null);
  const [published, setPublished] = useState<Published[]>([]);
  const [chosen, setChosen] = useState('');
  const listing = useAction();
  const acting = useAction();
  const { start } = listing;
  const refresh = useCallback(
    () =>
      void start(
        () => Promise.all([client.runs(), client.published()]),
        ([found, shelf]) => {
          setRuns(sharable(found, notebook));
          setPublished(shelf);
        }
      ),
    [client, notebook, start]
  );
  useEffect(refresh, [refresh, revision]);
  const act = (work: () => Promise<unknown>) =>
    void acting.start(work, refresh);
  const run = runs?.find(({ id }) => id === chosen) ?? runs?.[0];
  return (
    <div className="jp-modelcompose-Share">
      <Problem error={listing.error} onRetry={refresh} />
      {runs === null && listing.busy && <Busy text="Looking for runs…" />}
      {runs?.length === 0 && (
        <p>
          There is no finished run to share. Open an analysis and choose “Run in
          background”.
        </p>
      )}
      {runs && run && (
        <>
          <ChooseRun runs={runs} run={run} onChoose={setChosen} />
          {WAYS.map(way => (
            <Make
              key={way.mode}
              way={way}
              busy={acting.busy}
              onMake={format =>
                act(() => client.publish(run.id, way.mode, format))
              }
            />
          ))}
        </>
      )}
      {acting.busy && <Busy text="Making it; a page takes a minute…" />}
      <Problem error={acting.error} />
      {published.length > 0 && (
        <Shelf published={published} client={client} host={host} act={act} />
      )}
    </div>
  );
}

/** The runs that have something to show, those of the active notebook first. */
function sharable(runs: Run[], notebook: string | null): Run[] {
  const ended = runs.filter(run => run.executed && hasEnded(run.status));
  const mine = ended.filter(run => run.notebook === notebook);
  return [...mine, ...ended.filter(run => run.notebook !== notebook)];
}

function ChooseRun(props: {
  runs: Run[];
  run: Run;
  onChoose: (id: string) => void;
}) {
  const id = useId();
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>Run to share</label>
      <select
        id={id}
        value={props.run.id}
        onChange={event => props.onChoose(event.currentTarget.value)}
      >
        {props.runs.map(run => (
          <option key={run.id} value={run.id}>
            {run.name}, {new Date(run.started).toLocaleString()}
          </option>
        ))}
      </select>
    </div>
  );
}

function Make(props: {
  way: Way;
  busy: boolean;
  onMake: (format: ReportFormat) => void;
}) {
  const { way, busy, onMake } = props;
  const title = useId();
  return (
    <section className="jp-modelcompose-Share-way" aria-labelledby={title}>
      <h3 id={title}>{way.text}</h3>
      <p>{way.says}</p>
      <div className="jp-modelcompose-Buttons">
        {way.formats.map(([format, text]) => (
          <button
            key={format}
            className="jp-modelcompose-Button"
            disabled={busy}
            onClick={() => onMake(format)}
          >
            {text}
          </button>
        ))}
      </div>
    </section>
  );
}

function Shelf(props: {
  published: Published[];
  client: WorkbenchClient;
  host: Host;
  act: (work: () => Promise<unknown>) => void;
}) {
  const { published, client, host, act } = props;
  return (
    <section aria-label="Published">
      <h3>Published</h3>
      <ul className="jp-modelcompose-RunList">
        {published.map(one => (
          <li key={one.path} className="jp-modelcompose-Run">
            <div className="jp-modelcompose-Run-head">
              <strong>{one.name}</strong>
              <Badge
                tone={one.stale.length > 0 ? 'stale' : 'pass'}
                text={one.stale.length > 0 ? 'Out of date' : 'Up to date'}
              />
            </div>
            <p>
              {NAMES[one.mode]}
              {one.format !== 'html' && ` (${one.format.toUpperCase()})`},{' '}
              {new Date(one.when).toLocaleDateString()}
            </p>
            {one.stale.length > 0 && (
              <ul>
                {one.stale.map(said => (
                  <li key={said}>Since then, {said}.</li>
                ))}
              </ul>
            )}
            <div className="jp-modelcompose-Buttons">
              <a
                className="jp-modelcompose-Button"
                href={address(one, host)}
                target="_blank"
                rel="noopener noreferrer"
              >
                Open
              </a>
              <TakeAway
                onConfirm={() => act(() => client.unpublish(one.path))}
              />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function address(one: Published, host: Host): string {
  if (one.mode === 'app') {
    return one.url || host.appUrl(one.path);
  }
  return host.reportUrl(one.path);
}

function TakeAway(props: { onConfirm: () => void }) {
  const [asking, setAsking] = useState(false);
  if (!asking) {
    return (
      <button
        className="jp-modelcompose-Button jp-mod-quiet"
        onClick={() => setAsking(true)}
      >
        Take away
      </button>
    );
  }
  return (
    <>
      <button className="jp-modelcompose-Button" onClick={props.onConfirm}>
        Delete its files
      </button>
      <button
        className="jp-modelcompose-Button jp-mod-quiet"
        autoFocus
        onClick={() => setAsking(false)}
      >
        Keep it
      </button>
    </>
  );
}
