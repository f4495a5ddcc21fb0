import { FormEvent, useEffect, useState } from 'react';

import { RunQuery, RunView, WorkbenchClient } from '../../api/port';
import { useAction } from '../action';
import { Problem } from '../Problem';

const BUILT_IN: RunQuery[] = [
  { text: '', sort: '', trash: false },
  { text: 'starred', sort: '', trash: false },
  { text: 'status:running', sort: '', trash: false },
  { text: '', sort: '', trash: true }
];
const NAMES = ['All', 'Starred', 'Running', 'Trash'];

/** Filters to choose among: some that everybody needs, and those that were saved in the workspace. */
export function Views(props: {
  client: WorkbenchClient;
  query: RunQuery;
  onQuery: (query: RunQuery) => void;
}) {
  const { client, query, onQuery } = props;
  const [views, setViews] = useState<RunView[]>([]);
  const [name, setName] = useState<string | null>(null);
  const acting = useAction();
  const { start } = acting;
  useEffect(
    () => void start(() => client.runViews(), setViews),
    [client, start]
  );
  const { text, sort, trash } = query;
  const isNow = (one: Omit<RunQuery, 'trash'>, inTrash = false) =>
    one.text === text && one.sort === sort && trash === inTrash;
  const isKnown =
    trash || [...BUILT_IN, ...views].some(one => isNow(one)) || !(text || sort);
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (name?.trim()) {
      const view = { name: name.trim(), text, sort };
      void start(
        () => client.saveRunView(view),
        saved => {
          setViews(saved);
          setName(null);
        }
      );
    }
  };
  return (
    <>
      <nav className="jp-modelcompose-Views" aria-label="Views">
        {BUILT_IN.map((one, at) => (
          <button
            key={NAMES[at]}
            aria-current={isNow(one, one.trash) ? 'true' : undefined}
            onClick={() => onQuery(one)}
          >
            {NAMES[at]}
          </button>
        ))}
        {views.map(view => (
          <span key={view.name}>
            <button
              aria-current={isNow(view) ? 'true' : undefined}
              title={[view.text, view.sort].filter(Boolean).join(' · ')}
              onClick={() =>
                onQuery({ text: view.text, sort: view.sort, trash: false })
              }
            >
              {view.name}
            </button>
            {isNow(view) && (
              <button
                aria-label={`Remove the view ${view.name}`}
                onClick={() =>
                  void start(() => client.removeRunView(view.name), setViews)
                }
              >
                ✕
              </button>
            )}
          </span>
        ))}
        {!isKnown && name === null && (
          <button onClick={() => setName('')}>+ Save this view</button>
        )}
        {name !== null && (
          <form onSubmit={save}>
            <input
              aria-label="Name of the view"
              autoFocus
              maxLength={60}
              placeholder="Its name, then Enter"
              value={name}
              onChange={event => setName(event.target.value)}
              onKeyDown={event => event.key === 'Escape' && setName(null)}
            />
          </form>
        )}
      </nav>
      <Problem error={acting.error} />
    </>
  );
}
