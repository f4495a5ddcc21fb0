/// <reference types="vite/client" />

/** Made by the panel of runs. */
const ELSEWHERE = ['modelcompose:open-runs'];

const schemas = Object.values(
  import.meta.glob<string>('../schema/*.json', {
    query: '?raw',
    import: 'default',
    eager: true
  })
);
const panels = Object.values(
  import.meta.glob<string>('../src/panels/*.{ts,tsx}', {
    query: '?raw',
    import: 'default',
    eager: true
  })
);

it('names no command in menus, toolbars and shortcuts that nothing adds', () => {
  const sources = panels.join('\n');
  const named = schemas
    .flatMap(text => [...text.matchAll(/"command": "([^"]+)"/g)])
    .map(([, command]) => command!);
  expect(named.length).toBeGreaterThan(10);
  const unknown = named.filter(
    command => !ELSEWHERE.includes(command) && !sources.includes(`'${command}'`)
  );
  expect(unknown).toEqual([]);
});

it('gives every key sequence to one command, and none that types a character', () => {
  const keys = schemas
    .flatMap(text => JSON.parse(text)['jupyter.lab.shortcuts'] ?? [])
    .map(shortcut => shortcut.keys.join(', '));
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.every(key => /^Alt Shift M, [A-Z]$/.test(key))).toBe(true);
});
