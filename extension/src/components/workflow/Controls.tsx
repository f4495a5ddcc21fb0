import { useState } from 'react';

import { hasEnded } from '../../api/port';
import { Busy } from '../Busy';
import { Follow } from '../Follow';
import { failedStep, nextStep } from '../steps';
import { Autopilot } from './Autopilot';
import { AnalysisActions, AnalysisView, Background } from './view';

interface Props {
  view: AnalysisView;
  actions: AnalysisActions;
  busy: boolean;
}

/** What comes next, and other ways to run the notebook. */
export function Controls(props: Props) {
  const { view, actions, busy } = props;
  const { steps } = view.inspection;
  const next = nextStep(steps);
  const failed = failedStep(steps);
  if (busy) {
    return (
      <div className="jp-modelcompose-Controls">
        <Busy text={view.activity ?? 'The notebook is running…'} />
        <button
          className="jp-modelcompose-Button"
          onClick={() => actions.interrupt()}
        >
          Stop
        </button>
      </div>
    );
  }
  return (
    <div className="jp-modelcompose-Controls">
      {failed && (
        <p role="status">
          <strong>{failed.title}</strong> failed. Its card below says what to
          try.
        </p>
      )}
      {next ? (
        <button
          className={`jp-modelcompose-Button ${failed ? '' : 'jp-mod-primary'}`}
          onClick={() => actions.runNext()}
        >
          {failed ? 'Go on anyway' : 'Next'}: {next.title}
        </button>
      ) : (
        !failed && <p role="status">Every step is done and up to date.</p>
      )}
      <OtherRuns {...props} more={next !== undefined} />
    </div>
  );
}

function OtherRuns({ view, actions, more }: Props & { more: boolean }) {
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
            Run the rest
          </button>
        )}
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => actions.runAll()}
        >
          Run from the start
        </button>
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          disabled={running}
          title="Runs a copy of the notebook while you go on working, and keeps the result under Runs"
          onClick={() => actions.runInBackground()}
        >
          Run in background
        </button>
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          disabled={running}
          aria-expanded={asking}
          onClick={() => setAsking(!asking)}
        >
          Try remedies by itself
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
  const { run, step } = props.background;
  return (
    <div className="jp-modelcompose-Background">
      <span role="status">
        In background: {run.name}
        {step && ` · ${step}`}
      </span>
      <Follow following={props.background} />
      <button className="jp-modelcompose-Button" onClick={props.onStop}>
        Stop the background run
      </button>
    </div>
  );
}
