import { useState } from 'react';

import { useAction } from '../action';
import { Busy } from '../Busy';
import { difference, Line } from './diff';
import { Problem } from '../Problem';
import { useWords } from '../words';

/** A cell edited by hand, and what it would be if it were composed now. */
export interface Changed {
  mine: string;
  composed: string;
}

/** Says that a step's code belongs to the user, and shows on demand how it differs from the composed one. */
export function EditedByHand(props: {
  compare: () => Promise<Changed[]>;
  busy: boolean;
  onTake: () => void;
}) {
  const t = useWords();
  const { compare, busy, onTake } = props;
  const [changes, setChanges] = useState<Changed[] | null>(null);
  const comparing = useAction();
  const toggle = () =>
    changes ? setChanges(null) : void comparing.start(compare, setChanges);
  return (
    <div className="jp-modelcompose-Edited">
      <p className="jp-modelcompose-small">
        {t.__(
          'You changed this step’s code. It is yours now: ModelCompose runs and judges it, but never overwrites it.'
        )}
      </p>
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button"
          aria-expanded={changes !== null}
          onClick={toggle}
        >
          {changes ? t.__('Hide the difference') : t.__('Show the difference')}
        </button>
        {changes && (
          <button
            className="jp-modelcompose-Button"
            disabled={busy}
            onClick={onTake}
          >
            {t.__('Take the composed version')}
          </button>
        )}
      </div>
      {comparing.busy && <Busy text={t.__('Composing for comparison…')} />}
      <Problem error={comparing.error} />
      {changes?.map((changed, index) => (
        <Difference
          key={index}
          lines={difference(changed.mine, changed.composed)}
        />
      ))}
    </div>
  );
}

const SIGNS = { same: ' ', mine: '−', composed: '+' } as const;

/** Two texts line by line; `left` and `right` say whose lines they are. */
export function Difference(props: {
  lines: Line[];
  left?: string;
  right?: string;
}) {
  const t = useWords();
  const { lines, left = t.__('yours'), right = t.__('composed') } = props;
  const words = { same: '', mine: `${left}: `, composed: `${right}: ` };
  return (
    <figure className="jp-modelcompose-Diff">
      <figcaption className="jp-modelcompose-small">
        − {left}, + {right}
      </figcaption>
      <ol tabIndex={0} aria-label={t.__('Difference')}>
        {lines.map(({ side, text }, index) => (
          <li key={index} data-side={side}>
            <span aria-hidden="true">{SIGNS[side]}</span>
            <span className="jp-modelcompose-hidden">{words[side]}</span>
            <code>{text}</code>
          </li>
        ))}
      </ol>
    </figure>
  );
}
