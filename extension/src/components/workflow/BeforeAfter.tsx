import { FindingChange, Round, Status } from '../../api/port';
import { Mark } from '../Badge';
import { STATUS_WORDS } from '../steps';
import { Explained } from '../Term';
import { useWords } from '../words';

/** What a change of choices did to a step, finding by finding. */
export function BeforeAfter(props: { round: Round; step: string }) {
  const t = useWords();
  const { round, step } = props;
  const here = round.findings.filter(finding => finding.step === step);
  const elsewhere = round.findings.filter(
    finding => finding.step !== step && finding.status === 'fail'
  );
  return (
    <section
      className="jp-modelcompose-Change"
      aria-label={t.__('Before and after')}
    >
      <h5>{t.__('After “%1”', round.label)}</h5>
      {here.length === 0 ? (
        <p className="jp-modelcompose-small">
          {t.__('Nothing that was found here has changed.')}
        </p>
      ) : (
        <FindingChanges findings={here} />
      )}
      {elsewhere.length > 0 && (
        <p className="jp-modelcompose-small">
          {t.__(
            'Elsewhere fails now: %1.',
            elsewhere.map(({ name }) => name).join(', ')
          )}
        </p>
      )}
    </section>
  );
}

export function FindingChanges(props: { findings: FindingChange[] }) {
  return (
    <ul className="jp-modelcompose-Changes">
      {props.findings.map(finding => (
        <li key={`${finding.step} ${finding.name}`}>
          <span className="jp-modelcompose-Finding-name">
            <Explained text={finding.name} />
          </span>
          <span className="jp-modelcompose-Changes-values">
            <Value
              when="before"
              status={finding.before_status}
              shown={finding.before}
            />
            <span aria-hidden="true">→</span>
            <Value when="now" status={finding.status} shown={finding.shown} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Value(props: { when: string; status: Status | ''; shown: string }) {
  const t = useWords();
  const { when, status, shown } = props;
  if (!status) {
    return <span>{t.__('not looked at')}</span>;
  }
  return (
    <span className="jp-modelcompose-Changes-value">
      <Mark tone={status} />
      <span className="jp-modelcompose-hidden">
        {when === 'now'
          ? t.__('%1 now:', t.__(STATUS_WORDS[status]))
          : t.__('%1 before:', t.__(STATUS_WORDS[status]))}{' '}
      </span>
      {shown}
    </span>
  );
}
