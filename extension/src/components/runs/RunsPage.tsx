import { useState } from 'react';

import {
  Host,
  Run,
  RunComparison,
  RunQuery,
  WorkbenchClient
} from '../../api/port';
import { Action, useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { Comparison } from './Comparison';
import { RunList, useProgress, useRunList } from './list';
import { RunDetail } from './RunDetail';
import { RunTable } from './RunTable';
import { Views } from './Views';

const MOST_COMPARED = 6;
const EVERYTHING: RunQuery = { text: '', sort: '', trash: false };

interface Props {
  client: WorkbenchClient;
  host: Host;
  /** Whether somebody sees the page; nothing is asked for behind other tabs. */
  visible?: boolean;
  /** A run was begun here. */
  onStarted?: (run: Run) => void;
}

/** All runs of the workspace: looked for, sorted, noted on, compared and thrown away. */
export function RunsPage({ client, host, visible = true, onStarted }: Props) {
  const [query, setQuery] = useState(EVERYTHING);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<string | null>(null);
  const [compared, setCompared] = useState<RunComparison | null>(null);
  const list = useRunList(client, query, visible);
  const progress = useProgress(
    client,
    visible && !query.trash ? (list.runs ?? []) : [],
    list.refresh
  );
  const acting = useAction();
  const ask = (next: RunQuery) => {
    if (next.trash !== query.trash || next.text !== query.text) {
      setChosen(new Set());
    }
    setQuery(next);
  };
  const choose = (id: string, wanted: boolean) =>
    setChosen(old => {
      const next = new Set(old);
      if (wanted) {
        next.add(id);
      } else {
        next.delete(id);
      }
      return next;
    });
  const shown = query.trash
    ? undefined
    : list.runs?.find(({ id }) => id === open);
  const close = () => {
    setOpen(null);
    focusRun(open);
  };
  if (compared) {
    return (
      <main className="jp-modelcompose-RunsPage" aria-label="Runs side by side">
        <div className="jp-modelcompose-RunsPage-wide">
          <Comparison
            client={client}
            compared={compared}
            onClose={() => setCompared(null)}
          />
        </div>
      </main>
    );
  }
  return (
    <main className="jp-modelcompose-RunsPage" aria-label="Runs">
      <Views client={client} query={query} onQuery={ask} />
      <FilterBox
        key={query.text}
        text={query.text}
        query={query}
        onQuery={ask}
      />
      <Bar
        chosen={[...chosen]}
        client={client}
        trash={query.trash}
        list={list}
        acting={acting}
        onCompared={setCompared}
        onDone={() => {
          setChosen(new Set());
          list.refresh();
        }}
      />
      <Problem error={acting.error} />
      <Problem error={list.error} onRetry={list.refresh} />
      {list.runs === null && list.busy && <Busy text="Looking for runs…" />}
      {list.runs?.length === 0 && !list.busy && <Nothing query={query} />}
      <div className="jp-modelcompose-RunsPage-body">
        {list.runs && list.runs.length > 0 && (
          <RunTable
            runs={list.runs}
            more={list.more}
            sort={query.sort}
            progress={progress}
            chosen={chosen}
            open={shown?.id ?? null}
            onSort={sort => setQuery({ ...query, sort })}
            onChoose={choose}
            onOpen={id => setOpen(open === id ? null : id)}
            onStar={run =>
              void acting.start(
                () => client.annotateRun(run.id, { starred: !run.starred }),
                list.refresh
              )
            }
            onNearEnd={list.fetchMore}
          />
        )}
        {shown && (
          <RunDetail
            run={shown}
            client={client}
            host={host}
            following={progress.get(shown.id)}
            onChanged={list.refresh}
            onMade={run => {
              onStarted?.(run);
              list.refresh();
              setOpen(run.id);
            }}
            onClose={close}
          />
        )}
      </div>
    </main>
  );
}

/** Focus goes back to where the details were opened. */
function focusRun(id: string | null): void {
  if (id) {
    document.querySelector<HTMLElement>(`button[data-run="${id}"]`)?.focus();
  }
}

function FilterBox(props: {
  text: string;
  query: RunQuery;
  onQuery: (query: RunQuery) => void;
}) {
  const { query, onQuery } = props;
  const [text, setText] = useState(props.text);
  const ask = () => text !== query.text && onQuery({ ...query, text });
  return (
    <form
      className="jp-modelcompose-Filter"
      role="search"
      onSubmit={event => {
        event.preventDefault();
        ask();
      }}
    >
      <input
        type="search"
        aria-label="Filter"
        aria-describedby="jp-modelcompose-Filter-help"
        placeholder="Filter"
        value={text}
        onChange={event => setText(event.target.value)}
      />
      <button className="jp-modelcompose-Button" type="submit">
        Filter
      </button>
      <p id="jp-modelcompose-Filter-help" className="jp-modelcompose-small">
        Words, or <code>status:failed</code> <code>model:slopes</code>{' '}
        <code>tag:owner=Ada</code> <code>starred</code>{' '}
        <code>elpd &gt; -100</code> <code>r_hat_max &lt;= 1.01</code>; all must
        hold.
      </p>
    </form>
  );
}

/** What is done with the runs that are ticked. */
function Bar(props: {
  chosen: string[];
  client: WorkbenchClient;
  trash: boolean;
  list: RunList;
  acting: Action;
  onCompared: (compared: RunComparison) => void;
  onDone: () => void;
}) {
  const { chosen, client, trash, list, acting, onCompared, onDone } = props;
  const [sure, setSure] = useState(false);
  const [said, setSaid] = useState('');
  const count = chosen.length;
  const many = count === 1 ? '1 run' : `${count} runs`;
  const act = (work: () => Promise<unknown>, done: string) =>
    void acting.start(work, () => {
      setSaid(done);
      onDone();
    });
  const remove = () =>
    void acting.start(
      () => client.deleteRuns(chosen),
      ({ deleted, bytes }) => {
        setSure(false);
        setSaid(
          `${deleted.length === 1 ? '1 run' : `${deleted.length} runs`} deleted, ${size(bytes)} freed.`
        );
        onDone();
      }
    );
  const button = (
    text: string,
    title: string,
    enabled: boolean,
    onClick: () => void
  ) => (
    <button
      className="jp-modelcompose-Button"
      title={title}
      disabled={!enabled || acting.busy}
      onClick={onClick}
    >
      {text}
    </button>
  );
  return (
    <div className="jp-modelcompose-Buttons">
      {sure ? (
        <>
          <span>
            Delete {count ? many : 'everything in the trash'} for good? Draws
            and notebooks go with it.
          </span>
          {button('Delete', 'This cannot be undone', true, remove)}
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            autoFocus
            onClick={() => setSure(false)}
          >
            Keep
          </button>
        </>
      ) : trash ? (
        <>
          {button(
            count ? `Restore ${many}` : 'Restore',
            'Brings the ticked runs back',
            count > 0,
            () => act(() => client.restoreRuns(chosen), `${many} restored.`)
          )}
          {button(
            count ? `Delete ${many}…` : 'Empty the trash…',
            'Removes runs for good, with their files',
            (list.runs?.length ?? 0) > 0,
            () => setSure(true)
          )}
        </>
      ) : (
        <>
          {button(
            count > 1 ? `Compare ${many}` : 'Compare',
            `Tick two to ${MOST_COMPARED} runs to see them side by side`,
            count > 1 && count <= MOST_COMPARED,
            () =>
              void acting.start(() => client.compareRuns(chosen), onCompared)
          )}
          {button(
            count ? `Move ${many} to the trash` : 'Move to the trash',
            'They can be restored from there',
            count > 0,
            () => act(() => client.trashRuns(chosen), `${many} in the trash.`)
          )}
        </>
      )}
      <button
        className="jp-modelcompose-Button jp-mod-quiet"
        onClick={list.refresh}
      >
        Refresh
      </button>
      <span className="jp-modelcompose-small" role="status">
        {acting.busy ? 'One moment…' : said || counted(list)}
      </span>
    </div>
  );
}

function counted({ runs, more }: RunList): string {
  const count = runs?.length ?? 0;
  const many = count === 1 ? '1 run' : `${count.toLocaleString('en')} runs`;
  return runs ? (more ? `The first ${many}; more below` : many) : '';
}

function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function Nothing({ query }: { query: RunQuery }) {
  if (query.trash) {
    return <p>The trash is empty.</p>;
  }
  return query.text ? (
    <p>No run fits this filter.</p>
  ) : (
    <p>
      No runs yet. Open an analysis and choose “Run in background”: its result
      is kept here.
    </p>
  );
}
