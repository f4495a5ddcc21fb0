import { Schema, StepInfo, StepKind } from '../port';
import { FakeBase } from './base';

/** What may be chosen, in words. */
export abstract class FakeSchema extends FakeBase {
  async schema(): Promise<Schema> {
    this.check('schema');
    return {
      analysis: {},
      kinds: KINDS,
      recipe: STEP_KINDS,
      samplers: SAMPLERS,
      steps: STEPS.map(({ id, title, explanation, phase }) => ({
        id,
        title,
        explanation,
        phase
      })),
      version: '0.1.0'
    };
  }
}

const SAMPLERS = [
  {
    id: 'nutpie',
    label: 'NUTS by nutpie',
    explanation: 'The usual choice: its draws can be checked in every way.',
    approximate: false,
    missing: []
  },
  {
    id: 'blackjax',
    label: 'NUTS by BlackJAX',
    explanation: 'A second opinion for large models.',
    approximate: false,
    missing: ['blackjax', 'jax']
  },
  {
    id: 'pathfinder',
    label: 'Pathfinder',
    explanation: 'A first look within seconds.',
    approximate: true,
    missing: []
  }
];

const KINDS = [
  {
    id: 'continuous',
    label: 'Number',
    explanation: 'A measured number, of either sign.'
  },
  { id: 'count', label: 'Count', explanation: 'How many: 0, 1, 2, …' },
  {
    id: 'category',
    label: 'Category',
    explanation: 'One of a few names without an order.'
  },
  {
    id: 'group',
    label: 'Group',
    explanation: 'Which rows belong together, for example a person.'
  },
  { id: 'text', label: 'Text', explanation: 'Free text; not used in models.' }
];

const [BEFORE, FIT, CHECKS, FAR, USE] = [
  'Before the data speak',
  'Fit',
  'Checks',
  'How far it carries',
  'Use it'
] as const;

interface FakeStep extends StepInfo {
  needs: string[];
  /** The choices that it depends on beside those of the steps it needs. */
  reads: string[];
  /** Whether the short workflow has it. */
  short: boolean;
}

const SAMPLING = ['draws', 'tune', 'chains', 'target_accept'];

function step(
  [id, title, explanation]: [string, string, string],
  phase: string,
  needs: string[],
  reads: string[] = [],
  short = false
): FakeStep {
  return { id, title, explanation, phase, needs, reads, short };
}

export const STEPS: FakeStep[] = [
  step(
    ['data', 'Data', 'Are the data what they were declared to be?'],
    BEFORE,
    [],
    ['data', 'kinds', 'missing'],
    true
  ),
  step(
    ['question', 'Question', 'What is asked, of which columns?'],
    BEFORE,
    ['data'],
    ['question'],
    true
  ),
  step(
    ['model', 'Model', 'The model as code, with its assumptions.'],
    BEFORE,
    ['data'],
    ['model', 'formula', 'priors'],
    true
  ),
  step(
    ['prior', 'Prior check', 'What would the model expect without the data?'],
    BEFORE,
    ['model'],
    [],
    true
  ),
  step(
    ['recovery', 'Recovery', 'Would the model find the truth?'],
    BEFORE,
    ['model'],
    ['recoveries', ...SAMPLING]
  ),
  step(
    ['fit', 'Fit', 'Draws from the posterior.'],
    FIT,
    ['model'],
    SAMPLING,
    true
  ),
  step(
    ['sampling', 'Sampling check', 'Did the computation work?'],
    FIT,
    ['fit'],
    [],
    true
  ),
  step(
    ['posterior', 'Model check', 'Do data made by the model look like yours?'],
    CHECKS,
    ['fit'],
    [],
    true
  ),
  step(
    ['calibration', 'Calibration', 'Are the predictions as sure as they say?'],
    CHECKS,
    ['posterior']
  ),
  step(
    ['influence', 'Influence', 'Do single rows decide the answer?'],
    CHECKS,
    ['calibration']
  ),
  step(
    ['comparison', 'Comparison', 'Does another model predict better?'],
    FAR,
    ['influence'],
    ['candidates']
  ),
  step(
    ['sensitivity', 'Sensitivity', 'Does the answer depend on the priors?'],
    FAR,
    ['calibration'],
    ['rival_priors']
  ),
  step(
    ['multiverse', 'Multiverse', 'Would other choices say the same?'],
    FAR,
    ['data', 'model'],
    ['universes', ...SAMPLING]
  ),
  step(
    ['sbc', 'Simulations', 'Is the computation right for this model?'],
    FAR,
    ['model'],
    ['simulations', ...SAMPLING]
  ),
  step(
    ['prediction', 'Prediction', 'What does the model predict?'],
    USE,
    ['posterior'],
    ['new_rows']
  ),
  step(
    ['decision', 'Decision', 'What should be done?'],
    USE,
    ['posterior', 'sampling'],
    ['decision']
  ),
  step(
    ['answer', 'Answer', 'The answer, with its uncertainty.'],
    USE,
    ['posterior', 'sampling'],
    ['estimand'],
    true
  ),
  step(
    ['checklist', 'Checklist', 'Is everything there that is asked for?'],
    USE,
    ['prior', 'sampling', 'answer']
  )
];

const STEP_KINDS: StepKind[] = [
  {
    id: 'filter',
    title: 'Keep some rows',
    explanation: 'Keep the rows for which a condition is true.',
    fields: {
      properties: {
        where: { type: 'string', description: 'The condition' }
      },
      required: ['where']
    }
  },
  {
    id: 'drop',
    title: 'Leave columns out',
    explanation: 'Take columns away.',
    fields: {
      properties: {
        columns: {
          type: 'array',
          items: { type: 'string' },
          description: 'The columns to leave out'
        }
      }
    }
  },
  {
    id: 'rename',
    title: 'Rename columns',
    explanation: 'Give columns other names.',
    fields: {
      properties: {
        columns: {
          type: 'object',
          additionalProperties: { type: 'string' },
          description: 'New names'
        }
      }
    }
  }
];
