/// <reference types="vite/client" />
import { render, screen } from '@testing-library/react';

import GERMAN from '../../modelcompose/locale/de_DE/LC_MESSAGES/modelcompose.json';
import { FAILED_SAMPLING } from '../src/api/fake';
import { VerdictOutput } from '../src/components/workflow/VerdictOutput';
import { useWords, Words, WordsProvider } from '../src/components/words';

const TEXTS = GERMAN as unknown as Record<string, string[]>;
const sources = import.meta.glob<string>('../src/**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true
});
const schemas = import.meta.glob<Record<string, unknown>>('../schema/*.json', {
  import: 'default',
  eager: true
});

const LITERAL = String.raw`'((?:[^'\\]|\\.)*)'`;
const ONE = new RegExp(String.raw`(?:\b__|\bmarked)\(\s*${LITERAL}`, 'g');
const MANY = new RegExp(String.raw`\b_n\(\s*${LITERAL},\s*${LITERAL}`, 'g');

/** Every text of the sources, with the forms that it takes. */
function texts(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const source of Object.values(sources)) {
    for (const [, text] of source.matchAll(ONE)) {
      found.set(text!.replaceAll("\\'", "'"), [text!]);
    }
    for (const [, one, many] of source.matchAll(MANY)) {
      found.set(one!, [one!, many!]);
    }
  }
  return found;
}

/** Every text of a settings schema, under the context in which JupyterLab looks for it. */
function schemaTexts(schema: object, path: string[] = []): string[] {
  return Object.entries(schema).flatMap(([key, value]) => {
    if (typeof value === 'object') {
      return schemaTexts(value, [...path, key]);
    }
    const context =
      path.length === 0 && ['title', 'description'].includes(key)
        ? 'schema'
        : path[0] === 'properties' && ['title', 'description'].includes(key)
          ? 'settings'
          : key === 'jupyter.lab.setting-icon-label'
            ? 'settings'
            : path[0] === 'jupyter.lab.menus' && key === 'label'
              ? 'menu'
              : '';
    return context ? [`${context}\u0004${value}`] : [];
  });
}

const wanted = texts();
const ofSchemas = Object.values(schemas).flatMap(schema => schemaTexts(schema));

it('has every text in German, and no text that is gone', () => {
  const all = new Set([...wanted.keys(), ...ofSchemas]);
  expect(all.size).toBeGreaterThan(150);
  expect([...all].filter(text => !(text in TEXTS))).toEqual([]);
  const gone = Object.keys(TEXTS).filter(text => text && !all.has(text));
  expect(gone).toEqual([]);
});

it('has as many forms in German, with the same places for values', () => {
  const places = (text: string) => (text.match(/%\d/g) ?? []).sort().join();
  for (const [text, forms] of wanted) {
    expect(TEXTS[text]).toHaveLength(forms.length);
    forms.forEach((form, at) =>
      expect(places(TEXTS[text]![at]!), text).toBe(places(form))
    );
  }
});

it('translates a card, and leaves what the notebook says as it is', () => {
  const german: Words = {
    __: (text, ...values) =>
      values.reduce<string>(
        (said, value, at) => said.replace(`%${at + 1}`, String(value)),
        TEXTS[text]![0]!
      ),
    _n: one => TEXTS[one]![1]!
  };
  render(
    <WordsProvider value={german}>
      <VerdictOutput
        verdict={FAILED_SAMPLING}
        picture=""
        stale={true}
        change={null}
        actions={null}
      />
    </WordsProvider>
  );
  const card = screen.getByRole('article', { name: FAILED_SAMPLING.title });
  expect(card.textContent).toContain('Veraltet');
  expect(card.textContent).toContain('vorher hieß es „Nicht bestanden“');
  expect(card.textContent).toContain(FAILED_SAMPLING.sentence);
});

it('speaks English where nobody translates', () => {
  function Texts() {
    const t = useWords();
    return (
      <p>
        {t.__('%2 after %1', 'a', 'b')}, {t._n('%1 row', '%1 rows', 1)},{' '}
        {t._n('%1 row', '%1 rows', 2)}
      </p>
    );
  }
  render(<Texts />);
  screen.getByText('b after a, 1 row, 2 rows');
});
