import { Remedy } from '../../api/port';
import { useWords } from '../words';

/** Ways out of a failed check, the most promising first; each is nothing but a change of parameters. */
export function Remedies(props: {
  remedies: Remedy[];
  /** Whether the first remedy is the next thing to do. */
  urgent: boolean;
  busy: boolean;
  /** Null where they can only be read. */
  onTry: ((remedy: Remedy) => void) | null;
}) {
  const t = useWords();
  const { remedies, urgent, busy, onTry } = props;
  return (
    <div className="jp-modelcompose-Remedies">
      <h5>{t.__('Try this, most promising first')}</h5>
      {remedies.map((remedy, index) => (
        <div key={remedy.label} className="jp-modelcompose-Remedy">
          {onTry ? (
            <button
              className={`jp-modelcompose-Button ${index === 0 && urgent ? 'jp-mod-primary' : ''}`}
              disabled={busy}
              title={t.__('Changes the parameters: %1', changesOf(remedy))}
              onClick={() => onTry(remedy)}
            >
              {remedy.label}
            </button>
          ) : (
            <strong>{remedy.label}</strong>
          )}
          <small>{remedy.why}</small>
          {remedy.cost && (
            <small>{t.__('Cost: %1.', remedy.cost.replace(/\.$/, ''))}</small>
          )}
          {!onTry && <code>{changesOf(remedy)}</code>}
        </div>
      ))}
    </div>
  );
}

function changesOf(remedy: Remedy): string {
  return Object.entries(remedy.changes)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(', ');
}
