import { Elicited, Prior, PriorChoices } from '../../api/port';

/** What an answer came to, as long as its priors are those in use. */
export function Said(props: {
  found: Elicited | null;
  priors: PriorChoices | undefined;
}) {
  const { found, priors = {} } = props;
  const stands = found?.priors.every(({ name }) =>
    same(found.changes.priors[name], priors[name])
  );
  if (!found || !stands) {
    return null;
  }
  return (
    <div role="status">
      <p>{found.sentence}</p>
      {found.notes.length > 0 && (
        <ul className="jp-modelcompose-Notes">
          {found.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function same(one: Prior | undefined, other: Prior | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
