import { Changes, PriorChoices } from '../../api/port';

const NAMES: Record<string, string> = {
  formula: 'formula',
  model: 'model',
  outcome: 'outcome',
  noncentered: 'way of writing group effects'
};

/** Changes of choices as sentences. */
export function inWords(changes: Changes): string[] {
  return Object.entries(changes).flatMap(([name, value]) =>
    name === 'priors'
      ? priorsInWords(value as PriorChoices)
      : [`The ${NAMES[name] ?? name} becomes ${plain(value)}.`]
  );
}

function priorsInWords(priors: PriorChoices): string[] {
  const sentences = Object.entries(priors).map(
    ([term, { dist, ...params }]) =>
      `The prior of ${term} becomes ${dist}(${Object.values(params).join(', ')}).`
  );
  return sentences.length > 0
    ? sentences
    : ['All priors go back to their defaults.'];
}

function plain(value: unknown): string {
  return typeof value === 'string' && value !== ''
    ? value
    : Array.isArray(value) && value.every(item => typeof item === 'string')
      ? value.join('; ')
      : JSON.stringify(value);
}
