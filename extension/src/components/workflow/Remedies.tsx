import { Remedy } from '../../api/port';

/** Ways out of a failed check, the most promising first; each is nothing but a change of parameters. */
export function Remedies(props: {
  remedies: Remedy[];
  /** Whether the first remedy is the next thing to do. */
  urgent: boolean;
  busy: boolean;
  onTry: (remedy: Remedy) => void;
}) {
  return (
    <div className="jp-modelcompose-Remedies">
      <h5>Try this, most promising first</h5>
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
          {remedy.cost && (
            <small>Cost: {remedy.cost.replace(/\.$/, '')}.</small>
          )}
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
