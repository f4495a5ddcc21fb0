import { Elicited, PriorChoices } from '../../api/port';

/** A change of the priors as they are when it is made: answers may come after further edits. */
export type ChangePriors = (
  update: (priors: PriorChoices) => PriorChoices,
  what: string,
  /** Changes of one mark are undone together. */
  mark?: string
) => void;

/** Only the priors that an answer is about; the others may have been edited since. */
export function changedBy({ changes, priors }: Elicited): PriorChoices {
  const names = priors.map(({ name }) => name);
  const changed = Object.entries(changes.priors).filter(
    ([name]) => names.length === 0 || names.includes(name)
  );
  return Object.fromEntries(changed);
}
