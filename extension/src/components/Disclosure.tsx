import { ReactNode, useState } from 'react';

/** Something that is worked out when it is opened for the first time. */
export function Disclosure(props: { summary: string; children: ReactNode }) {
  const [seen, setSeen] = useState(false);
  return (
    <details
      className="jp-modelcompose-Details"
      onToggle={event => event.currentTarget.open && setSeen(true)}
    >
      <summary>{props.summary}</summary>
      {seen && (
        <div className="jp-modelcompose-Disclosed">{props.children}</div>
      )}
    </details>
  );
}
