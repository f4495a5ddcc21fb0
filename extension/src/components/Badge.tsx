export type Tone =
  'pass' | 'warn' | 'fail' | 'info' | 'busy' | 'idle' | 'waived' | 'stale';

export const SHAPES: Record<Tone, string> = {
  pass: 'M3.5 8.5l3 3 6-7',
  warn: 'M8 3.5v5.5M8 12v.5',
  fail: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  info: 'M8 7.5v5M8 4v.5',
  busy: 'M8 4v4l3 2',
  idle: '',
  waived: 'M4 9.5c1.5-3 2.5-3 4-1.5s2.5 1.5 4-1.5',
  stale: 'M11.2 9.6a3.6 3.6 0 1 1-.4-3.8M11.3 3.4v2.6H8.8'
};

/** A state as a shape in its colour; the word beside it says the same. */
export function Mark(props: { tone: Tone }) {
  return (
    <svg
      className="jp-modelcompose-Mark"
      data-tone={props.tone}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <circle cx="8" cy="8" r="7.25" />
      <path d={SHAPES[props.tone]} />
    </svg>
  );
}

export function Badge(props: { tone: Tone; text: string }) {
  return (
    <span className="jp-modelcompose-Badge" data-tone={props.tone}>
      {props.text}
    </span>
  );
}
