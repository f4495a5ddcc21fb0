import { ReactNode, useId } from 'react';

/** One station of the guide: a heading that opens and closes, with a summary once it is done. */
export function Station(props: {
  number: number;
  title: string;
  summary: string;
  open: boolean;
  enabled: boolean;
  onOpen: () => void;
  children: ReactNode;
}) {
  const body = useId();
  const { number, title, summary, open, enabled, onOpen } = props;
  return (
    <section className="jp-modelcompose-Station" data-open={open}>
      <h3>
        <button
          className="jp-modelcompose-Station-head"
          aria-expanded={open}
          aria-controls={body}
          disabled={!enabled}
          onClick={onOpen}
        >
          <span
            className="jp-modelcompose-Station-number"
            data-done={!!summary}
          >
            {number}
          </span>
          <span className="jp-modelcompose-Station-title">{title}</span>
          {!open && summary && (
            <span className="jp-modelcompose-Station-summary">{summary}</span>
          )}
        </button>
      </h3>
      <div id={body} className="jp-modelcompose-Station-body" hidden={!open}>
        {open && props.children}
      </div>
    </section>
  );
}
