import { FormEvent, useId, useState } from 'react';

import { Run } from '../../api/port';
import { Badge } from '../Badge';
import { RUN_TONES, RUN_WORDS } from '../steps';
import { outcome } from './lineage';
import { LineageGraph } from './LineageGraph';
import { useWords } from '../words';

const ROUNDS = 3;
const MOST = 20;

/** Asks how far remedies may be tried without the user. */
export function Autopilot(props: {
  onStart: (rounds: number) => void;
  onCancel: () => void;
}) {
  const t = useWords();
  const [rounds, setRounds] = useState(String(ROUNDS));
  const id = useId();
  const wanted = Number(rounds);
  const valid = Number.isInteger(wanted) && wanted >= 1 && wanted <= MOST;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.onStart(wanted);
  };
  return (
    <form
      className="jp-modelcompose-Form"
      aria-label={t.__('Try remedies by itself')}
      onSubmit={submit}
    >
      <p className="jp-modelcompose-small">
        {t.__(
          'Runs a copy in the background. Where a check fails, the most promising remedy is taken and what depends on it runs again, until every check passes or nothing helps. Your notebook stays as it is until you take the result over.'
        )}
      </p>
      <div className="jp-modelcompose-Field">
        <label htmlFor={id}>{t.__('How many changes at most?')}</label>
        <input
          id={id}
          type="number"
          min={1}
          max={MOST}
          autoFocus
          value={rounds}
          onChange={event => setRounds(event.target.value)}
        />
      </div>
      <div className="jp-modelcompose-Buttons">
        <button className="jp-modelcompose-Button" disabled={!valid}>
          {t.__('Start')}
        </button>
        <button
          type="button"
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={props.onCancel}
        >
          {t.__('Cancel')}
        </button>
      </div>
    </form>
  );
}

/** What came of it: every round, why it stopped, and what to do with the best one. */
export function AutopilotResult(props: {
  run: Run;
  busy: boolean;
  onTakeOver: () => void;
  onOpen: () => void;
  onDismiss: () => void;
}) {
  const t = useWords();
  const { run, busy } = props;
  const { lineage } = run;
  if (!lineage) {
    return null;
  }
  const ended = outcome(run);
  const best = lineage.rounds.find(({ id }) => id === lineage.best);
  return (
    <section
      className="jp-modelcompose-Background"
      aria-label={t.__('Remedies tried by itself')}
    >
      <div className="jp-modelcompose-Run-head">
        <strong>{run.name}</strong>
        <Badge tone={RUN_TONES[ended]} text={t.__(RUN_WORDS[ended])} />
      </div>
      <p role="status">{lineage.stopped || run.message}</p>
      <LineageGraph lineage={lineage} />
      <div className="jp-modelcompose-Buttons">
        {best?.parent && (
          <button
            className="jp-modelcompose-Button jp-mod-primary"
            disabled={busy}
            title={t.__('Changes the open notebook to what the best round had')}
            onClick={props.onTakeOver}
          >
            {t.__('Take these choices over')}
          </button>
        )}
        {best?.run && (
          <button className="jp-modelcompose-Button" onClick={props.onOpen}>
            {t.__('Open its notebook')}
          </button>
        )}
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={props.onDismiss}
        >
          {t.__('Close')}
        </button>
      </div>
    </section>
  );
}
