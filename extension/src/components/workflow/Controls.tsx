import { useState } from 'react';

import { hasEnded } from '../../api/port';
import { Busy } from '../Busy';
import { Follow } from '../Follow';
import { failedStep, nextStep } from '../steps';
import { Autopilot } from './Autopilot';
import { AnalysisActions, AnalysisView, Background } from './view';
import { useWords } from '../words';

interface Props {
  view: AnalysisView;
  actions: AnalysisActions;
  busy: boolean;
}

/** What comes next, and other ways to run the notebook. */
export function Controls(props: Props) {
  const t = useWords();
  const { view, actions, busy } = props;
  const { steps } = view.inspection;
  const next = nextStep(steps);
  const failed = failedStep(steps);
  if (busy) {
    return (
      <div className="jp-modelcompose-Controls">
        <Busy text={view.activity ?? t.__('The notebook is running…')} />
        <button
          className="jp-modelcompose-Button"
          onClick={() => actions.interrupt()}
        >
          {t.__('Stop')}
        </button>
      </div>
    );
  }
  return (
    <div className="jp-modelcompose-Controls">
      {failed && (
        <p role="status">
          {t.__('“%1” failed. Its card below says what to try.', failed.title)}
        </p>
      )}
      {next ? (
        <button
          className={`jp-modelcompose-Button ${failed ? '' : 'jp-mod-primary'}`}
          onClick={() => actions.runNext()}
        >
          {failed
            ? t.__('Go on anyway: %1', next.title)
            : t.__('Next: %1', next.title)}
        </button>
      ) : (
        !failed && (
          <p role="status">{t.__('Every step is done and up to date.')}</p>
        )
      )}
      <OtherRuns {...props} more={next !== undefined} />
    </div>
  );
}

function OtherRuns({ view, actions, more }: Props & { more: boolean }) {
  const t = useWords();
  const [asking, setAsking] = useState(false);
  const background = view.background?.run.status;
  const running = background !== undefined && !hasEnded(background);
  return (
    <>
      <div className="jp-modelcompose-Buttons">
        {more && (
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            onClick={() => actions.runRest()}
          >
            {t.__('Run the rest')}
          </button>
        )}
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => actions.runAll()}
        >
          {t.__('Run from the start')}
        </button>
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          disabled={running}
          title={t.__(
            'Runs a copy of the notebook while you go on working, and keeps the result under Runs'
          )}
          onClick={() => actions.runInBackground()}
        >
          {t.__('Run in background')}
        </button>
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          disabled={running}
          aria-expanded={asking}
          onClick={() => setAsking(!asking)}
        >
          {t.__('Try remedies by itself')}
        </button>
      </div>
      {asking && !running && (
        <Autopilot
          onStart={rounds => {
            setAsking(false);
            actions.runInBackground(rounds);
          }}
          onCancel={() => setAsking(false)}
        />
      )}
    </>
  );
}

export function BackgroundRun(props: {
  background: Background;
  onStop: () => void;
}) {
  const t = useWords();
  const { run, step } = props.background;
  return (
    <div className="jp-modelcompose-Background">
      <span role="status">
        {t.__('In background: %1', run.name)}
        {step && ` · ${step}`}
      </span>
      <Follow following={props.background} />
      <button className="jp-modelcompose-Button" onClick={props.onStop}>
        {t.__('Stop the background run')}
      </button>
    </div>
  );
}
