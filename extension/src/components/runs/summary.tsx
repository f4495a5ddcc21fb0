import { Run } from '../../api/port';
import { Mark } from '../Badge';
import { RUN_WORDS, verdictTone, verdictWord } from '../steps';

export function runWord({ status, paused }: Run): string {
  return status === 'running' && paused ? 'Paused' : RUN_WORDS[status];
}

/** What tells a run from others, in the order in which one looks for it. */
export function facts(run: Run): string[] {
  const { kind, model, started, sampler, attempt, priority } = run;
  return [
    KINDS[kind],
    model,
    sampler && sampler !== USUAL_SAMPLER ? `drawn by ${sampler}` : '',
    new Date(started).toLocaleString(),
    attempt > 1 ? `attempt ${attempt}` : '',
    priority !== 0 ? `priority ${priority}` : ''
  ].filter(Boolean);
}

const USUAL_SAMPLER = 'nutpie';

const KINDS: Record<Run['kind'], string> = {
  run: '',
  sweep: 'Sweep',
  tracked: 'Fitted by own code',
  imported: 'Brought in'
};

export function Dots({ run }: { run: Run }) {
  return (
    <ul className="jp-modelcompose-Dots" aria-label="Verdicts">
      {run.verdicts.map(({ step, title, status, sentence, waived }) => {
        const text = `${title} ${verdictWord(status, waived)}. ${sentence}`;
        return (
          <li key={step} title={text}>
            <Mark tone={verdictTone(status, waived)} />
            <span className="jp-modelcompose-hidden">{text}</span>
          </li>
        );
      })}
    </ul>
  );
}
