import { useId } from 'react';

import { Picture } from './Picture';

export interface Control {
  name: string;
  label: string;
  kind: 'number' | 'category';
  min?: number;
  max?: number;
  step?: number;
  levels?: string[];
  unit?: string;
}

export interface Prediction {
  outcome: string;
  unit: string;
  lower: number;
  median: number;
  upper: number;
  ci_prob: number;
  sentence: string;
  density: { x: number[]; y: number[] } | null;
  range: [number, number];
}

export type Values = Record<string, number | string>;

/** What does the model expect if …? Sliders above, the answer with its uncertainty below. */
export function WhatIf(props: {
  controls: Control[];
  values: Values;
  result: Prediction | null;
  busy: boolean;
  error: string;
  onChange: (values: Values) => void;
}) {
  const { controls, values, result, busy, error, onChange } = props;
  return (
    <div className="jp-modelcompose-WhatIf">
      <div className="jp-modelcompose-WhatIf-controls">
        {controls.map(control => (
          <Setting
            key={control.name}
            control={control}
            value={values[control.name]}
            onChange={value => onChange({ ...values, [control.name]: value })}
          />
        ))}
      </div>
      <div
        className="jp-modelcompose-WhatIf-answer"
        aria-live="polite"
        aria-busy={busy}
      >
        {error && (
          <p className="jp-modelcompose-Problem" role="alert">
            {error}
          </p>
        )}
        {result && (
          <>
            <p className="jp-modelcompose-WhatIf-sentence">{result.sentence}</p>
            <Picture prediction={result} />
          </>
        )}
        {!result && !error && <p>Choose values to see what is expected.</p>}
      </div>
    </div>
  );
}

function Setting(props: {
  control: Control;
  value: number | string | undefined;
  onChange: (value: number | string) => void;
}) {
  const { control, value, onChange } = props;
  const id = useId();
  const unit = control.unit ? ` ${control.unit}` : '';
  if (control.kind === 'category') {
    return (
      <div className="jp-modelcompose-WhatIf-control">
        <label htmlFor={id}>{control.label}</label>
        <select
          id={id}
          value={value ?? ''}
          onChange={event => onChange(event.currentTarget.value)}
        >
          {control.levels?.map(level => (
            <option key={level}>{level}</option>
          ))}
        </select>
      </div>
    );
  }
  return (
    <div className="jp-modelcompose-WhatIf-control">
      <label htmlFor={id}>{control.label}</label>
      <input
        id={id}
        type="range"
        min={control.min}
        max={control.max}
        step={control.step ?? 'any'}
        value={value ?? control.min}
        aria-valuetext={`${value}${unit}`}
        onInput={event => onChange(Number(event.currentTarget.value))}
        onChange={() => undefined}
      />
      <output htmlFor={id}>
        {value}
        {unit}
      </output>
    </div>
  );
}
