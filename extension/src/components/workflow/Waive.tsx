import { FormEvent, useId, useState } from 'react';

import { Waiver } from '../../api/port';
import { useAction } from '../action';
import { Problem } from '../Problem';
import { useWords } from '../words';

type OnWaive = (by: string, reason: string) => Promise<void>;

/** Lets a failed check pass, in somebody's name and for a reason that everybody sees. */
export function Waive(props: { by: string; busy: boolean; onWaive: OnWaive }) {
  const t = useWords();
  const { busy, onWaive } = props;
  const [open, setOpen] = useState(false);
  const [by, setBy] = useState(props.by);
  const [reason, setReason] = useState('');
  const [nameId, reasonId] = [useId(), useId()];
  const waiving = useAction();
  if (!open) {
    return (
      <button
        className="jp-modelcompose-Button jp-mod-quiet"
        disabled={busy}
        onClick={() => setOpen(true)}
      >
        {t.__('Let it pass…')}
      </button>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void waiving.start(() => onWaive(by.trim(), reason.trim()));
  };
  return (
    <form
      className="jp-modelcompose-Form"
      aria-label={t.__('Let it pass')}
      onSubmit={submit}
    >
      <p className="jp-modelcompose-small">
        {t.__(
          'The check stays failed, but the analysis goes on. Your name and reason are shown in the notebook, in every run, in the report and in the app.'
        )}
      </p>
      <div className="jp-modelcompose-Field">
        <label htmlFor={nameId}>{t.__('Who answers for it?')}</label>
        <input
          id={nameId}
          required
          autoFocus
          value={by}
          onChange={event => setBy(event.target.value)}
        />
      </div>
      <div className="jp-modelcompose-Field">
        <label htmlFor={reasonId}>
          {t.__('Why may the result be used all the same?')}
        </label>
        <textarea
          id={reasonId}
          required
          rows={2}
          value={reason}
          onChange={event => setReason(event.target.value)}
        />
      </div>
      <Problem error={waiving.error} />
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button"
          disabled={busy || waiving.busy || !by.trim() || !reason.trim()}
        >
          {t.__('Let it pass')}
        </button>
        <button
          type="button"
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => setOpen(false)}
        >
          {t.__('Cancel')}
        </button>
      </div>
    </form>
  );
}

/** Says who let a failure pass, and why. */
export function Waived(props: {
  waiver: Waiver;
  busy: boolean;
  /** Null where nothing can be done about it. */
  onTakeBack: (() => Promise<void>) | null;
}) {
  const t = useWords();
  const { waiver, busy, onTakeBack } = props;
  const taking = useAction();
  const when = waiver.when && new Date(waiver.when).toLocaleDateString();
  return (
    <div className="jp-modelcompose-Waived">
      <p>
        <strong>
          {when
            ? t.__('Let pass by %1 on %2:', waiver.by, when)
            : t.__('Let pass by %1:', waiver.by)}
        </strong>{' '}
        {waiver.reason}
      </p>
      <Problem error={taking.error} />
      {onTakeBack && (
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          disabled={busy || taking.busy}
          onClick={() => void taking.start(onTakeBack)}
        >
          {t.__('Take back')}
        </button>
      )}
    </div>
  );
}
