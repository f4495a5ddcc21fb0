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
      steps: STEPS,
      version: '0.1.0'
    };
  }
}

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

export const STEPS: StepInfo[] = [
  ['data', 'Data', 'Are the data what they were declared to be?'],
  ['question', 'Question', 'What is asked, of which columns?'],
  ['model', 'Model', 'The model as code, with its assumptions.'],
  ['prior', 'Prior check', 'What would the model expect without the data?'],
  ['fit', 'Fit', 'Draws from the posterior.'],
  ['sampling', 'Sampling check', 'Did the computation work?'],
  ['posterior', 'Model check', 'Do data made by the model look like yours?'],
  ['answer', 'Answer', 'The answer, with its uncertainty.']
].map(([id, title, explanation]) => ({
  id: id!,
  title: title!,
  explanation: explanation!
}));

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
