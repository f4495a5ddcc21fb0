import {
  Changes,
  Finding,
  FindingChange,
  Inspection,
  Lineage,
  Remedy,
  Round,
  Run,
  RunStatus,
  Status,
  StepView,
  Verdict
} from '../../api/port';

const SEVERITY: Status[] = ['info', 'pass', 'warn', 'fail'];

/** The gravest of some statuses, as the workbench ranks them. */
export function worst(statuses: Status[]): Status {
  return statuses.reduce(
    (one, other) =>
      SEVERITY.indexOf(other) > SEVERITY.indexOf(one) ? other : one,
    'info'
  );
}

/** A verdict as the rest of the workflow has to take it: a failure that was let pass is a warning. */
export function gate({ status, waived }: Verdict): Status {
  return status === 'fail' && waived ? 'warn' : status;
}

/** Whether a round has been changed, but not yet judged. */
function isPending({ status }: Round): boolean {
  return status === 'running';
}

/**
 * The lineage of a notebook with one more round: a remedy was taken at a step, and nothing has run since.
 *
 * The round keeps every finding as it was, so that it can be told later what became of each.
 */
export function withRound(
  lineage: Lineage | null,
  before: Inspection,
  remedy: Remedy,
  step: string
): Lineage {
  const known = lineage ? settledRounds(lineage) : [];
  const rounds = known.length > 0 ? known : [asItWas(before)];
  const round: Round = {
    ...asItWas(before),
    id: String(1 + Math.max(...rounds.map(({ id }) => Number(id) || 0))),
    parent: (lineage ? current({ ...lineage, rounds }) : rounds[0]!).id,
    label: remedy.label,
    why: remedy.why,
    cost: remedy.cost,
    step,
    changes: remedy.changes,
    findings: judged(before.steps).flatMap(({ step, verdict }) =>
      verdict.findings.map(finding => ({ ...was(finding), step }))
    ),
    status: 'running'
  };
  return {
    version: 1,
    best: lineage?.best ?? rounds[0]!.id,
    stopped: '',
    rounds: [...rounds, round]
  };
}

/** The lineage once its last change has been judged; null as long as there is no news. */
export function settled(
  lineage: Lineage,
  inspection: Inspection
): Lineage | null {
  const last = lineage.rounds.at(-1);
  const answered = judged(inspection.steps);
  if (
    !last ||
    !isPending(last) ||
    !answered.some(({ step }) => step === last.step)
  ) {
    return null;
  }
  const now = asItWas(inspection);
  const round: Round = {
    ...last,
    model: now.model,
    formula: now.formula,
    verdicts: now.verdicts,
    status: now.status,
    findings: compared(last.findings, answered)
  };
  const rounds = [...lineage.rounds.slice(0, -1), round];
  return { ...lineage, rounds, best: best(rounds) };
}

/** The round that the notebook stands at: the last one, or the best one of an autopilot that has ended. */
function current({ rounds, best, stopped }: Lineage): Round {
  const found = stopped && rounds.find(({ id }) => id === best);
  return found || rounds.at(-1)!;
}

/** What was changed at a step and what came of it, when that is the last thing that was changed. */
export function lastChange(
  lineage: Lineage | null,
  step: string
): Round | null {
  const last = lineage && current(lineage);
  return last && last.parent && last.step === step && !isPending(last)
    ? last
    : null;
}

/** Every change of choices from the round that a run began with to its best one. */
export function changesTo({ rounds, best }: Lineage, run: string): Changes {
  const changes = (id: string): Changes => {
    const round = rounds.find(one => one.id === id);
    return round && round.run !== run
      ? { ...changes(round.parent), ...round.changes }
      : {};
  };
  return changes(best);
}

function settledRounds({ rounds }: Lineage): Round[] {
  return rounds.filter(round => !isPending(round));
}

function asItWas({ analysis, steps }: Inspection): Round {
  const verdicts = Object.fromEntries(
    judged(steps).map(({ step, verdict }) => [step, gate(verdict)])
  );
  const formula = analysis?.formula ?? '';
  return {
    id: '1',
    parent: '',
    label: 'As it was',
    why: '',
    cost: '',
    step: '',
    changes: {},
    model: analysis?.model ?? '',
    formula: Array.isArray(formula) ? formula.join('; ') : formula,
    verdicts,
    findings: [],
    elpd: null,
    elpd_se: null,
    rows: '',
    seconds: 0,
    status: RUN_STATUS[worst(Object.values(verdicts))],
    run: ''
  };
}

const RUN_STATUS: Record<Status, RunStatus> = {
  info: 'passed',
  pass: 'passed',
  warn: 'warned',
  fail: 'failed'
};

type Judged = StepView & { verdict: Verdict };

function judged(steps: StepView[]): Judged[] {
  return steps.filter(
    (step): step is Judged => step.verdict !== null && !step.stale
  );
}

function was({ name, status, shown }: Finding): FindingChange {
  return {
    step: '',
    name,
    before_status: status,
    before: shown,
    status: '',
    shown: ''
  };
}

/** Every finding of the steps that were judged since, when it did not pass before or does not now. */
function compared(before: FindingChange[], steps: Judged[]): FindingChange[] {
  return steps.flatMap(({ step, verdict }) => {
    const old = before.filter(one => one.step === step);
    const gone = old.filter(
      ({ name }) => !verdict.findings.some(now => now.name === name)
    );
    const now = verdict.findings.map(({ name, status, shown }) => {
      const found = old.find(one => one.name === name);
      return {
        step,
        name,
        before_status: found?.before_status ?? '',
        before: found?.before ?? '',
        status,
        shown
      } as const;
    });
    return [...now, ...gone].filter(
      one => isBad(one.before_status) || isBad(one.status)
    );
  });
}

function isBad(status: Status | ''): boolean {
  return status === 'warn' || status === 'fail';
}

/** The last round that is no worse than those before it, at the steps that both were judged at. */
function best(rounds: Round[]): string {
  return rounds
    .filter(round => !isPending(round))
    .reduce((one, other) => (isWorse(other, one) ? one : other)).id;
}

function isWorse(round: Round, than: Round): boolean {
  const shared = Object.keys(round.verdicts).filter(
    step => step in than.verdicts
  );
  const count = ({ verdicts }: Round, status: Status) =>
    shared.filter(step => verdicts[step] === status).length;
  const fails = count(round, 'fail') - count(than, 'fail');
  return (
    fails > 0 || (fails === 0 && count(round, 'warn') > count(than, 'warn'))
  );
}

/** How a run ended that may have mended itself: as its best round did. */
export function outcome({ status, lineage }: Run): RunStatus {
  const best = lineage?.rounds.find(({ id }) => id === lineage.best);
  return best && lineage?.stopped ? best.status : status;
}
