import { useId } from 'react';

import { Analysis, Column, Question, SettingName } from '../../api/port';
import {
  free,
  given,
  isAsked,
  leastOf,
  ROLES,
  SETTINGS,
  withOutcome
} from './roles';

/** Which column plays which part: only what the question has a part for is asked. */
export function RolePickers(props: {
  question: Question;
  analysis: Analysis;
  columns: Column[];
  onAssign: (roles: Partial<Analysis>) => void;
}) {
  const { question, analysis, columns, onAssign } = props;
  const kind = columns.find(({ name }) => name === analysis.outcome)?.kind;
  const asked = ROLES.filter(({ name }) => isAsked(question, name, kind));
  return (
    <>
      {asked.map(({ name, many, label, hint }) => {
        const names = free(question, analysis, name);
        const values = given(analysis, name);
        const least = leastOf(question, name);
        return many ? (
          <PickMany
            key={name}
            label={label}
            hint={least > 1 ? `${hint} At least ${least}.` : hint}
            names={names}
            values={values}
            onChange={chosen => onAssign({ [name]: chosen })}
          />
        ) : (
          <Pick
            key={name}
            label={label}
            hint={hint}
            names={names}
            value={values[0] ?? ''}
            onChange={chosen =>
              onAssign(
                name === 'outcome'
                  ? withOutcome(analysis, chosen)
                  : { [name]: chosen }
              )
            }
          />
        );
      })}
      {(question.settings ?? []).map(name => (
        <Setting
          key={name}
          label={SETTINGS[name].label}
          hint={SETTINGS[name].hint}
          known={known(name, analysis, columns)}
          value={analysis[name] ?? ''}
          onChange={value => onAssign({ [name]: value })}
        />
      ))}
    </>
  );
}

/** Values that the table is known to hold, to choose from while typing. */
function known(
  name: SettingName,
  analysis: Analysis,
  columns: Column[]
): string[] {
  const [column] = given(analysis, name === 'treated' ? 'groups' : 'time');
  const found = columns.find(item => item.name === column);
  return found?.levels ?? found?.examples ?? [];
}

/** One column to choose from a list. */
export function Pick(props: {
  label: string;
  hint?: string;
  names: string[];
  value: string;
  onChange: (name: string) => void;
}) {
  const id = useId();
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        className="jp-modelcompose-Select"
        aria-describedby={props.hint && `${id}-hint`}
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        <option value="">Choose a column</option>
        {props.names.map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {props.hint && <small id={`${id}-hint`}>{props.hint}</small>}
    </div>
  );
}

function PickMany(props: {
  label: string;
  hint: string;
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
      values.includes(name)
        ? values.filter(item => item !== name)
        : [...values, name]
    );
  return (
    <fieldset className="jp-modelcompose-Fieldset">
      <legend>{props.label}</legend>
      <small>{props.hint}</small>
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

function Setting(props: {
  label: string;
  hint: string;
  known: string[];
  value: string;
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="jp-modelcompose-Field">
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        list={`${id}-known`}
        aria-describedby={`${id}-hint`}
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      />
      <datalist id={`${id}-known`}>
        {props.known.map(value => (
          <option key={value} value={value} />
        ))}
      </datalist>
      <small id={`${id}-hint`}>{props.hint}</small>
    </div>
  );
}
