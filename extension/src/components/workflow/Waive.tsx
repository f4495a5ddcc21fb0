import { FormEvent, useId, useState } from 'react';

import { Waiver } from '../../api/port';
import { useAction } from '../action';
import { Problem } from '../Problem';

type OnWaive = (by: string, reason: string) => Promise<void>;

/** Lets a failed check pass, in somebody's name and for a reason that everybody sees. */
export function Waive(props: { by: string; busy: boolean; onWaive: OnWaive }) {
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
        Let it pass…
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
      aria-label="Let it pass"
      onSubmit={submit}
    >
      <p className="jp-modelcompose-small">
        The check stays failed, but the analysis goes on. Your name and reason
        are shown in the notebook, in every run, in the report and in the app.
      </p>
      <div className="jp-modelcompose-Field">
        <label htmlFor={nameId}>Who answers for it?</label>
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
          Why may the result be used all the same?
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
          Let it pass
        </button>
        <button
          type="button"
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => setOpen(false)}
        >
          Cancel
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
  const { waiver, busy, onTakeBack } = props;
  const taking = useAction();
  const when = waiver.when && new Date(waiver.when).toLocaleDateString();
  return (
    <div className="jp-modelcompose-Waived">
      <p>
        <strong>
          Let pass by {waiver.by}
          {when && ` on ${when}`}:
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
          Take back
        </button>
      )}
    </div>
  );
}
