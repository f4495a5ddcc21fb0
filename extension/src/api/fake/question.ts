import { Column, Question } from '../port';

/** The questions that a table of these columns allows. */
export function questionsFor(columns: Column[]): Question[] {
  const named = (...kinds: string[]) =>
    columns.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name);
  const numbers = named('continuous', 'positive');
  const categories = named('category', 'binary');
  const counts = named('count');
  return [
    {
      id: 'typical',
      topic: 'Describe',
      label: 'What is the typical value?',
      explanation: 'Estimates the average of one number.',
      allowed: numbers.length > 0,
      reason: 'It needs an outcome that is a number.',
      roles: { outcome: numbers },
      least: {},
      settings: [],
      lacking: 'a column of answers'
    },
    {
      id: 'difference',
      topic: 'Compare',
      label: 'Do groups differ?',
      explanation: 'Compares an outcome between categories.',
      allowed: numbers.length > 0 && categories.length > 0,
      reason: 'It needs a column that is a category or a yes/no answer.',
      roles: { outcome: numbers, predictors: categories },
      least: { predictors: 1 },
      settings: [],
      lacking: 'a column of answers'
    },
    {
      id: 'change-over-time',
      topic: 'Over time',
      label: 'How does something change over time?',
      explanation:
        'Follows an outcome over time, for each group if there are groups.',
      allowed: numbers.length > 0,
      reason: 'It needs an outcome that is a number.',
      roles: {
        outcome: numbers,
        predictors: named('count', 'continuous'),
        groups: named('group', 'category')
      },
      least: {},
      settings: [],
      lacking: 'a column of answers'
    },
    {
      id: 'one-treated',
      topic: 'Did it work?',
      label: 'One got it, many did not: what did it do?',
      explanation: 'Builds a stand-in for the one that got it.',
      allowed: numbers.length > 0 && counts.length > 0,
      reason: 'It needs a number measured at several times.',
      roles: {
        outcome: numbers,
        groups: named('group', 'category'),
        time: counts
      },
      least: { groups: 1, time: 1 },
      settings: ['intervention', 'treated'],
      lacking: 'a column of answers'
    },
    {
      id: 'share',
      topic: 'Describe',
      label: 'What share says yes?',
      explanation: 'Estimates how often something is the case.',
      allowed: counts.length > 0,
      reason: 'It needs a yes/no answer, or a count.',
      roles: { outcome: counts, trials: counts },
      least: {},
      settings: [],
      lacking: 'a column of answers'
    }
  ];
}
