import vm from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import { CodeModeService } from '../../lib/index.js';
import { expressions } from './programs.js';

/** Shows any value as text, in the realm where it is. */
const show = `(function show(value, depth = 0) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return value + 'n';
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'symbol') return value.toString();
  if (typeof value === 'function') return 'function ' + value.name;
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Error) return value.constructor.name + ': ' + value.message;
  const tag = Object.prototype.toString.call(value);
  if (depth > 4) return tag;
  const keys = Reflect.ownKeys(value).map((key) => String(key) + '=' + show(value[key], depth + 1));
  return tag + '{' + keys.join() + '}';
})`;

/** Statements that hand the value of an expression, or what it throws, to `report`. */
const statements = (expression: string) => `
  const show = ${show};
  let result;
  try { result = show(await (async () => { 'use strict'; return (${expression}\n) })()) }
  catch (error) { result = 'throws ' + show(error) }
  report(result);`;

function inNode(expression: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const context = vm.createContext({ report: resolve });
    // What node adds to each context, and a cell does not have.
    vm.runInContext('delete globalThis.WebAssembly, delete globalThis.SharedArrayBuffer', context);
    (vm.runInContext(`(async () => {${statements(expression)}})()`, context) as Promise<void>).catch(reject);
  });
}

describe('the language of a cell', () => {
  const service = new CodeModeService({ warmIsolates: 1 });
  const session = service.createSession();
  afterAll(() => service.close());

  async function inCell(expression: string): Promise<string> {
    const source = `const report = text; ${statements(expression)}`;
    const { contentItems, error } = await session.exec(source, { yieldTimeMs: Infinity });
    const [item] = contentItems;
    return item?.type === 'input_text' ? item.text : `${error?.code}: ${error?.message}`;
  }

  test.each(Object.entries(expressions))('is that of node in %s', async (_area, all) => {
    const evaluate = async (run: (expression: string) => Promise<string>) => {
      const results: Record<string, string> = {};
      for (const expression of all) results[expression] = await run(expression);
      return results;
    };
    expect(await evaluate(inCell)).toEqual(await evaluate(inNode));
  });

  test('has no more and no fewer globals than the language, but for what is removed and the helpers', async () => {
    const names = 'Object.getOwnPropertyNames(globalThis).filter((name) => name !== "report").sort()';
    const [cell, node] = await Promise.all([inCell(names), inNode(names)]);
    const list = (shown: string) => [...shown.matchAll(/="([^"]+)"/g)].map(([, name]) => name!);
    const removed = list(node).filter((name) => !list(cell).includes(name));
    const added = list(cell).filter((name) => !list(node).includes(name));
    expect(removed.sort()).toEqual(['Atomics', 'console']);
    expect(added.sort()).toEqual(
      [
        ...[
          'ALL_TOOLS',
          'as_settled',
          'audio',
          'clearTimeout',
          'content',
          'exit',
          'generatedImage',
          'image',
          'load',
        ],
        ...['notify', 'setTimeout', 'store', 'stream_settled', 'text', 'tools', 'yield_control'],
      ].sort(),
    );
  });
});
