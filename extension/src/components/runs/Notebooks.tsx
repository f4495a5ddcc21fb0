import { useState } from 'react';

import { WorkbenchClient } from '../../api/port';
import { Busy } from '../Busy';
import { useLatest } from '../live';
import { Problem } from '../Problem';
import { difference } from '../workflow/diff';
import { Difference } from '../workflow/Difference';

/** The cells in which the notebooks of two of the runs are not the same. */
export function Notebooks(props: {
  client: WorkbenchClient;
  ids: string[];
  names: (id: string) => string;
}) {
  const { client, ids, names } = props;
  const [[left, right], setPair] = useState([ids[0]!, ids[1]!]);
  const { value, busy, error } = useLatest(
    () => client.compareNotebooks(ids),
    JSON.stringify(ids)
  );
  if (!value) {
    return busy ? (
      <Busy text="Reading the notebooks…" />
    ) : (
      <Problem error={error} />
    );
  }
  const pick = (label: string, now: string, choose: (id: string) => void) => (
    <select
      aria-label={label}
      value={now}
      onChange={event => choose(event.target.value)}
    >
      {ids.map(id => (
        <option key={id} value={id}>
          {names(id)}
        </option>
      ))}
    </select>
  );
  const cells = value.cells.filter(
    ({ runs }) => (runs[left!] ?? null) !== (runs[right!] ?? null)
  );
  return (
    <section aria-label="Notebooks">
      {value.without.length > 0 && (
        <p>The notebook of {value.without.join(', ')} is gone.</p>
      )}
      <p>
        {pick('First run', left!, id => setPair([id, right!]))} and{' '}
        {pick('Second run', right!, id => setPair([left!, id]))}:{' '}
        {cells.length === 0
          ? 'their cells are the same.'
          : cells.length === 1
            ? '1 cell differs.'
            : `${cells.length} cells differ.`}
      </p>
      {cells.map(({ step, runs }, at) => (
        <div key={at}>
          <h5>{step || 'A cell of one’s own'}</h5>
          <Difference
            lines={difference(runs[left!] ?? '', runs[right!] ?? '')}
            left={names(left!)}
            right={names(right!)}
          />
        </div>
      ))}
    </section>
  );
}
