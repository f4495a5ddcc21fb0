import { KeyboardEvent, useId, useRef, useState } from 'react';

import { spelt, WORD } from './columns';

interface Suggestion {
  text: string;
  what: 'column' | 'function';
}

/** A bracket that begins a term of its own, such as (1 | group). */
const OPENING = /(?<=[~+]\s*)\($/;
const MOST = 8;

/** A formula as text, with the columns and functions that begin like the word being typed. */
export function FormulaInput(props: {
  label: string;
  value: string;
  columns: string[];
  functions: string[];
  describedBy?: string;
  invalid: boolean;
  onChange: (formula: string) => void;
}) {
  const { label, value, describedBy, invalid, onChange } = props;
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [caret, setCaret] = useState<number | null>(null);
  const [active, setActive] = useState(0);
  const offers = caret === null ? [] : offered(value.slice(0, caret), props);
  const open = offers.length > 0;
  const type = (text: string, at: number | null) => {
    setCaret(at ?? text.length);
    setActive(0);
    onChange(text);
  };
  const accept = ({ text, what }: Suggestion) => {
    const before = value
      .slice(0, caret!)
      .replace(WORD, '')
      .replace(text.startsWith('(') ? OPENING : '', '');
    const name = what === 'function' ? text : spelt(text);
    setCaret(null);
    onChange(`${before}${name}${value.slice(caret!)}`);
    field.current?.focus();
  };
  const press = (event: KeyboardEvent) => {
    const moves: Record<string, () => void> = {
      ArrowDown: () => setActive((active + 1) % offers.length),
      ArrowUp: () => setActive((active + offers.length - 1) % offers.length),
      Enter: () => accept(offers[active]!),
      Escape: () => setCaret(null)
    };
    const move = open ? moves[event.key] : undefined;
    if (move) {
      event.preventDefault();
      event.stopPropagation();
      move();
    }
  };
  return (
    <div className="jp-modelcompose-Field jp-modelcompose-Formula">
      <label htmlFor={id}>{label}</label>
      <input
        ref={field}
        id={id}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-activedescendant={open ? `${id}-${active}` : undefined}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={event =>
          type(event.currentTarget.value, event.currentTarget.selectionStart)
        }
        onKeyDown={press}
        onBlur={() => setCaret(null)}
      />
      <ul
        id={`${id}-list`}
        role="listbox"
        aria-label="Completions"
        hidden={!open}
      >
        {offers.map((offer, at) => (
          <li
            key={`${offer.what} ${offer.text}`}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            onMouseDown={event => {
              event.preventDefault();
              accept(offer);
            }}
          >
            {offer.text} <small>{offer.what}</small>
          </li>
        ))}
      </ul>
    </div>
  );
}

function offered(
  before: string,
  known: { columns: string[]; functions: string[] }
): Suggestion[] {
  const word = (WORD.exec(before) ?? OPENING.exec(before))?.[0].toLowerCase();
  if (!word) {
    return [];
  }
  const begins = (what: Suggestion['what']) => (text: string) =>
    text.toLowerCase().startsWith(word) && text.toLowerCase() !== word
      ? [{ text, what }]
      : [];
  return [
    ...known.columns.flatMap(begins('column')),
    ...known.functions.flatMap(begins('function'))
  ].slice(0, MOST);
}
