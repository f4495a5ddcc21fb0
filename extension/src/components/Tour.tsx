import { KeyboardEvent, useEffect, useRef, useState } from 'react';

import { marked, useWords } from './words';

const STOPS = [
  {
    title: marked('Bring a table'),
    text: marked(
      'Drop a spreadsheet here, or take a sample. Every column gets a kind, and the reason for it.'
    )
  },
  {
    title: marked('Say what you want to know'),
    text: marked(
      'Choose a question. The models that fit are proposed, best first; those that do not fit are listed with the reason.'
    )
  },
  {
    title: marked('The notebook holds everything'),
    text: marked(
      'Your choices become a notebook that anybody can run. Its first cell holds every choice; change them here or there.'
    )
  },
  {
    title: marked('Step by step'),
    text: marked(
      '“Next” runs one step and judges it by a published rule. Where a check fails, its card says what to try.'
    )
  },
  {
    title: marked('Words explain themselves'),
    text: marked(
      'Point at an underlined word, or reach it with the Tab key, and it says what it means.'
    )
  }
];

/** What the guide is for, in five short stops; it never stands in the way of the work below it. */
export function Tour(props: { onSample: () => void; onClose: () => void }) {
  const { onSample, onClose } = props;
  const t = useWords();
  const [at, setAt] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    if (moved.current) {
      heading.current?.focus();
    }
  }, [at]);
  const go = (next: number) => {
    moved.current = true;
    setAt(next);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    }
  };
  const { title, text } = STOPS[at]!;
  const last = at === STOPS.length - 1;
  return (
    <section
      className="jp-modelcompose-Tour"
      aria-label={t.__('Tour')}
      onKeyDown={press}
    >
      <small>{t.__('Tour, %1 of %2', at + 1, STOPS.length)}</small>
      <h4 ref={heading} tabIndex={-1}>
        {t.__(title)}
      </h4>
      <p>{t.__(text)}</p>
      <div className="jp-modelcompose-Buttons">
        {last ? (
          <button
            className="jp-modelcompose-Button jp-mod-primary"
            onClick={() => {
              onSample();
              onClose();
            }}
          >
            {t.__('Try it on a sample')}
          </button>
        ) : (
          <button
            className="jp-modelcompose-Button jp-mod-primary"
            onClick={() => go(at + 1)}
          >
            {t.__('Go on')}
          </button>
        )}
        {at > 0 && (
          <button className="jp-modelcompose-Button" onClick={() => go(at - 1)}>
            {t.__('Back')}
          </button>
        )}
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={onClose}
        >
          {last ? t.__('Close the tour') : t.__('Skip the tour')}
        </button>
      </div>
    </section>
  );
}
