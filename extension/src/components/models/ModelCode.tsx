import { useId, useState } from 'react';

import { Analysis, Changes, ModelClient } from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { inWords } from './changes';

/** The model cell: to be read, or edited and read back into choices. */
export function ModelCode(props: {
  client: ModelClient;
  analysis: Analysis;
  code: string;
  onChange: (changes: Changes) => void;
}) {
  const { client, analysis, code, onChange } = props;
  const id = useId();
  const [edited, setEdited] = useState<string | null>(null);
  const [problem, setProblem] = useState('');
  const [understood, setUnderstood] = useState<string[] | null>(null);
  const applying = useAction();
  const begin = () => {
    setUnderstood(null);
    setProblem('');
    setEdited(code);
  };
  const apply = (text: string) =>
    void applying.start(
      () => client.views(analysis, text),
      views => {
        setProblem(views.problem);
        if (!views.problem) {
          setUnderstood(inWords(views.changes));
          setEdited(null);
          if (Object.keys(views.changes).length > 0) {
            onChange(views.changes);
          }
        }
      }
    );
  if (edited === null) {
    return (
      <>
        <h5>As code</h5>
        <pre className="jp-modelcompose-Script" tabIndex={0}>
          {code}
        </pre>
        {understood && <Understood sentences={understood} />}
        <button className="jp-modelcompose-Button" onClick={begin}>
          Edit the code
        </button>
      </>
    );
  }
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>As code</label>
      <textarea
        id={id}
        className="jp-modelcompose-Script"
        rows={Math.min(16, edited.split('\n').length + 1)}
        spellCheck={false}
        value={edited}
        onChange={event => setEdited(event.currentTarget.value)}
      />
      {applying.busy && <Busy text="Reading the code…" />}
      {problem && (
        <p className="jp-modelcompose-Problem" role="alert">
          {problem}
        </p>
      )}
      <Problem error={applying.error} />
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button"
          disabled={applying.busy}
          onClick={() => apply(edited)}
        >
          Apply
        </button>
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => setEdited(null)}
        >
          Leave it as it was
        </button>
      </div>
    </div>
  );
}

function Understood({ sentences }: { sentences: string[] }) {
  return (
    <div role="status">
      {sentences.length === 0 ? (
        <p>The code says the same as before.</p>
      ) : (
        <ul className="jp-modelcompose-Notes" aria-label="What changed">
          {sentences.map(sentence => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
