import { createContext, useContext } from 'react';

/** The texts of the interface in the reader's language; in English where nobody translates them. */
export interface Words {
  /** `%1`, `%2`, … stand for the values. */
  __(text: string, ...values: unknown[]): string;
  /** `%1` stands for the number. */
  _n(one: string, many: string, number: number, ...values: unknown[]): string;
}

const ENGLISH: Words = {
  __: (text, ...values) => filled(text, values),
  _n: (one, many, number, ...values) =>
    filled(number === 1 ? one : many, [number, ...values])
};

const Language = createContext<Words>(ENGLISH);

export const WordsProvider = Language.Provider;

export function useWords(): Words {
  return useContext(Language);
}

/** Marks a text that stands in a table and is translated where it is shown. */
export function marked<T extends string>(text: T): T {
  return text;
}

function filled(text: string, values: unknown[]): string {
  return text.replace(/%(\d+)/g, (whole, number) =>
    String(values[Number(number) - 1] ?? whole)
  );
}
