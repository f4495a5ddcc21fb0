import { useEffect, useReducer, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { Control, Prediction, Values, WhatIf } from '../components/WhatIf';
import { AnyModel } from './anymodel';
import style from '../../style/whatif.css';

const THROTTLE_MS = 100;
const TRAITS = ['controls', 'values', 'result', 'busy', 'error'];

function LiveWhatIf({ model }: { model: AnyModel }) {
  const [, refresh] = useReducer((count: number) => count + 1, 0);
  const [values, setValues] = useState(() => model.get('values') as Values);
  const [send] = useState(() => throttled(model));
  const sent = useRef(values);
  useEffect(() => {
    const takeValues = () => {
      // Python's own changes win; the echo of what was sent does not move a slider back.
      const next = model.get('values') as Values;
      if (next !== sent.current) {
        setValues(next);
      }
    };
    TRAITS.forEach(trait => model.on(`change:${trait}`, refresh));
    model.on('change:values', takeValues);
    return () => {
      TRAITS.forEach(trait => model.off(`change:${trait}`, refresh));
      model.off('change:values', takeValues);
    };
  }, [model]);
  return (
    <WhatIf
      controls={model.get('controls') as Control[]}
      values={values}
      result={prediction(model)}
      busy={Boolean(model.get('busy'))}
      error={String(model.get('error') ?? '')}
      onChange={next => {
        sent.current = next;
        setValues(next);
        send(next);
      }}
    />
  );
}

function prediction(model: AnyModel): Prediction | null {
  const result = model.get('result') as Partial<Prediction> | null;
  return result?.sentence === undefined ? null : (result as Prediction);
}

/** Send at most every 100 ms, and always what was chosen last. */
export function throttled(model: AnyModel): (values: Values) => void {
  let waiting: Values | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = () => {
    timer = null;
    if (waiting) {
      model.set('values', waiting);
      model.save_changes();
      waiting = null;
      timer = setTimeout(flush, THROTTLE_MS);
    }
  };
  return values => {
    waiting = values;
    if (timer === null) {
      flush();
    }
  };
}

function render({ model, el }: { model: AnyModel; el: HTMLElement }) {
  const sheet = document.createElement('style');
  sheet.textContent = style;
  const mount = document.createElement('div');
  el.append(sheet, mount);
  const root = createRoot(mount);
  root.render(<LiveWhatIf model={model} />);
  return () => root.unmount();
}

export default { render };
