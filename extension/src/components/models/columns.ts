/** The word of a formula that is being typed. */
export const WORD = /[\p{L}_][\p{L}\p{N}_.]*$/u;
const NAME = /^[\p{L}_][\p{L}\p{N}_.]*$/u;
const QUOTED = /`([^`]*)$/;

/** A name of a column as a formula holds it: one that is no word stands between backticks. */
export function spelt(column: string): string {
  return NAME.test(column) ? column : `\`${column}\``;
}

export interface Columns {
  /** Where the text to replace begins. */
  start: number;
  /** The columns that begin like it, and what to write for each. */
  offers: { column: string; text: string }[];
}

/**
 * The columns that may stand at the caret of a cell of Python: only strings name columns, and a string with a tilde
 * is a formula.
 */
export function columnsAt(
  source: string,
  caret: number,
  columns: string[]
): Columns | null {
  const opened = openString(source.slice(0, caret));
  if (opened === null) {
    return null;
  }
  const before = source.slice(opened, caret);
  const isFormula = before.includes('~');
  const word = isFormula ? wordOf(before) : before;
  const wanted = word.replace(/^`/, '').toLowerCase();
  const offers = columns
    .filter(column => column.toLowerCase().startsWith(wanted))
    .map(column => ({ column, text: isFormula ? spelt(column) : column }));
  return offers.length > 0 ? { start: caret - word.length, offers } : null;
}

function wordOf(before: string): string {
  const ticks = before.split('`').length - 1;
  const pattern = ticks % 2 === 1 ? QUOTED : WORD;
  return pattern.exec(before)?.[0] ?? '';
}

/** Where the string begins that is still open at the end of some Python; null outside of strings. */
function openString(before: string): number | null {
  // Strings, the last one perhaps without its end; comments; and everything else.
  const piece =
    /("""|''')(?:\\.|(?!\1).)*(\1|$)|(["'])(?:\\.|(?!\3)[^\n\\])*(\3|$|\n)|#[^\n]*|[^"'#]+/gs;
  for (const found of before.matchAll(piece)) {
    const [, long, longEnd, short, shortEnd] = found;
    const quote = long ?? short;
    if (quote && (longEnd ?? shortEnd) === '') {
      return found.index + quote.length;
    }
  }
  return null;
}
