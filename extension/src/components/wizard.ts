import { useState, useSyncExternalStore } from 'react';

import {
  Analysis,
  DataDescription,
  Question,
  Recommendation,
  WorkbenchClient,
  WorkflowName
} from '../api/port';
import { Action, useAction } from './action';
import { rolesFor } from './question/roles';

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
  /** What was changed of each model, kept while another one is looked at. */
  drafts: Record<string, Draft>;
  /** The notebook to compose. */
  workflow: WorkflowName;
}

/** What may be changed of a model: its own choices go when the roles change, since they name columns. */
type Draft = Required<Pick<Analysis, 'formula' | 'priors'>>;

const UNCHANGED: Draft = { formula: '', priors: {} };

const EMPTY: Choices = {
  station: 'data',
  analysis: { data: '' },
  description: null,
  table: 0,
  recommendation: null,
  written: false,
  drafts: {},
  workflow: 'simple'
};

/** The model chosen before, if it is still proposed, or else the best one. */
function preferred({ recommended }: Recommendation, before = ''): string {
  const kept = recommended.find(({ id }) => id === before);
  return (kept ?? recommended[0])?.id ?? '';
}

function draftOf({ analysis }: Choices): Draft {
  const { formula, priors } = { ...UNCHANGED, ...analysis };
  return { formula, priors };
}

/** The analysis with another model, as that was last left. */
function switched(choices: Choices, model: string): Analysis {
  const { analysis, drafts } = choices;
  const draft =
    model === analysis.model ? draftOf(choices) : (drafts[model] ?? UNCHANGED);
  return { ...analysis, ...draft, model };
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
  /** The analysis with the kind of every column. */
  complete: Analysis;
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
  /** Change the chosen model: its formula, its priors. */
  edit(change: Partial<Analysis>): void;
  /** Use a model of one's own: `mapping` names the table's columns for those that it reads. */
  adopt(model: string, mapping: Record<string, string>): Promise<void>;
  /** Choose how many steps the notebook is to have. */
  walk(workflow: WorkflowName): void;
  compose(open: (path: string) => Promise<void>): Promise<void>;
  restart(): void;
}

/** The choices of a new analysis, for every guide on the page. */
export class WizardStore {
  private choices = EMPTY;
  private readonly listeners = new Set<() => void>();

  readonly read = (): Choices => this.choices;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly change = (next: (choices: Choices) => Choices): void => {
    this.choices = next(this.choices);
    this.listeners.forEach(listener => listener());
  };
}

/** The choices of a new analysis, kept until the notebook that holds them exists. */
export function useWizard(
  client: WorkbenchClient,
  shared?: WizardStore
): Wizard {
  const [own] = useState(() => new WizardStore());
  const store = shared ?? own;
  const choices = useSyncExternalStore(store.subscribe, store.read);
  const setChoices = store.change;
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

  /** The question or its columns have changed: what was changed of models speaks of other columns. */
  const recast = (change: Partial<Analysis>) => {
    update({ drafts: {} });
    amend({ ...UNCHANGED, model: '', ...change });
  };

  const receive = (next: DataDescription) =>
    setChoices(old => {
      const question = find(next, old.analysis.question);
      const kept = { ...old.analysis, data: next.data };
      return {
        ...old,
        description: next,
        recommendation: null,
        drafts: {},
        analysis: {
          ...kept,
          ...UNCHANGED,
          model: '',
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

  /** What the models are asked with: every kind as the table shows it. */
  const complete = { ...analysis, kinds: declaredKinds(description) };

  const prepare = (change: Partial<Analysis>) => {
    const next = { ...analysis, ...change };
    amend(change);
    return loading.start(() => client.describe(tableOf(next)), receive);
  };

  return {
    ...choices,
    complete,
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
      recast({ question: id, ...rolesFor(find(description, id), analysis) });
    },
    assign: change => ('missing' in change ? amend : recast)(change),
    recommend: () =>
      searching.start(
        () => client.recommend({ ...complete, ...UNCHANGED }),
        found =>
          setChoices(old => ({
            ...old,
            station: 'model',
            recommendation: found,
            analysis: {
              ...switched(old, preferred(found, old.analysis.model)),
              estimand: old.written ? old.analysis.estimand : found.estimand
            }
          }))
      ),
    write: estimand =>
      update({ analysis: { ...analysis, estimand }, written: true }),
    choose: model =>
      setChoices(old => ({
        ...old,
        drafts: { ...old.drafts, [old.analysis.model ?? '']: draftOf(old) },
        analysis: switched(old, model)
      })),
    edit: change =>
      setChoices(old => ({ ...old, analysis: { ...old.analysis, ...change } })),
    adopt: async (model, mapping) => {
      const changes = await client.adoptModel(model, complete, mapping);
      const next: Analysis = {
        ...analysis,
        ...rolesFor(undefined, analysis),
        ...changes
      };
      const described = await client.describe(tableOf(next));
      const kinds = declaredKinds(described);
      const found = await client.recommend({ ...next, kinds });
      setChoices(old => ({
        ...old,
        description: described,
        drafts: {},
        recommendation: found,
        analysis: {
          ...next,
          ...UNCHANGED,
          estimand: old.written ? old.analysis.estimand : found.estimand
        }
      }));
    },
    walk: workflow => update({ workflow }),
    compose: open =>
      composing.start(async () =>
        open(await client.compose(complete, choices.workflow))
      ),
    restart: () => {
      setChoices(() => EMPTY);
      [loading, searching, composing].forEach(action => action.clear());
    }
  };
}
