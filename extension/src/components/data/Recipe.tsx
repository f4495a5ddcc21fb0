import { FormEvent, useId, useState } from 'react';

import {
  Analysis,
  DataDescription,
  Field,
  RecipeStep,
  StepKind,
  StepPreview,
  WorkbenchClient
} from '../../api/port';
import { useAction } from '../action';
import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { tableOf, Wizard } from '../wizard';
import { Cells } from './Cells';

interface Props {
  client: WorkbenchClient;
  steps: StepKind[];
  wizard: Wizard;
}

/** Preparation, step by step: nothing is applied before it was previewed, and each step can be taken back. */
export function Recipe({ client, steps, wizard }: Props) {
  const { analysis, description } = wizard;
  const [undone, setUndone] = useState<RecipeStep[]>([]);
  const [tried, setTried] = useState<{
    of: DataDescription | null;
    found: StepPreview;
  } | null>(null);
  const trying = useAction();
  const exporting = useAction();
  const [script, setScript] = useState('');
  const recipe = analysis.recipe ?? [];
  // A preview of the table as it was says nothing of the table as it is.
  const preview = tried?.of === description ? (tried?.found ?? null) : null;
  const attempt = (step: RecipeStep) => {
    setTried(null);
    void trying.start(
      () => client.preview(tableOf(analysis), step),
      found => setTried({ of: description, found })
    );
  };
  const change = (next: RecipeStep[], removed: string[] = []) => {
    setTried(null);
    setScript('');
    trying.clear();
    void wizard.prepare({ recipe: next, ...without(analysis, removed) });
  };
  const apply = () => {
    if (preview) {
      setUndone([]);
      change(preview.recipe, preview.removed);
    }
  };
  const undo = () => {
    setUndone([...undone, ...recipe.slice(-1)]);
    const added = description?.recipe.at(-1)?.added ?? [];
    change(recipe.slice(0, -1), added);
  };
  const redo = () => {
    setUndone(undone.slice(0, -1));
    change([...recipe, ...undone.slice(-1)]);
  };
  return (
    <details
      className="jp-modelcompose-Details"
      open={
        recipe.length + undone.length + (description?.suggestions.length ?? 0) >
        0
      }
    >
      <summary>Prepare the table</summary>
      <ol className="jp-modelcompose-Steps" aria-label="Steps applied">
        {description?.recipe.map((one, at) => (
          <li key={at}>
            {one.sentence}
            <small>
              {one.rows_before} → {one.rows_after} rows
              {one.changed > 0 && `, ${one.changed} cells changed`}
            </small>
          </li>
        ))}
      </ol>
      <div className="jp-modelcompose-Buttons">
        <button
          className="jp-modelcompose-Button"
          disabled={recipe.length === 0 || wizard.loading.busy}
          onClick={undo}
        >
          Undo the last step
        </button>
        <button
          className="jp-modelcompose-Button"
          disabled={undone.length === 0 || wizard.loading.busy}
          onClick={redo}
        >
          Redo
        </button>
        <button
          className="jp-modelcompose-Button"
          disabled={recipe.length === 0}
          onClick={() =>
            void exporting.start(
              () => client.script(tableOf(analysis)),
              setScript
            )
          }
        >
          Show as script
        </button>
      </div>
      <Problem error={exporting.error} />
      {script && (
        <>
          <pre className="jp-modelcompose-Script">{script}</pre>
          <button
            className="jp-modelcompose-Button"
            onClick={() => void navigator.clipboard?.writeText(script)}
          >
            Copy the script
          </button>
        </>
      )}
      {(description?.suggestions ?? []).map(one => (
        <div key={one.label} className="jp-modelcompose-Suggestion">
          <strong>{one.label}?</strong>
          <small>{one.why}</small>
          <button
            className="jp-modelcompose-Button"
            aria-label={`Preview: ${one.label}`}
            onClick={() => attempt(one.step)}
          >
            Preview
          </button>
        </div>
      ))}
      <AddStep
        steps={steps}
        columns={(description?.columns ?? []).map(column => column.name)}
        onPreview={attempt}
      />
      {trying.busy && <Busy text="Trying it out…" />}
      <Problem error={trying.error} />
      {preview && (
        <div className="jp-modelcompose-Suggestion" role="status">
          <strong>{preview.sentence}</strong>
          <small>
            {preview.rows_before} rows before, {preview.rows_after} after;{' '}
            {preview.changed} cells changed.
          </small>
          <Cells
            columns={preview.after.columns}
            rows={preview.after.rows}
            changed={preview.after.changed}
            caption="The first rows that it concerns"
          />
          <div className="jp-modelcompose-Buttons">
            <button
              className="jp-modelcompose-Button jp-mod-primary"
              onClick={apply}
            >
              Apply
            </button>
            <button
              className="jp-modelcompose-Button"
              onClick={() => setTried(null)}
            >
              Leave it
            </button>
          </div>
        </div>
      )}
    </details>
  );
}

/** Forget what was declared of columns that are gone. */
function without(analysis: Analysis, gone: string[]): Partial<Analysis> {
  const kept = <T,>(all: Record<string, T> = {}) =>
    Object.fromEntries(
      Object.entries(all).filter(([name]) => !gone.includes(name))
    );
  return {
    kinds: kept(analysis.kinds),
    units: kept(analysis.units),
    variables: kept(analysis.variables)
  };
}

function AddStep(props: {
  steps: StepKind[];
  columns: string[];
  onPreview: (step: RecipeStep) => void;
}) {
  const [chosen, setChosen] = useState('');
  const id = useId();
  const kind = props.steps.find(step => step.id === chosen);
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>Add a step</label>
      <select
        id={id}
        className="jp-modelcompose-Select"
        value={chosen}
        onChange={event => setChosen(event.target.value)}
      >
        <option value="">Choose what to do</option>
        {props.steps.map(step => (
          <option key={step.id} value={step.id}>
            {step.title}
          </option>
        ))}
      </select>
      {kind && <small>{kind.explanation}</small>}
      {kind && (
        <StepForm
          key={kind.id}
          kind={kind}
          columns={props.columns}
          onPreview={props.onPreview}
        />
      )}
    </div>
  );
}

function StepForm(props: {
  kind: StepKind;
  columns: string[];
  onPreview: (step: RecipeStep) => void;
}) {
  const { kind, columns } = props;
  const [values, setValues] = useState<Record<string, unknown>>({});
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = Object.entries(values).filter(
      ([, value]) => value !== undefined && value !== ''
    );
    props.onPreview({ do: kind.id, ...Object.fromEntries(given) });
  };
  return (
    <form className="jp-modelcompose-Field" onSubmit={submit}>
      {Object.entries(kind.fields.properties).map(([name, field]) => (
        <StepField
          key={name}
          name={name}
          field={field}
          columns={columns}
          value={values[name]}
          onChange={value => setValues(old => ({ ...old, [name]: value }))}
        />
      ))}
      <button className="jp-modelcompose-Button">Preview</button>
    </form>
  );
}

/** Fields that name columns there are; a name of at least one letter is that of a new one. */
const ONE_COLUMN = ['column', 'names', 'values', 'order'];
const MANY_COLUMNS = ['columns', 'by', 'on'];

function StepField(props: {
  name: string;
  field: Field;
  columns: string[];
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const { name, field, columns, value, onChange } = props;
  const id = useId();
  const label = field.description ?? name;
  const list = field.type === 'array';
  if (list && MANY_COLUMNS.includes(name)) {
    const chosen = (value as string[] | undefined) ?? [];
    return (
      <fieldset className="jp-modelcompose-Fieldset">
        <legend>{label}</legend>
        <div className="jp-modelcompose-Checks">
          {columns.map(column => (
            <label key={column} className="jp-modelcompose-Choice">
              <input
                type="checkbox"
                checked={chosen.includes(column)}
                onChange={() =>
                  onChange(
                    columns.filter(
                      one => (one === column) !== chosen.includes(one)
                    )
                  )
                }
              />
              <span>{column}</span>
            </label>
          ))}
        </div>
      </fieldset>
    );
  }
  if (field.type === 'boolean') {
    return (
      <label className="jp-modelcompose-Choice">
        <input
          type="checkbox"
          checked={Boolean(value)}
          onChange={event => onChange(event.target.checked)}
        />
        <span>{label}</span>
      </label>
    );
  }
  const options =
    field.enum ??
    (field.type === 'string' && ONE_COLUMN.includes(name) && !field.minLength
      ? columns
      : null);
  const text = typeof value === 'string' ? value : undefined;
  return (
    <>
      <label htmlFor={id}>{label}</label>
      {options ? (
        <select
          id={id}
          className="jp-modelcompose-Select"
          value={text ?? ''}
          onChange={event => onChange(event.target.value)}
        >
          <option value="">
            {typeof field.default === 'string' ? field.default : 'Choose'}
          </option>
          {options.map(option => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : (
        <Entry id={id} field={field} onChange={onChange} />
      )}
    </>
  );
}

/** A text, number, list or set of pairs, written in a field and read as what the step asks for. */
function Entry(props: {
  id: string;
  field: Field;
  onChange: (value: unknown) => void;
}) {
  const { id, field, onChange } = props;
  const [text, setText] = useState('');
  const pairs = field.type === 'object';
  const type = field.type ?? field.anyOf?.map(one => one.type).join(' ') ?? '';
  const write = (next: string) => {
    setText(next);
    onChange(next.trim() === '' ? undefined : asField(next, field, type));
  };
  return (
    <>
      <textarea
        id={id}
        className="jp-modelcompose-Text"
        rows={pairs ? 3 : 1}
        value={text}
        onChange={event => write(event.target.value)}
      />
      {pairs && (
        <small>
          One on each line:{' '}
          {nested(field) ? 'new = mean of column' : 'old = new'}
        </small>
      )}
      {field.type === 'array' && <small>With commas between</small>}
    </>
  );
}

function nested(field: Field): boolean {
  return JSON.stringify(field.additionalProperties ?? {}).includes('array');
}

function asField(text: string, field: Field, type: string): unknown {
  if (field.type === 'object') {
    const lines = text.split('\n').filter(line => line.includes('='));
    return Object.fromEntries(
      lines.map(line => {
        const at = line.indexOf('=');
        const right = line.slice(at + 1).trim();
        const many = /^\w+ of (.+)$/.exec(right);
        const value =
          nested(field) && many
            ? [right.slice(0, right.indexOf(' ')), many[1]]
            : right;
        return [line.slice(0, at).trim(), value];
      })
    );
  }
  if (field.type === 'array') {
    const parts = text.split(',').map(part => part.trim());
    const texts = field.items?.type === 'string';
    return parts
      .filter(Boolean)
      .map(part => (texts || Number.isNaN(Number(part)) ? part : Number(part)));
  }
  const numeric = type.includes('number') || type.includes('integer');
  return numeric && !Number.isNaN(Number(text)) ? Number(text) : text;
}
