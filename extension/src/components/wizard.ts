import { useState } from 'react';

import {
  Analysis,
  DataDescription,
  Question,
  Recommendation,
  RoleName,
  WorkbenchClient
} from '../api/port';
import { Action, useAction } from './action';

export type StationName = 'data' | 'question' | 'model';

interface Choices {
  station: StationName;
  analysis: Analysis;
  description: DataDescription | null;
  /** How many tables were brought so far; what was typed for one does not outlive it. */
  table: number;
  recommendation: Recommendation | null;
  /** Whether the estimand was written by the user, so that a new recommendation keeps it. */
  written: boolean;
}

const EMPTY: Choices = {
  station: 'data',
  analysis: { data: '' },
  description: null,
  table: 0,
  recommendation: null,
  written: false
};

/** Role choices depend on the question and the columns, and these on the kinds. */
function rolesFor(
  question: Question | undefined,
  old: Analysis
): Partial<Analysis> {
  const allowed = (role: RoleName) => question?.roles[role] ?? [];
  const outcomes = allowed('outcome');
  const outcome = outcomes.includes(old.outcome ?? '') ? old.outcome! : '';
  const keep = (role: 'predictors' | 'groups') =>
    (old[role] ?? []).filter(
      name => allowed(role).includes(name) && name !== outcome
    );
  return {
    outcome: outcome || (outcomes.length === 1 ? outcomes[0]! : ''),
    predictors: keep('predictors'),
    groups: keep('groups'),
    exposure: allowed('exposure').includes(old.exposure ?? '')
      ? old.exposure!
      : ''
  };
}

export function declaredKinds(
  description: DataDescription | null
): Record<string, string> {
  const columns = description?.columns ?? [];
  return Object.fromEntries(columns.map(({ name, kind }) => [name, kind]));
}

/** The choices that say what table it is. */
export function tableOf(analysis: Analysis): Analysis {
  const {
    data,
    kinds = {},
    units = {},
    variables = {},
    recipe = []
  } = analysis;
  return { data, kinds, units, variables, recipe };
}

export interface Wizard extends Choices {
  loading: Action;
  searching: Action;
  composing: Action;
  question: Question | undefined;
  goTo(station: StationName): void;
  load(data: string): Promise<void>;
  /** Begin with what `begin` brings: a path, and choices already known. */
  loadFrom(begin: () => Promise<Analysis>): Promise<void>;
  declare(column: string, kind: string): Promise<void>;
  /** Change what is declared or prepared, and describe the table anew. */
  prepare(change: Partial<Analysis>): Promise<void>;
  ask(question: string): void;
  assign(roles: Partial<Analysis>): void;
  recommend(): Promise<void>;
  write(estimand: string): void;
  choose(model: string): void;
  compose(open: (path: string) => Promise<void>): Promise<void>;
  restart(): void;
}

/** The choices of a new analysis, kept until the notebook that holds them exists. */
export function useWizard(client: WorkbenchClient): Wizard {
  const [choices, setChoices] = useState<Choices>(EMPTY);
  const loading = useAction();
  const searching = useAction();
  const composing = useAction();
  const { analysis, description } = choices;
  const find = (from: DataDescription | null, id?: string) =>
    from?.questions.find(item => item.id === id && item.allowed);
  const update = (change: Partial<Choices>) =>
    setChoices(old => ({ ...old, ...change }));
  const amend = (change: Partial<Analysis>) =>
    setChoices(old => ({
      ...old,
      analysis: { ...old.analysis, ...change },
      recommendation: null
    }));

  const receive = (next: DataDescription) =>
    setChoices(old => {
      const question = find(next, old.analysis.question);
      const kept = { ...old.analysis, data: next.data };
      return {
        ...old,
        description: next,
        recommendation: null,
        analysis: {
          ...kept,
          question: question?.id ?? '',
          ...rolesFor(question, kept)
        }
      };
    });

  const loadFrom = (begin: () => Promise<Analysis>) =>
    loading.start(
      async () => {
        const first = await begin();
        return { first, next: await client.describe(tableOf(first)) };
      },
      ({ first, next }) => {
        setChoices(old => ({
          ...EMPTY,
          analysis: first,
          table: old.table + 1
        }));
        receive(next);
      }
    );

  const prepare = (change: Partial<Analysis>) => {
    const next = { ...analysis, ...change };
    amend(change);
    return loading.start(() => client.describe(tableOf(next)), receive);
  };

  return {
    ...choices,
    loading,
    searching,
    composing,
    question: find(description, analysis.question),
    goTo: station => update({ station }),
    loadFrom,
    load: data => loadFrom(async () => ({ data })),
    prepare,
    declare: (column, kind) =>
      prepare({ kinds: { ...analysis.kinds, [column]: kind } }),
    ask: id => {
      update({ written: false });
      amend({ question: id, ...rolesFor(find(description, id), analysis) });
    },
    assign: amend,
    recommend: () =>
      searching.start(
        () =>
          client.recommend({ ...analysis, kinds: declaredKinds(description) }),
        found =>
          setChoices(old => ({
            ...old,
            station: 'model',
            recommendation: found,
            analysis: {
              ...old.analysis,
              estimand: old.written ? old.analysis.estimand : found.estimand,
              model: found.recommended[0]?.id ?? ''
            }
          }))
      ),
    write: estimand =>
      update({ analysis: { ...analysis, estimand }, written: true }),
    choose: model => update({ analysis: { ...analysis, model } }),
    compose: open =>
      composing.start(async () =>
        open(
          await client.compose({
            ...analysis,
            kinds: declaredKinds(description)
          })
        )
      ),
    restart: () => {
      setChoices(EMPTY);
      [loading, searching, composing].forEach(action => action.clear());
    }
  };
}
