import { ReactNode, useId, useState } from 'react';

import { StepView } from '../../api/port';
import { Mark, Tone } from '../Badge';
import { isDone, stepTone } from '../steps';
import { useWords, Words } from '../words';

/** So many steps can be seen at once; more of them stand in their phases. */
const MANY = 10;

/** The steps in order, and where there are many of them, by phase: each phase sums its steps up. */
export function Phases(props: {
  steps: StepView[];
  running: string[];
  /** The step that asks for attention: its phase is open until the user decides otherwise. */
  shown: string | null;
  children: (step: StepView) => ReactNode;
}) {
  const { steps, running, shown, children } = props;
  const current = steps.find(({ step }) => step === shown)?.phase ?? '';
  const [chosen, setChosen] = useState({
    current,
    open: {} as Record<string, boolean>
  });
  if (steps.length <= MANY) {
    return <ol className="jp-modelcompose-StepList">{steps.map(children)}</ol>;
  }
  const open = chosen.current === current ? chosen.open : {};
  const isOpen = (phase: string) => open[phase] ?? phase === current;
  return (
    <div className="jp-modelcompose-Phases">
      {phasesOf(steps).map(({ phase, own }) => (
        <Phase
          key={phase}
          title={phase}
          steps={own}
          running={running}
          open={isOpen(phase)}
          onToggle={() =>
            setChosen({ current, open: { ...open, [phase]: !isOpen(phase) } })
          }
        >
          {own.map(children)}
        </Phase>
      ))}
    </div>
  );
}

function Phase(props: {
  title: string;
  steps: StepView[];
  running: string[];
  open: boolean;
  onToggle: () => void;
  children: ReactNode;
}) {
  const { title, steps, running, open, onToggle, children } = props;
  const body = useId();
  const { tone, words } = summary(steps, running, useWords());
  return (
    <section className="jp-modelcompose-Phase" data-open={open}>
      <h4>
        <button
          className="jp-modelcompose-Phase-head"
          aria-expanded={open}
          aria-controls={body}
          onClick={onToggle}
        >
          <Mark tone={tone} />
          <span className="jp-modelcompose-Phase-title">{title}</span>
          <span className="jp-modelcompose-Step-word" data-tone={tone}>
            {words}
          </span>
        </button>
      </h4>
      <ol id={body} className="jp-modelcompose-StepList" hidden={!open}>
        {open && children}
      </ol>
    </section>
  );
}

/** A phase is as good as its worst step, and done when all of them are. */
export function summary(
  steps: StepView[],
  running: string[],
  t: Words
): { tone: Tone; words: string } {
  const tones = steps.map(one => stepTone(one, running.includes(one.step)));
  const done = steps.filter(isDone).length;
  const said = t.__('%1 of %2 done', done, steps.length);
  if (tones.includes('busy')) {
    return { tone: 'busy', words: t.__('Running') };
  }
  if (tones.includes('fail')) {
    return { tone: 'fail', words: t.__('Failed') };
  }
  if (done === 0) {
    return { tone: 'idle', words: said };
  }
  if (tones.includes('warn') || tones.includes('waived')) {
    return {
      tone: 'warn',
      words: done === steps.length ? t.__('Warned') : said
    };
  }
  return done === steps.length
    ? { tone: tones.includes('pass') ? 'pass' : 'info', words: t.__('Done') }
    : { tone: 'idle', words: said };
}

function phasesOf(steps: StepView[]): { phase: string; own: StepView[] }[] {
  const phases = [...new Set(steps.map(({ phase }) => phase))];
  return phases.map(phase => ({
    phase,
    own: steps.filter(step => step.phase === phase)
  }));
}
