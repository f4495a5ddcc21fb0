import { useEffect, useState } from 'react';

import { Schema, WorkbenchClient } from '../../api/port';
import { useAction } from '../action';
import { Disclosure } from '../Disclosure';
import { located } from '../models/located';
import { Problem } from '../Problem';
import { AutopilotResult } from './Autopilot';
import { BackgroundRun, Controls } from './Controls';
import { LineageGraph } from './LineageGraph';
import { Phases } from './Phases';
import { PlanSection } from './PlanSection';
import { RulesInForce } from './RulesInForce';
import { Step } from './Step';
import { AnalysisActions, AnalysisView, focus, isBusy } from './view';
import { useWords } from '../words';

interface Props {
  client: WorkbenchClient;
  view: AnalysisView;
  actions: AnalysisActions;
}

/** The steps of the active notebook, their verdicts, and what comes next. */
export function Workflow({ client, view, actions }: Props) {
  const t = useWords();
  const { steps, problem } = view.inspection;
  const busy = isBusy(view);
  const [opened, toggle] = useOpenStep(view);
  return (
    <div className="jp-modelcompose-Workflow">
      <Heading view={view} />
      <Problem error={view.error ?? problem} />
      {view.undo && !busy && (
        <div className="jp-modelcompose-Undo" role="status">
          <span>{t.__('Changed: %1.', view.undo)}</span>
          <button
            className="jp-modelcompose-Button jp-mod-quiet"
            onClick={() => actions.undo()}
          >
            {t.__('Undo')}
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
      {view.tried && (
        <AutopilotResult
          run={view.tried}
          busy={busy}
          onTakeOver={() => actions.takeOver()}
          onOpen={() => actions.openBest()}
          onDismiss={() => actions.closeTried()}
        />
      )}
      <Phases steps={steps} running={view.running} shown={focus(view)}>
        {step => (
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
        )}
      </Phases>
      <Rest client={client} view={view} actions={actions} busy={busy} />
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

/** What holds for the whole analysis: how it came about, its plan, its rules, and the steps it does without. */
function Rest(props: Props & { busy: boolean }) {
  const t = useWords();
  const { client, view, actions, busy } = props;
  const { analysis, steps } = view.inspection;
  const { lineage } = view;
  if (!analysis) {
    return null;
  }
  return (
    <div className="jp-modelcompose-Rest">
      {lineage && lineage.rounds.length > 1 && (
        <Disclosure summary={t.__('How this model came about')}>
          {lineage.stopped && <p>{lineage.stopped}</p>}
          <LineageGraph lineage={lineage} />
        </Disclosure>
      )}
      <PlanSection
        key={view.path}
        locked={Boolean(analysis.plan)}
        choices={JSON.stringify(analysis)}
        busy={busy}
        load={() => actions.plan()}
        onLock={by => actions.lockPlan(by)}
      />
      <RulesInForce
        client={client}
        policy={String(located(analysis, view.path).policy ?? '')}
      />
      <AllSteps
        client={client}
        count={steps.length}
        busy={busy}
        onCompose={() => actions.composeFull()}
      />
    </div>
  );
}

/** On a short notebook, the way to the steps that it does without. */
function AllSteps(props: {
  client: Pick<WorkbenchClient, 'schema'>;
  count: number;
  busy: boolean;
  onCompose: () => void;
}) {
  const t = useWords();
  const { client, count, busy, onCompose } = props;
  const [schema, setSchema] = useState<Schema | null>(null);
  const { start } = useAction();
  useEffect(
    () => void start(() => client.schema(), setSchema),
    [client, start]
  );
  const all = schema?.steps.length ?? 0;
  if (count === 0 || count >= all) {
    return null;
  }
  return (
    <p className="jp-modelcompose-small">
      {t.__('These are the %1 most important of %2 steps.', count, all)}{' '}
      <button
        className="jp-modelcompose-Button jp-mod-quiet"
        disabled={busy}
        title={t.__(
          'Makes a new notebook with the same choices and every step; this one stays as it is'
        )}
        onClick={onCompose}
      >
        {t.__('Go through all steps')}
      </button>
    </p>
  );
}
