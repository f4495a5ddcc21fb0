import { Elicited } from '../../api/port';

/** What an answer came to. */
export function Said({ found }: { found: Elicited | null }) {
  if (!found) {
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
