import { useEffect, useRef } from 'react';

import {
  Changes,
  PriorClient,
  Remedy,
  StepView,
  WorkbenchClient
} from '../../api/port';
import { Badge, Mark } from '../Badge';
import { NotebookPriors } from '../models/NotebookPriors';
import { Progress } from '../Progress';
import { stepTone, stepWord } from '../steps';
import { Computation } from './Computation';
import { EditedByHand } from './Difference';
import { lastChange } from './lineage';
import { VerdictCard } from './VerdictCard';
import { AnalysisActions, AnalysisView, verdictActions } from './view';
import { useWords } from '../words';

/** The step that judges the priors. */
const PRIOR_STEP = 'prior';
/** The step that draws from the posterior. */
const FIT_STEP = 'fit';

interface Props {
  client: PriorClient & Pick<WorkbenchClient, 'schema'>;
  step: StepView;
  view: AnalysisView;
  actions: AnalysisActions;
  busy: boolean;
}

/** One step: how it stands, and opened, what its check found and what can be done. */
export function Step(props: Props & { open: boolean; onToggle: () => void }) {
  const t = useWords();
  const { step, view, open, onToggle } = props;
  const running = view.running.includes(step.step);
  const tone = stepTone(step, running);
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
        <Mark tone={tone} />
        <span className="jp-modelcompose-Step-title">
          {step.title}{' '}
          {step.edited && <Badge tone="info" text={t.__('Edited by hand')} />}
        </span>
        <span className="jp-modelcompose-Step-word" data-tone={tone}>
          {t.__(stepWord(step, running))}
        </span>
      </button>
      {running && view.sampling && <Progress sampling={view.sampling} />}
      {open && <Body {...props} />}
    </li>
  );
}

function Body({ client, step, view, actions, busy }: Props) {
  const t = useWords();
  const byHand = (label: string, changes: Changes): Remedy => {
    const why = t.__('Chosen by hand.');
    return { label, why, changes, cost: '', score: 0 };
  };
  const { analysis } = view.inspection;
  return (
    <div className="jp-modelcompose-Step-body">
      {!step.verdict && step.explanation !== step.title && (
        <p className="jp-modelcompose-Step-explanation">{step.explanation}</p>
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
          change={lastChange(view.lineage, step.step)}
          actions={verdictActions(view, actions, step.step)}
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
              byHand(t.__('Other priors'), { priors }),
              step.step
            )
          }
        />
      )}
      {step.step === FIT_STEP && analysis && (
        <Computation
          client={client}
          analysis={analysis}
          busy={busy}
          onPut={changes =>
            actions.applyRemedy(
              byHand(t.__('Computed otherwise'), changes),
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
          {t.__('Show in notebook')}
        </button>
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          disabled={busy}
          onClick={() => actions.runStep(step.step)}
        >
          {step.state === 'todo' ? t.__('Run up to here') : t.__('Run again')}
        </button>
      </div>
    </div>
  );
}
