import { useEffect, useRef, useState } from 'react';

import { Analysis, PriorChoices, PriorClient, PriorRow } from '../../api/port';
import { Badge } from '../Badge';
import { Busy } from '../Busy';
import { useLatest } from '../live';
import { Problem } from '../Problem';
import { Density } from './Density';
import { ChangePriors } from './elicited';
import { Expectation } from './Expectation';
import { PriorEditor } from './PriorEditor';
import { WholeAnswers } from './WholeAnswers';

/** A state of the priors that can be gone back to, and what was changed then. */
interface Past {
  priors: PriorChoices;
  what: string;
  /** Changes of one mark, such as the strokes of a number, are undone together. */
  mark: string;
}

/** What the model assumes before it sees the data: every prior in words, to be changed, and what they come to. */
export function Priors(props: {
  client: PriorClient;
  analysis: Analysis;
  onChange: (priors: PriorChoices) => void;
}) {
  const { client, analysis, onChange } = props;
  const chosen = analysis.priors ?? {};
  const key = keyOf(analysis);
  const table = useLatest(() => client.priors(analysis), key);
  const expected = useLatest(() => client.priorPrediction(analysis), key);
  const [open, setOpen] = useState<string | null>(null);
  const [past, setPast] = useState<Past[]>([]);
  const newest = useRef(chosen);
  useEffect(() => {
    newest.current = chosen;
  });
  const put = (priors: PriorChoices) => {
    newest.current = priors;
    onChange(priors);
  };
  const change: ChangePriors = (update, what, mark = '') => {
    const priors = newest.current;
    setPast(old =>
      mark !== '' && old.at(-1)?.mark === mark
        ? old
        : [...old, { priors, what, mark }]
    );
    put(update(priors));
  };
  const undo = (last: Past) => {
    setPast(past.slice(0, -1));
    put(last.priors);
  };
  const last = past.at(-1);
  const rows = table.value?.priors ?? [];
  const distributions = table.value?.distributions ?? {};
  return (
    <div className="jp-modelcompose-Priors">
      {!table.value && table.busy && <Busy text="Reading the priors…" />}
      <Problem error={table.error} />
      <ul aria-label="Priors" aria-busy={table.busy}>
        {rows.map(row => (
          <Row
            key={row.name}
            row={row}
            open={row.name === open}
            onToggle={() => setOpen(row.name === open ? null : row.name)}
          >
            <PriorEditor
              client={client}
              analysis={analysis}
              row={row}
              distributions={distributions}
              onChange={change}
            />
          </Row>
        ))}
      </ul>
      {last && (
        <div className="jp-modelcompose-Undo" role="status">
          <span>Changed: {last.what}.</span>
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            onClick={() => undo(last)}
          >
            Undo the last change
          </button>
        </div>
      )}
      {rows.length > 0 && (
        <WholeAnswers
          client={client}
          analysis={analysis}
          outcome={expected.value?.outcome ?? analysis.outcome ?? ''}
          unit={expected.value?.unit ?? ''}
          onChange={change}
        />
      )}
      <Expectation latest={expected} />
    </div>
  );
}

/** What priors depend on: all choices but the words of the question. */
function keyOf(analysis: Analysis): string {
  return JSON.stringify({ ...analysis, estimand: '' });
}

function Row(props: {
  row: PriorRow;
  open: boolean;
  onToggle: () => void;
  children: React.ReactNode;
}) {
  const { row, open, onToggle, children } = props;
  // Once opened it stays: what was typed, and an answer on its way, outlive a look at another prior.
  const [seen, setSeen] = useState(false);
  return (
    <li className="jp-modelcompose-Prior">
      <button
        className="jp-modelcompose-Prior-head"
        aria-expanded={open}
        onClick={() => {
          setSeen(true);
          onToggle();
        }}
      >
        <strong>{row.label}</strong>
        <code>{row.words}</code>
        {row.yours && <Badge tone="info" text="Yours" />}
      </button>
      <Density curve={row.density} label={row.range_words} />
      <p>{row.range_words}</p>
      <small>Source: {row.source}</small>
      {seen && <div hidden={!open}>{children}</div>}
    </li>
  );
}
