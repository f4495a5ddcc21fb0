import { Analysis, Question, RoleName, SettingName } from '../../api/port';

interface Role {
  name: RoleName;
  many: boolean;
  label: string;
  hint: string;
}

/** The parts that a column can play, in the order in which they are asked for. */
export const ROLES: readonly Role[] = [
  {
    name: 'outcome',
    many: false,
    label: 'What is the outcome?',
    hint: 'The column you want to explain or predict.'
  },
  {
    name: 'further',
    many: true,
    label: 'Which further outcomes go with it?',
    hint: 'Columns to be explained together with the first.'
  },
  {
    name: 'trials',
    many: false,
    label: 'Out of how many tries is each count?',
    hint: 'The column with the number tried, for example people asked.'
  },
  {
    name: 'event',
    many: false,
    label: 'Which column says that it happened?',
    hint: '1 or yes when it did; otherwise it was still going on when you stopped looking.'
  },
  {
    name: 'predictors',
    many: true,
    label: 'Which columns may go together with it?',
    hint: 'What the outcome may depend on.'
  },
  {
    name: 'groups',
    many: true,
    label: 'Which rows belong together?',
    hint: 'For example rows of the same person, school or site.'
  },
  {
    name: 'time',
    many: false,
    label: 'Which column puts the rows in order?',
    hint: 'A date, or a number that counts on.'
  },
  {
    name: 'standard_error',
    many: false,
    label: 'Which column says how exact each value is?',
    hint: 'Its standard error, from a study or from a measuring device.'
  },
  {
    name: 'exposure',
    many: false,
    label: 'What was each count observed over?',
    hint: 'For example time, area or people at risk. May be left empty.'
  }
];

export const SETTINGS: Record<SettingName, { label: string; hint: string }> = {
  intervention: {
    label: 'When did it begin?',
    hint: 'The first value of the time column at which it was in force.'
  },
  treated: {
    label: 'Who got it?',
    hint: 'The one of the groups, as it is written in the table.'
  }
};

/** How many columns a role must at least be given. */
export function leastOf(question: Question, role: RoleName): number {
  const offered = question.roles[role]?.length ?? 0;
  const otherwise = role === 'outcome' && offered > 0 ? 1 : 0;
  return question.least?.[role] ?? otherwise;
}

/** The columns that were given a role. */
export function given(analysis: Analysis, role: RoleName): string[] {
  const value = analysis[role] ?? [];
  return typeof value === 'string' ? [value].filter(Boolean) : value;
}

/** The first role that still lacks columns, or undefined. */
export function lacking(
  question: Question,
  analysis: Analysis
): Role | undefined {
  return ROLES.find(
    ({ name }) => given(analysis, name).length < leastOf(question, name)
  );
}

/** Whether a role is asked for: some only concern counts, unless the question cannot do without. */
export function isAsked(
  question: Question,
  role: RoleName,
  outcomeKind: string | undefined
): boolean {
  const offered = (question.roles[role] ?? []).length > 0;
  const ofCounts = role === 'trials' || role === 'exposure';
  return (
    offered &&
    (!ofCounts || outcomeKind === 'count' || leastOf(question, role) > 0)
  );
}

/** The columns that a role may still take: one column plays one part. */
export function free(
  question: Question,
  analysis: Analysis,
  role: RoleName
): string[] {
  const taken = ROLES.filter(({ name }) => name !== role).flatMap(({ name }) =>
    given(analysis, name)
  );
  return (question.roles[role] ?? []).filter(
    column => role === 'outcome' || !taken.includes(column)
  );
}

/** Roles for a question: what was chosen and still fits, and what cannot be otherwise. */
export function rolesFor(
  question: Question | undefined,
  old: Analysis
): Partial<Analysis> {
  const roles: Partial<Analysis> = {};
  const taken: string[] = [];
  for (const { name, many } of ROLES) {
    const fitting = (question?.roles[name] ?? []).filter(
      column => !taken.includes(column)
    );
    const kept = given(old, name).filter(column => fitting.includes(column));
    const sure =
      question && fitting.length === 1 && leastOf(question, name) === 1;
    const chosen = kept.length === 0 && sure ? fitting : kept;
    taken.push(...chosen);
    Object.assign(roles, { [name]: many ? chosen : (chosen[0] ?? '') });
  }
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    roles[name] = question?.settings?.includes(name) ? (old[name] ?? '') : '';
  }
  return roles;
}

/** An outcome leaves whatever other part it played. */
export function withOutcome(
  analysis: Analysis,
  outcome: string
): Partial<Analysis> {
  const roles: Partial<Analysis> = { outcome };
  for (const { name, many } of ROLES) {
    if (name !== 'outcome' && given(analysis, name).includes(outcome)) {
      const rest = given(analysis, name).filter(column => column !== outcome);
      Object.assign(roles, { [name]: many ? rest : '' });
    }
  }
  return { ...roles, exposure: '', trials: '' };
}
