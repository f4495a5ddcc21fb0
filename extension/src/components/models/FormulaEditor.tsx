import { useId, useState } from 'react';

import { Analysis, Changes, ModelClient, Views } from '../../api/port';
import { Busy } from '../Busy';
import { useLatest } from '../live';
import { Problem } from '../Problem';
import { Equation } from './Equation';
import { FormulaInput } from './FormulaInput';
import { Graph } from './Graph';
import { ModelCode } from './ModelCode';

/** One model seen in four ways: an edit of its formula or its code changes all of them. */
export function FormulaEditor(props: {
  client: ModelClient;
  analysis: Analysis;
  onChange: (changes: Changes) => void;
}) {
  const { client, analysis, onChange } = props;
  const id = useId();
  const key = JSON.stringify({ ...analysis, estimand: '' });
  const { value, busy, error } = useLatest(
    () => client.views(analysis, ''),
    key
  );
  const [good, setGood] = useState<Views | null>(null);
  if (value && !value.problem && value !== good) {
    setGood(value);
  }
  const own = partsOf(analysis.formula);
  const parts = own.length > 0 ? own : partsOf(value?.formula);
  const problem = value?.problem ?? '';
  // An empty formula would mean the proposed one: an emptied field waits for what is typed next.
  const [emptied, setEmptied] = useState<number | null>(null);
  const write = (at: number, text: string) => {
    const next = parts.map((part, index) => (index === at ? text : part));
    setEmptied(text === '' ? at : null);
    if (text !== '') {
      onChange({ formula: next.length === 1 ? next[0] : next });
    }
  };
  return (
    <div className="jp-modelcompose-Views">
      {!value && busy && <Busy text="Writing the model…" />}
      {parts.map((part, at) => (
        <FormulaInput
          key={at}
          label={parts.length > 1 ? `Formula, part ${at + 1}` : 'Formula'}
          value={emptied === at ? '' : part}
          columns={value?.columns ?? []}
          functions={value?.functions ?? []}
          describedBy={problem ? id : undefined}
          invalid={problem !== ''}
          onChange={text => write(at, text)}
        />
      ))}
      {problem && (
        <p id={id} className="jp-modelcompose-Problem" role="alert">
          {problem}
        </p>
      )}
      <Problem error={error} />
      {own.length > 0 && (
        <button
          className="jp-modelcompose-Button jp-mod-quiet"
          onClick={() => {
            setEmptied(null);
            onChange({ formula: '' });
          }}
        >
          Back to the proposed formula
        </button>
      )}
      {good && (
        <div data-stale={busy || problem !== '' || error !== null}>
          <h5>As an equation</h5>
          <Equation latex={good.equation} />
          <h5>As a picture: what depends on what</h5>
          <Graph graph={good.graph} />
          <ModelCode
            client={client}
            analysis={analysis}
            code={good.code}
            onChange={onChange}
          />
        </div>
      )}
    </div>
  );
}

function partsOf(formula: string | string[] | undefined): string[] {
  const parts = Array.isArray(formula) ? formula : [formula ?? ''];
  return parts.some(part => part !== '') ? parts : [];
}
