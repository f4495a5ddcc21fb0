import { useId, useState } from 'react';

import { Host, ModelClient } from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';

/** A name and a button that writes a model under it: a new one, or a copy of another. */
export function NameModel(props: {
  label: string;
  button: string;
  host: Pick<Host, 'openNotebook'>;
  write: (name: string) => Promise<string>;
  onWritten: (path: string) => void;
}) {
  const { label, button, host, write, onWritten } = props;
  const id = useId();
  const [name, setName] = useState('');
  const [path, setPath] = useState('');
  const writing = useAction();
  const begin = () =>
    void writing.start(
      async () => {
        const written = await write(name.trim());
        await host.openNotebook(written);
        return written;
      },
      written => {
        setName('');
        setPath(written);
        onWritten(written);
      }
    );
  return (
    <form
      className="jp-modelcompose-Field"
      onSubmit={event => {
        event.preventDefault();
        begin();
      }}
    >
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        value={name}
        placeholder="growth"
        onChange={event => setName(event.target.value)}
      />
      <button
        className="jp-modelcompose-Button"
        disabled={writing.busy || name.trim() === ''}
      >
        {button}
      </button>
      {writing.busy && <Busy text="Writing the model…" />}
      <Problem error={writing.error} />
      {path && (
        <small role="status">
          {path} is open beside this panel. Change it there, then check it here.
        </small>
      )}
    </form>
  );
}

/** Make a model one's own. */
export function Fork(props: {
  client: ModelClient;
  host: Pick<Host, 'openNotebook'>;
  id: string;
  onWritten: () => void;
}) {
  const { client, host, id, onWritten } = props;
  return (
    <details className="jp-modelcompose-Details">
      <summary>Make a copy to change</summary>
      <NameModel
        label="Name of the copy"
        button="Copy"
        host={host}
        write={name => client.forkModel(id, name)}
        onWritten={onWritten}
      />
    </details>
  );
}
