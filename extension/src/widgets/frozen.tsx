import { useState } from 'react';
import { createRoot } from 'react-dom/client';

import { Control, Prediction, Values, WhatIf } from '../components/WhatIf';
import style from '../../style/whatif.css';

interface Density {
  begins: number;
  ends: number;
  y: number[];
}

type Cell = Pick<Prediction, 'lower' | 'median' | 'upper' | 'sentence'> & {
  density: Density | null;
};

/** Every prediction that a page without a kernel can show; the last control changes fastest. */
export interface Frozen {
  controls: Control[];
  start: Values;
  shared: Pick<Prediction, 'outcome' | 'unit' | 'ci_prob' | 'range'>;
  cells: Cell[];
}

/** Where a control stands among its values, and how many it has. */
function place(control: Control, value: number | string): [number, number] {
  if (control.kind === 'category') {
    const levels = control.levels ?? [];
    return [Math.max(0, levels.indexOf(String(value))), levels.length];
  }
  const { min = 0, max = 0, step = 1 } = control;
  const last = Math.round((max - min) / step);
  const at = Math.round((Number(value) - min) / step);
  return [Math.min(last, Math.max(0, at)), last + 1];
}

/** The prediction that was computed for these values. */
export function lookUp(frozen: Frozen, values: Values): Prediction | null {
  const at = frozen.controls.reduce((found, control) => {
    const value = values[control.name] ?? frozen.start[control.name]!;
    const [index, size] = place(control, value);
    return found * size + index;
  }, 0);
  const cell = frozen.cells[at];
  return cell
    ? { ...frozen.shared, ...cell, density: curve(cell.density) }
    : null;
}

function curve(density: Density | null): Prediction['density'] {
  if (!density) {
    return null;
  }
  const { begins, ends, y } = density;
  const width = (ends - begins) / Math.max(1, y.length - 1);
  return { x: y.map((_, index) => begins + index * width), y };
}

export function FrozenWhatIf({ frozen }: { frozen: Frozen }) {
  const [values, setValues] = useState<Values>(frozen.start);
  return (
    <WhatIf
      controls={frozen.controls}
      values={values}
      result={lookUp(frozen, values)}
      busy={false}
      error=""
      onChange={setValues}
    />
  );
}

/** Unpack what the page holds as base64 of gzip. */
export async function unpacked(text: string): Promise<Frozen> {
  const bytes = Uint8Array.from(atob(text.trim()), one => one.charCodeAt(0));
  const stream = new Response(bytes).body!.pipeThrough(
    new DecompressionStream('gzip')
  );
  return JSON.parse(await new Response(stream).text()) as Frozen;
}

async function open(page: Document): Promise<void> {
  const packed = page.getElementById('mc-frozen');
  const mount = page.getElementById('mc-what-if');
  if (!packed || !mount) {
    return;
  }
  try {
    const frozen = await unpacked(packed.textContent ?? '');
    const sheet = page.createElement('style');
    sheet.textContent = style;
    mount.before(sheet);
    createRoot(mount).render(<FrozenWhatIf frozen={frozen} />);
  } catch {
    mount.textContent =
      'This browser cannot unpack the predictions; a newer one can. The answer above stands.';
  }
}

void open(document);
