import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commands } from '../../lib/cli/trace/commands.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/tracing.md lists every problem code of lib/trace/errors.ts, and no other', () => {
  const inCode = [...read('lib/trace/errors.ts').matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);
  const table = /<!-- codes: trace -->(.*?)<!-- end -->/s.exec(read('docs/tracing.md'))?.[1] ?? '';
  const inDocs = [...table.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code);
  expect(inCode.length).toBeGreaterThan(20);
  expect(inDocs.toSorted()).toEqual(inCode.toSorted());
});

test('docs/tracing.md lists every code of a trace command, and no other', () => {
  const source = read('lib/cli/trace/command.ts');
  const inCode = [...source.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);
  const table = /<!-- codes: trace-cli -->(.*?)<!-- end -->/s.exec(read('docs/tracing.md'))?.[1] ?? '';
  const inDocs = [...table.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code);
  expect(inCode.length).toBeGreaterThan(5);
  expect(inDocs.toSorted()).toEqual(inCode.toSorted());
});

test('docs/tracing.md names every command of `codecell trace`', () => {
  const page = read('docs/tracing.md');
  for (const { name } of commands) expect(page).toContain(`| \`trace ${name} <bundle>`);
});
