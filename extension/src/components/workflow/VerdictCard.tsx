import { Finding, Remedy, Round, Verdict } from '../../api/port';
import { Mark } from '../Badge';
import { STATUS_WORDS } from '../steps';
import { Explained } from '../Term';
import { BeforeAfter } from './BeforeAfter';
import { Remedies } from './Remedies';
import { Waive, Waived } from './Waive';
import { useWords } from '../words';

/** Policies of one's own are named; the thresholds that everybody has need no word. */
const DEFAULTS = /^ModelCompose['’]s defaults/;

/** What can be done about a verdict where its notebook is open. */
export interface VerdictActions {
  busy: boolean;
  /** Who let a failure pass before; the first proposal for who does so now. */
  by: string;
  onRemedy: (remedy: Remedy) => void;
  onWaive: (by: string, reason: string) => Promise<void>;
}

/** What a step's check found, how it was judged, and what to do about it. */
export function VerdictCard(props: {
  verdict: Verdict;
  stale: boolean;
  /** The change that this verdict followed, when it was made here. */
  change: Round | null;
  /** Null where the card can only be read. */
  actions: VerdictActions | null;
}) {
  const t = useWords();
  const { verdict, stale, change, actions } = props;
  const { waived } = verdict;
  const failed = verdict.status === 'fail' && !stale && !waived;
  return (
    <div className="jp-modelcompose-Verdict" data-stale={stale}>
      <p className="jp-modelcompose-Verdict-sentence">
        <Explained text={verdict.sentence} />
      </p>
      {stale && (
        <p className="jp-modelcompose-small">
          {t.__(
            'Something that this step depends on changed after it ran; before that it said “%1”. Run it again before you rely on it.',
            t.__(STATUS_WORDS[verdict.status])
          )}
        </p>
      )}
      {verdict.partial && (
        <p className="jp-modelcompose-small">
          {t.__(
            'Sampling was stopped early: this judges the draws made until then.'
          )}
        </p>
      )}
      {waived && (
        <Waived
          waiver={waived}
          busy={actions?.busy ?? false}
          onTakeBack={actions && (() => actions.onWaive(waived.by, ''))}
        />
      )}
      {change && !stale && <BeforeAfter round={change} step={verdict.step} />}
      {verdict.remedies.length > 0 && (
        <Remedies
          remedies={verdict.remedies}
          urgent={failed}
          busy={actions?.busy ?? false}
          onTry={actions && actions.onRemedy}
        />
      )}
      {failed && actions && <Waive {...actions} />}
      <Findings findings={verdict.findings} />
      {verdict.policy && !DEFAULTS.test(verdict.policy) && (
        <p className="jp-modelcompose-small">
          {t.__('Judged by the rules of %1.', verdict.policy)}
        </p>
      )}
    </div>
  );
}

function Findings({ findings }: { findings: Finding[] }) {
  const t = useWords();
  if (findings.length === 0) {
    return null;
  }
  return (
    <ul className="jp-modelcompose-Findings" aria-label={t.__('Findings')}>
      {findings.map(finding => (
        <FindingItem key={finding.name} finding={finding} />
      ))}
    </ul>
  );
}

/** A finding that asks for attention is told in full; of the others one line says enough until it is opened. */
function FindingItem({ finding }: { finding: Finding }) {
  const t = useWords();
  const { name, rule, status, shown, threshold, sentence, source } = finding;
  return (
    <li>
      <details open={status === 'warn' || status === 'fail'}>
        <summary>
          <Mark tone={status} />
          <span className="jp-modelcompose-Finding-line">
            <span className="jp-modelcompose-Finding-name">
              <Explained text={name} />
            </span>
            <span className="jp-modelcompose-Finding-value">{shown}</span>
          </span>
        </summary>
        <p className="jp-modelcompose-small">
          <span data-tone={status} className="jp-modelcompose-Finding-status">
            {t.__(STATUS_WORDS[status])}
          </span>
          {threshold && t.__(', should be %1', threshold)}. {sentence}
        </p>
        {source && (
          <p className="jp-modelcompose-Finding-source">
            {rule
              ? t.__('Rule “%1”: %2', rule, source)
              : t.__('Rule: %1', source)}
          </p>
        )}
      </details>
    </li>
  );
}
