import { KeyboardEvent, ReactNode, useEffect, useRef, useState } from 'react';

import { Run } from '../../api/port';
import { Badge } from '../Badge';
import { duration } from '../duration';
import { Following } from '../following';
import { RUN_TONES } from '../steps';
import { Dots, runWord } from './summary';

const ROW = 36;
const SPARE = 10;
/** Before anything is measured, and where nothing can be. */
const USUAL_HEIGHT = 600;
const NEAR_THE_END = 30;

interface Props {
  runs: Run[];
  more: boolean;
  sort: string;
  progress: ReadonlyMap<string, Following>;
  chosen: ReadonlySet<string>;
  /** The run whose details are shown. */
  open: string | null;
  onSort: (sort: string) => void;
  onChoose: (id: string, wanted: boolean) => void;
  onOpen: (id: string) => void;
  onStar: (run: Run) => void;
  onNearEnd: () => void;
}

interface Column {
  id: string;
  title: ReactNode;
  /** What runs are sorted by, where they can be. */
  sort?: string;
  /** Whether its first sorting begins with the largest. */
  down?: boolean;
  cell: (run: Run, following: Following | undefined) => ReactNode;
}

const COLUMNS: Column[] = [
  {
    id: 'status',
    title: 'Status',
    sort: 'status',
    cell: (run, following) =>
      run.status === 'running' && following?.sampling ? (
        <Far run={run} following={following} />
      ) : (
        <Badge tone={RUN_TONES[run.status]} text={runWord(run)} />
      )
  },
  { id: 'checks', title: 'Checks', cell: run => <Dots run={run} /> },
  { id: 'model', title: 'Model', sort: 'model', cell: run => run.model },
  { id: 'data', title: 'Data', sort: 'data', cell: run => run.data },
  {
    id: 'started',
    title: 'Started',
    sort: 'started',
    down: true,
    cell: run => <When time={run.started} />
  },
  {
    id: 'took',
    title: 'Took',
    sort: 'seconds',
    down: true,
    cell: run => (run.seconds === null ? '' : duration(run.seconds))
  },
  {
    id: 'elpd',
    title: 'elpd',
    sort: 'elpd',
    down: true,
    cell: run => (run.elpd === null ? '' : run.elpd.toFixed(1))
  },
  {
    id: 'tags',
    title: 'Tags',
    cell: ({ tags }) =>
      Object.entries(tags).map(([name, value]) => (
        <span key={name} className="jp-modelcompose-Tag">
          {value ? `${name}: ${value}` : name}
        </span>
      ))
  }
];

/** Runs as rows of equal height, of which only those in view are drawn. */
export function RunTable(props: Props) {
  const { runs, more, open, onNearEnd } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const { first, last, onScroll } = useWindow(scroller, runs.length);
  const wanted = more && last > runs.length - NEAR_THE_END;
  useEffect(() => {
    if (wanted) {
      onNearEnd();
    }
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const names = [
      ...(scroller.current?.querySelectorAll<HTMLElement>('button[data-run]') ??
        [])
    ];
    const at = names.indexOf(event.target as HTMLElement);
    if (by && at >= 0) {
      event.preventDefault();
      names[at + by]?.focus();
    }
  };
  return (
    <div
      ref={scroller}
      className="jp-modelcompose-RunTable"
      onScroll={onScroll}
      onKeyDown={onKeyDown}
    >
      <table aria-rowcount={more ? -1 : runs.length + 1} aria-label="Runs">
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" data-column="choose">
              <span className="jp-modelcompose-hidden">Choose</span>
            </th>
            <th scope="col" data-column="star">
              <span className="jp-modelcompose-hidden">Star</span>
            </th>
            <Head
              {...props}
              column={{ id: 'name', title: 'Run', sort: 'name' }}
            />
            {COLUMNS.map(column => (
              <Head key={column.id} {...props} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} />
          {runs.slice(first, last).map((run, at) => (
            <Row
              key={run.id}
              {...props}
              run={run}
              index={first + at + 2}
              isOpen={run.id === open}
            />
          ))}
          <Gap rows={runs.length - last} />
        </tbody>
      </table>
    </div>
  );
}

/** Which rows are in view, with some to spare. */
function useWindow(
  scroller: React.RefObject<HTMLDivElement | null>,
  count: number
) {
  const [{ top, height }, setView] = useState({ top: 0, height: USUAL_HEIGHT });
  useEffect(() => {
    const box = scroller.current;
    if (!box) {
      return;
    }
    const measure = new ResizeObserver(() =>
      setView(old => ({ ...old, height: box.clientHeight || USUAL_HEIGHT }))
    );
    measure.observe(box);
    return () => measure.disconnect();
  }, [scroller]);
  const start = Math.floor(top / ROW) - SPARE;
  const first = Math.max(0, Math.min(start - (start % 2), count));
  const last = Math.min(count, Math.ceil((top + height) / ROW) + SPARE);
  return {
    first,
    last: Math.max(first, last),
    onScroll: () => {
      const { scrollTop = 0 } = scroller.current ?? {};
      setView(old =>
        Math.abs(old.top - scrollTop) < ROW && scrollTop > 0
          ? old
          : { ...old, top: scrollTop }
      );
    }
  };
}

function Gap({ rows }: { rows: number }) {
  return rows > 0 ? (
    <tr aria-hidden="true" style={{ height: rows * ROW }}>
      <td colSpan={COLUMNS.length + 3} />
    </tr>
  ) : null;
}

function Head({
  column,
  sort,
  onSort
}: Pick<Props, 'sort' | 'onSort'> & {
  column: Omit<Column, 'cell'>;
}) {
  const { id, title, sort: by, down } = column;
  if (!by) {
    return (
      <th scope="col" data-column={id}>
        {title}
      </th>
    );
  }
  const now = sort || '-started';
  const isUp = now === by;
  const isDown = now === `-${by}`;
  const next = isDown ? by : isUp ? `-${by}` : down ? `-${by}` : by;
  return (
    <th
      scope="col"
      data-column={id}
      aria-sort={isUp ? 'ascending' : isDown ? 'descending' : undefined}
    >
      <button onClick={() => onSort(next)}>
        {title}
        <span aria-hidden="true">{isUp ? ' ▲' : isDown ? ' ▼' : ''}</span>
      </button>
    </th>
  );
}

function Row(props: Props & { run: Run; index: number; isOpen: boolean }) {
  const { run, index, isOpen, chosen, progress } = props;
  return (
    <tr
      aria-rowindex={index}
      data-open={isOpen}
      style={{ height: ROW }}
      data-odd={index % 2 === 1}
    >
      <td data-column="choose">
        <input
          type="checkbox"
          aria-label={`Choose ${run.name}`}
          checked={chosen.has(run.id)}
          onChange={event => props.onChoose(run.id, event.target.checked)}
        />
      </td>
      <td data-column="star">
        <button
          className="jp-modelcompose-Star"
          aria-pressed={run.starred}
          aria-label={`Star ${run.name}`}
          onClick={() => props.onStar(run)}
        >
          {run.starred ? '★' : '☆'}
        </button>
      </td>
      <th scope="row" data-column="name">
        <button
          data-run={run.id}
          aria-expanded={isOpen}
          title={run.note || run.name}
          onClick={() => props.onOpen(run.id)}
        >
          {run.name}
        </button>
      </th>
      {COLUMNS.map(({ id, cell }) => (
        <td key={id} data-column={id}>
          <div>{cell(run, progress.get(run.id))}</div>
        </td>
      ))}
    </tr>
  );
}

/** A bar with the share of draws that are made. */
function Far({ run, following }: { run: Run; following: Following }) {
  const { finished, total, left } = following.sampling!;
  const percent = total > 0 ? Math.round((100 * finished) / total) : 0;
  const rest = left === null ? '' : `, ${duration(left)} left`;
  return (
    <span
      className="jp-modelcompose-Far"
      role="progressbar"
      aria-label={`Sampling of ${run.name}`}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={`${percent} percent${rest}`}
      data-paused={run.paused}
    >
      <span style={{ width: `${percent}%` }} />
      <span>
        {run.paused ? 'Paused' : `${percent}%`}
        {!run.paused && left !== null && ` · ${duration(left)} left`}
      </span>
    </span>
  );
}

function When({ time }: { time: string }) {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  const shown = isToday
    ? date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString([], {
        ...{ day: 'numeric', month: 'short' },
        ...(date.getFullYear() === new Date().getFullYear()
          ? { hour: '2-digit', minute: '2-digit' }
          : { year: 'numeric' })
      });
  return (
    <time dateTime={time} title={date.toLocaleString()}>
      {shown}
    </time>
  );
}
