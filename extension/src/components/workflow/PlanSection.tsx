import { FormEvent, useId, useState } from 'react';

import { Planned } from '../../api/port';
import { useAction } from '../action';
import { Badge } from '../Badge';
import { useLatest } from '../live';
import { Problem } from '../Problem';
import { useWords } from '../words';

const NONE: Planned = { plan: null, deviations: [] };

/** What was decided before anybody looked at the result, and what differs from it now. */
export function PlanSection(props: {
  /** Whether the notebook names a plan. */
  locked: boolean;
  /** Changes whenever a choice does. */
  choices: string;
  busy: boolean;
  load: () => Promise<Planned>;
  onLock: (by: string) => Promise<void>;
}) {
  const t = useWords();
  const { locked, choices, busy, load, onLock } = props;
  const { value, error } = useLatest(
    () => (locked ? load() : Promise.resolve(NONE)),
    `${locked} ${choices}`
  );
  const { plan, deviations } = value ?? NONE;
  return (
    <details className="jp-modelcompose-Details jp-modelcompose-Plan">
      <summary>
        {plan
          ? t.__('Plan locked since %1', time(plan.when))
          : t.__('Plan: not locked')}{' '}
        {deviations.length > 0 && (
          <Badge
            tone="warn"
            text={t._n('%1 deviation', '%1 deviations', deviations.length)}
          />
        )}
      </summary>
      <div className="jp-modelcompose-Disclosed">
        <Problem error={error} />
        {plan && (
          <>
            <p className="jp-modelcompose-small">
              {plan.by && `${t.__('By %1.', plan.by)} `}
              {t.__(
                'Question, columns, models and thresholds are held against it. Its hash is:'
              )}{' '}
              <code>{plan.digest.slice(0, 12)}</code>
            </p>
            {deviations.length === 0 && (
              <p>{t.__('Everything is as it was planned.')}</p>
            )}
            <ul
              className="jp-modelcompose-Notes"
              aria-label={t.__('Deviations')}
            >
              {deviations.map(({ what, planned, now }) => (
                <li key={what}>
                  <strong>{what}</strong>:{' '}
                  {t.__('planned %1, now %2', planned, now)}
                </li>
              ))}
            </ul>
          </>
        )}
        <Lock again={plan !== null} busy={busy} onLock={onLock} />
      </div>
    </details>
  );
}

function Lock(props: {
  again: boolean;
  busy: boolean;
  onLock: (by: string) => Promise<void>;
}) {
  const t = useWords();
  const { again, busy, onLock } = props;
  const [by, setBy] = useState('');
  const id = useId();
  const locking = useAction();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void locking.start(() => onLock(by.trim()));
  };
  return (
    <form className="jp-modelcompose-Form" onSubmit={submit}>
      <p className="jp-modelcompose-small">
        {again
          ? t.__(
              'Locking again makes a new plan, which names the one it replaces.'
            )
          : t.__(
              'Freezes question, estimand, models and thresholds, with the time and a hash, before you look at the result. Whatever is changed later is listed here and in the report.'
            )}
      </p>
      <div className="jp-modelcompose-Field">
        <label htmlFor={id}>{t.__('Who decides? (may stay empty)')}</label>
        <input
          id={id}
          value={by}
          onChange={event => setBy(event.target.value)}
        />
      </div>
      <Problem error={locking.error} />
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button"
          disabled={busy || locking.busy}
        >
          {again ? t.__('Lock a new plan') : t.__('Lock the plan')}
        </button>
      </div>
    </form>
  );
}

function time(iso: string): string {
  return new Date(iso).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short'
  });
}
