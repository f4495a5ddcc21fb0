import { Round, Verdict } from '../../api/port';
import { Badge } from '../Badge';
import { verdictTone, verdictWord } from '../steps';
import { Details } from './Details';
import { VerdictActions, VerdictCard } from './VerdictCard';
import { useWords } from '../words';

/** A verdict as it stands below its cell: the card of the guide, with what it measured and its picture. */
export function VerdictOutput(props: {
  verdict: Verdict;
  /** As PNG, base64; empty without one. */
  picture: string;
  stale: boolean;
  change: Round | null;
  actions: VerdictActions | null;
}) {
  const t = useWords();
  const { verdict, picture, stale } = props;
  const waived = verdict.waived !== null && verdict.waived !== undefined;
  return (
    <article
      className="jp-modelcompose-Output jp-modelcompose-Surface"
      data-tone={stale ? 'stale' : verdictTone(verdict.status, waived)}
      aria-label={verdict.title}
    >
      <header>
        <strong>{verdict.title}</strong>{' '}
        {stale ? (
          <Badge tone="stale" text={t.__('Out of date')} />
        ) : (
          <Badge
            tone={verdictTone(verdict.status, waived)}
            text={t.__(verdictWord(verdict.status, waived))}
          />
        )}
      </header>
      <div className="jp-modelcompose-Output-body">
        <VerdictCard {...props} />
        {picture && (
          <img
            alt={verdict.alt || verdict.title}
            src={`data:image/png;base64,${picture}`}
          />
        )}
      </div>
      <Details details={verdict.details ?? {}} order={verdict.order ?? []} />
    </article>
  );
}

/** Whether something that calls itself a verdict can be drawn as one: notebooks are files that anybody may have written. */
export function isVerdict(value: unknown): value is Verdict {
  const verdict = value as Partial<Verdict> | null | undefined;
  return (
    verdict?.version === 1 &&
    typeof verdict.step === 'string' &&
    typeof verdict.title === 'string' &&
    typeof verdict.sentence === 'string' &&
    typeof verdict.status === 'string' &&
    ['pass', 'warn', 'fail', 'info'].includes(verdict.status) &&
    [verdict.findings, verdict.remedies].every(
      list => Array.isArray(list) && list.every(one => one instanceof Object)
    )
  );
}
