import { useEffect, useRef, useState } from 'react';

import {
  ErrorBody,
  Inspection,
  PriorClient,
  Remedy,
  Run,
  Sampling,
  StepView
} from '../api/port';
import { Badge, Mark } from './Badge';
import { Busy } from './Busy';
import { Changed, EditedByHand } from './Difference';
import { NotebookPriors } from './models/NotebookPriors';
import { Problem } from './Problem';
import { Progress } from './Progress';
import { failedStep, isDone, nextStep, stepTone, stepWord } from './steps';
import { VerdictCard } from './VerdictCard';

/** The step that judges the priors. */
const PRIOR_STEP = 'prior';

/** The active notebook as the panel draws it. */
export interface AnalysisView {
  path: string;
  inspection: Inspection;
  /** Steps whose cells are running in the notebook's kernel. */
  running: string[];
  /** What the panel is doing, or null when it waits for the user. */
  activity: string | null;
  sampling: Sampling | null;
  background: Background | null;
  error: ErrorBody | null;
  /** What was last written into the notebook for the user and can be taken back. */
  undo: string | null;
}

export interface Background {
  run: Run;
  step: string;
  sampling: Sampling | null;
}

export interface AnalysisActions {
  runNext(): void;
  runRest(): void;
  runAll(): void;
  runStep(step: string): void;
  interrupt(): void;
  applyRemedy(remedy: Remedy, step: string): void;
  runInBackground(): void;
  stopBackground(): void;
  showCell(step: string): void;
  compare(step: string): Promise<Changed[]>;
  takeComposed(step: string): void;
  undo(): void;
}

/** The steps of the active notebook, their verdicts, and what comes next. */
export function Workflow(props: {
  client: PriorClient;
  view: AnalysisView;
  actions: AnalysisActions;
}) {
  const { client, view, actions } = props;
  const { steps, problem } = view.inspection;
  const busy = view.activity !== null || view.running.length > 0;
  const [opened, toggle] = useOpenStep(view);
  return (
    <div className="jp-modelcompose-Workflow">
      <Heading view={view} />
      <Problem error={view.error ?? problem} />
      {view.undo && !busy && (
        <div className="jp-modelcompose-Undo" role="status">
          <span>Changed: {view.undo}.</span>
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            onClick={() => actions.undo()}
          >
            Undo
          </button>
        </div>
      )}
      <Controls view={view} actions={actions} busy={busy} />
      {view.background && (
        <BackgroundRun
          background={view.background}
          onStop={() => actions.stopBackground()}
        />
      )}
      <ol className="jp-modelcompose-Steps">
        {steps.map(step => (
          <Step
            client={client}
            key={step.step}
            step={step}
            view={view}
            actions={actions}
            busy={busy}
            open={step.step === opened}
            onToggle={() => toggle(step.step)}
          />
        ))}
      </ol>
    </div>
  );
}

/** The step opened by the user, until another one asks for attention. */
function useOpenStep(
  view: AnalysisView
): [string | null, (step: string) => void] {
  const suggested = focus(view);
  const occasion = `${view.path} ${suggested}`;
  const [chosen, setChosen] = useState({ occasion, step: suggested });
  const opened = chosen.occasion === occasion ? chosen.step : suggested;
  const toggle = (step: string) =>
    setChosen({ occasion, step: step === opened ? null : step });
  return [opened, toggle];
}

/** The step to show: what runs, else what failed, else the last one done, else the first. */
export function focus({ inspection, running }: AnalysisView): string | null {
  const { steps } = inspection;
  const failed = failedStep(steps);
  const last = steps.filter(isDone).at(-1);
  return running[0] ?? failed?.step ?? last?.step ?? steps[0]?.step ?? null;
}

function Heading({ view }: { view: AnalysisView }) {
  const { analysis } = view.inspection;
  const formula = analysis?.formula;
  return (
    <header className="jp-modelcompose-Heading">
      <small title={view.path}>{view.path}</small>
      {analysis?.estimand && <h3>{analysis.estimand}</h3>}
      {formula && formula.length > 0 && (
        <code>{Array.isArray(formula) ? formula.join('; ') : formula}</code>
      )}
    </header>
  );
}

function Controls(props: {
  view: AnalysisView;
  actions: AnalysisActions;
  busy: boolean;
}) {
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
      <div className="jp-modelcompose-Buttons">
        {next && (
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
          disabled={view.background?.run.status === 'running'}
          title="Runs a copy of the notebook while you go on working, and keeps the result under Runs"
          onClick={() => actions.runInBackground()}
        >
          Run in background
        </button>
      </div>
    </div>
  );
}

function BackgroundRun(props: { background: Background; onStop: () => void }) {
  const { run, step, sampling } = props.background;
  return (
    <div className="jp-modelcompose-Background" role="status">
      <span>
        In background: {run.name}
        {step && ` · ${step}`}
      </span>
      {sampling && <Progress sampling={sampling} />}
      <button className="jp-modelcompose-Button" onClick={props.onStop}>
        Stop the background run
      </button>
    </div>
  );
}

function Step(props: {
  client: PriorClient;
  step: StepView;
  view: AnalysisView;
  actions: AnalysisActions;
  busy: boolean;
  open: boolean;
  onToggle: () => void;
}) {
  const { client, step, view, actions, busy, open, onToggle } = props;
  const { analysis } = view.inspection;
  const running = view.running.includes(step.step);
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open && !step.stale) {
      item.current?.scrollIntoView?.({ block: 'nearest' });
    }
  }, [open, step.stale, step.state]);
  return (
    <li className="jp-modelcompose-Step" data-open={open} ref={item}>
      <button
        className="jp-modelcompose-Step-head"
        aria-expanded={open}
        aria-current={running ? 'step' : undefined}
        onClick={onToggle}
      >
        <Mark tone={stepTone(step, running)} />
        <span className="jp-modelcompose-Step-title">
          {step.title}{' '}
          {step.edited && <Badge tone="info" text="Edited by hand" />}
        </span>
        <span
          className="jp-modelcompose-Step-word"
          data-tone={stepTone(step, running)}
        >
          {stepWord(step, running)}
        </span>
      </button>
      {running && view.sampling && <Progress sampling={view.sampling} />}
      {open && (
        <div className="jp-modelcompose-Step-body">
          {!step.verdict && step.explanation !== step.title && (
            <p className="jp-modelcompose-Step-explanation">
              {step.explanation}
            </p>
          )}
          {step.edited && (
            <EditedByHand
              compare={() => actions.compare(step.step)}
              busy={busy}
              onTake={() => actions.takeComposed(step.step)}
            />
          )}
          {step.verdict && (
            <VerdictCard
              verdict={step.verdict}
              stale={step.stale}
              busy={busy}
              onRemedy={remedy => actions.applyRemedy(remedy, step.step)}
            />
          )}
          {step.step === PRIOR_STEP && analysis && (
            <NotebookPriors
              client={client}
              analysis={analysis}
              path={view.path}
              busy={busy}
              onPut={priors =>
                actions.applyRemedy(
                  { label: 'the priors', why: '', changes: { priors } },
                  step.step
                )
              }
            />
          )}
          <div className="jp-modelcompose-Buttons">
            <button
              className="jp-modelcompose-Button jp-mod-quiet"
              onClick={() => actions.showCell(step.step)}
            >
              Show in notebook
            </button>
            <button
              className="jp-modelcompose-Button jp-mod-quiet"
              disabled={busy}
              onClick={() => actions.runStep(step.step)}
            >
              {step.state === 'todo' ? 'Run up to here' : 'Run again'}
            </button>
          </div>
        </div>
      )}
    </li>
  );
}
