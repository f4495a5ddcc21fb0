import { useId } from 'react';

import { Analysis, Question } from '../api/port';
import { Busy } from './Busy';
import { Problem } from './Problem';
import { declaredKinds, Wizard } from './wizard';

/** Station 2: what to find out, and which column plays which part. */
export function Questions({ wizard }: { wizard: Wizard }) {
  const { description, question, searching, analysis } = wizard;
  const questions = description?.questions ?? [];
  const kinds = declaredKinds(description);
  return (
    <>
      <QuestionList
        questions={questions}
        chosen={analysis.question ?? ''}
        onChoose={wizard.ask}
      />
      {question && (
        <>
          <Roles
            question={question}
            analysis={analysis}
            isCount={kinds[analysis.outcome ?? ''] === 'count'}
            onAssign={wizard.assign}
          />
          <Gaps wizard={wizard} />
          {searching.busy && <Busy text="Looking for models…" />}
          <Problem error={searching.error} />
          <button
            className="jp-modelcompose-Button jp-mod-primary"
            disabled={searching.busy || missingOutcome(question, analysis)}
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

function missingOutcome(question: Question, analysis: Analysis): boolean {
  return (question.roles.outcome ?? []).length > 0 && !analysis.outcome;
}

function QuestionList(props: {
  questions: Question[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  const name = useId();
  const allowed = props.questions.filter(question => question.allowed);
  const refused = props.questions.filter(question => !question.allowed);
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>What do you want to know?</legend>
      {allowed.map(question => (
        <label key={question.id} className="jp-modelcompose-Choice">
          <input
            type="radio"
            name={name}
            checked={question.id === props.chosen}
            onChange={() => props.onChoose(question.id)}
          />
          <span>
            {question.label}
            <small>{question.explanation}</small>
          </span>
        </label>
      ))}
      {refused.length > 0 && (
        <details className="jp-modelcompose-Details">
          <summary>Not possible with these columns ({refused.length})</summary>
          {refused.map(question => (
            <label
              key={question.id}
              className="jp-modelcompose-Choice jp-mod-disabled"
            >
              <input type="radio" name={name} disabled />
              <span>
                {question.label}
                <small>{question.reason}</small>
              </span>
            </label>
          ))}
        </details>
      )}
    </fieldset>
  );
}

function Roles(props: {
  question: Question;
  analysis: Analysis;
  isCount: boolean;
  onAssign: (roles: Partial<Analysis>) => void;
}) {
  const { question, analysis, isCount, onAssign } = props;
  const { roles } = question;
  const { outcome = '', predictors = [], groups = [] } = analysis;
  const free = (names: string[] = [], taken: string[]) =>
    names.filter(name => name !== outcome && !taken.includes(name));
  const pickOutcome = (outcome: string) =>
    onAssign({
      outcome,
      predictors: predictors.filter(name => name !== outcome),
      groups: groups.filter(name => name !== outcome),
      exposure: ''
    });
  return (
    <>
      <Pick
        label="What is the outcome?"
        hint="The column you want to explain or predict."
        names={roles.outcome}
        value={outcome}
        onChange={pickOutcome}
      />
      <PickMany
        label="Which columns may go together with it?"
        names={free(roles.predictors, groups)}
        values={predictors}
        onChange={predictors => onAssign({ predictors })}
      />
      <PickMany
        label="Which rows belong together?"
        hint="For example rows of the same person, school or site."
        names={free(roles.groups, predictors)}
        values={groups}
        onChange={groups => onAssign({ groups })}
      />
      {isCount && (
        <Pick
          label="What was each count out of?"
          hint="For example time observed or number of people. May be left empty."
          names={free(roles.exposure, predictors)}
          value={analysis.exposure ?? ''}
          onChange={exposure => onAssign({ exposure })}
        />
      )}
    </>
  );
}

function Pick(props: {
  label: string;
  hint: string;
  names: string[] | undefined;
  value: string;
  onChange: (name: string) => void;
}) {
  const id = useId();
  if (!props.names?.length) {
    return null;
  }
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        className="jp-modelcompose-Select"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        <option value="">Choose a column</option>
        {props.names.map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <small>{props.hint}</small>
    </div>
  );
}

function PickMany(props: {
  label: string;
  hint?: string;
  names: string[];
  values: string[];
  onChange: (names: string[]) => void;
}) {
  const { names, values } = props;
  if (names.length === 0) {
    return null;
  }
  const toggle = (name: string) =>
    props.onChange(
      names.filter(item => (item === name) !== values.includes(item))
    );
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>{props.label}</legend>
      {props.hint && <small>{props.hint}</small>}
      <div className="jp-modelcompose-Checks">
        {names.map(name => (
          <label key={name} className="jp-modelcompose-Choice">
            <input
              type="checkbox"
              checked={values.includes(name)}
              onChange={() => toggle(name)}
            />
            <span>{name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
