import { useId } from 'react';

import { Busy } from '../Busy';
import { Problem } from '../Problem';
import { QuestionList } from './QuestionList';
import { RolePickers } from './Pickers';
import { lacking } from './roles';
import { Wizard } from '../wizard';

/** Station 2: what to find out, and which column plays which part. */
export function Questions({ wizard }: { wizard: Wizard }) {
  const { description, question, searching, analysis } = wizard;
  const needed = question && lacking(question, analysis);
  return (
    <>
      <QuestionList
        questions={description?.questions ?? []}
        chosen={analysis.question ?? ''}
        onChoose={wizard.ask}
      />
      {question && (
        <>
          <RolePickers
            question={question}
            analysis={analysis}
            columns={description?.columns ?? []}
            onAssign={wizard.assign}
          />
          <Gaps wizard={wizard} />
          {searching.busy && <Busy text="Looking for models…" />}
          <Problem error={searching.error} />
          {needed && (
            <p className="jp-modelcompose-small">
              Still to choose: {needed.label}
            </p>
          )}
          <button
            className="jp-modelcompose-Button jp-mod-primary"
            disabled={searching.busy || needed !== undefined}
            onClick={wizard.recommend}
          >
            Find models
          </button>
        </>
      )}
    </>
  );
}

const GAPS = [
  ['drop', 'Leave these rows out', 'Simple, and right if gaps are accidents.'],
  [
    'impute',
    'Estimate the gaps together with the model',
    'For numbers. Uses every row that has an outcome.'
  ],
  [
    'multiple',
    'Fill the gaps many times',
    'For any column. The answer says how sure the filling is; takes longer.'
  ]
] as const;

/** What to do with rows whose predictors have gaps, where there are some. */
function Gaps({ wizard }: { wizard: Wizard }) {
  const name = useId();
  const { analysis, description } = wizard;
  const gappy = (description?.columns ?? []).filter(
    column =>
      column.missing > 0 && (analysis.predictors ?? []).includes(column.name)
  );
  if (gappy.length === 0) {
    return null;
  }
  const listed = gappy.map(column => `${column.name} ${column.missing}`);
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>What to do with rows that have gaps?</legend>
      <small>Missing: {listed.join(', ')}</small>
      {GAPS.map(([id, label, explanation]) => (
        <label key={id} className="jp-modelcompose-Choice">
          <input
            type="radio"
            name={name}
            checked={(analysis.missing ?? 'drop') === id}
            onChange={() => wizard.assign({ missing: id })}
          />
          <span>
            {label}
            <small>{explanation}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
