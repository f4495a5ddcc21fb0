import { Finding, Remedy, Verdict } from '../api/port';
import { Mark } from './Badge';
import { Explained } from './Term';
import { STATUS_WORDS } from './steps';

/** What a step's check found, how it was judged, and what to do about it. */
export function VerdictCard(props: {
  verdict: Verdict;
  stale: boolean;
  busy: boolean;
  onRemedy: (remedy: Remedy) => void;
}) {
  const { verdict, stale, busy, onRemedy } = props;
  return (
    <div className="jp-modelcompose-Verdict" data-stale={stale}>
      <p className="jp-modelcompose-Verdict-sentence">
        <Explained text={verdict.sentence} />
      </p>
      {stale && (
        <p className="jp-modelcompose-small">
          Something above this step changed after it ran; before that it said{' '}
          {`“${STATUS_WORDS[verdict.status]}”.`} Run it again before you rely on
          it.
        </p>
      )}
      {verdict.partial && (
        <p className="jp-modelcompose-small">
          Sampling was stopped early: this judges the draws made until then.
        </p>
      )}
      {verdict.remedies.length > 0 && (
        <Remedies
          remedies={verdict.remedies}
          urgent={verdict.status === 'fail' && !stale}
          busy={busy}
          onTry={onRemedy}
        />
      )}
      <Findings findings={verdict.findings} />
    </div>
  );
}

function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) {
    return null;
  }
  return (
    <ul className="jp-modelcompose-Findings" aria-label="Findings">
      {findings.map(finding => (
        <FindingItem key={finding.name} finding={finding} />
      ))}
    </ul>
  );
}

/** A finding that asks for attention is told in full; of the others one line says enough until it is opened. */
function FindingItem({ finding }: { finding: Finding }) {
  const { name, status, shown, threshold, sentence, source } = finding;
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
            {STATUS_WORDS[status]}
          </span>
          {threshold && `, should be ${threshold}`}. {sentence}
        </p>
        {source && (
          <p className="jp-modelcompose-Finding-source">Rule: {source}</p>
        )}
      </details>
    </li>
  );
}

function Remedies(props: {
  remedies: Remedy[];
  /** Whether the first remedy is the next thing to do. */
  urgent: boolean;
  busy: boolean;
  onTry: (remedy: Remedy) => void;
}) {
  return (
    <div className="jp-modelcompose-Remedies">
      <h5>Try this</h5>
      {props.remedies.map((remedy, index) => (
        <div key={remedy.label} className="jp-modelcompose-Remedy">
          <button
            className={`jp-modelcompose-Button ${index === 0 && props.urgent ? 'jp-mod-primary' : ''}`}
            disabled={props.busy}
            title={describeChanges(remedy)}
            onClick={() => props.onTry(remedy)}
          >
            {remedy.label}
          </button>
          <small>{remedy.why}</small>
        </div>
      ))}
    </div>
  );
}

function describeChanges(remedy: Remedy): string {
  const changes = Object.entries(remedy.changes).map(
    ([name, value]) => `${name} = ${JSON.stringify(value)}`
  );
  return `Changes the parameters: ${changes.join(', ')}`;
}
