import { setFlagsFromString } from 'node:v8';
import { afterAll, describe, expect, test } from 'vitest';
import { CodeModeService, type CodeModeSession, type Outcome } from '../../lib/index.js';
import { isolation } from '../isolation.js';
import { openService } from './support.js';

/** What a script can show of itself: nothing of it may depend on where its code comes from. */
const sources: Record<string, string> = {
  'an error far inside': `
    const list = [1, 2, 3];
    function outer(value) {
      const inner = () => { if (value === 2) throw new TypeError('two'); return value; };
      return inner();
    }
    text(list.map(outer).join());`,
  'an error of a class': `
    class Base { #secret = 1; static made = 0; constructor() { Base.made++; } get secret() { return this.#secret; } }
    class Derived extends Base { async *values() { yield this.secret; yield Base.made; throw new RangeError('end'); } }
    for await (const value of new Derived().values()) text(value);`,
  'its own text': `
    async function named(a, { b = 2, ...rest } = {}, ...more) { /* kept */ return a + b; }
    text(named.toString()); text(String(class A { static { this.x = 1; } })); text(named.length + named.name);`,
  'template objects, patterns and literals': `
    const tag = (strings) => strings;
    const once = () => tag\`a\${1}b\`;
    text([once() === once(), /(?<y>\\d+)/gu.exec('in 2026').groups.y, { __proto__: null, 'k': 1n + 2n }.k, 0x1f, 'ü€😀']);`,
  'a place of a call': `
    const call = async () => { await tools.fail({}); };
    try { await call(); } catch (error) { text(error.stack); }`,
  'imports and top-level await': `
    import { text as write } from '@openai/code_mode';
    const { fail } = await import('tools.js');
    write(typeof fail); write(typeof import.meta); await null; write(new Error('here').stack);`,
  'strings of two bytes': `const größe = '€'; function π() { return größe.repeat(3); } text(π()); throw new Error(größe);`,
  'a syntax error': `text(1);\nconst = 2;`,
  'an error that nobody catches': `setTimeout(() => { throw new Error('late'); }, 0); await new Promise(() => {});`,
};

/** Without what differs from run to run. */
function comparable({ cellId: _cellId, metrics: _metrics, ...rest }: Outcome): unknown {
  return JSON.parse(JSON.stringify(rest).replace(/"durationMs":[\d.]+/g, '"durationMs":0'));
}

function open(service: CodeModeService): CodeModeSession {
  const execute = () => {
    throw new Error('failed');
  };
  return service.createSession({ tools: [{ name: 'fail', execute }] });
}

/** Sources with kept code. A host process says it on the second question. */
async function cachedSources(service: CodeModeService): Promise<number> {
  service.stats();
  await open(service).exec(`text(${Math.random()})`);
  return service.stats().cachedSources;
}

describe('a source that is run again', () => {
  const service = new CodeModeService({ isolation });
  const session = open(service);
  afterAll(() => service.close());

  test.each(Object.entries(sources))('shows the same: %s', async (_name, source) => {
    const first = await session.exec(source);
    expect(first.contentItems.length + (first.error === null ? 0 : 1)).toBeGreaterThan(0);
    for (let run = 2; run <= 4; run++) {
      expect(comparable(await session.exec(source))).toEqual(comparable(first));
    }
  });

  test('is compiled once more, and then no more', async () => {
    const own = openService();
    const source = 'const f = () => 1; text(f())';
    expect(await cachedSources(own)).toBe(0);
    await open(own).exec(source);
    expect(await cachedSources(own)).toBe(0);
    await open(own).exec(source);
    expect(await cachedSources(own)).toBe(1);
    await open(own).exec(source);
    await open(own).exec('text(');
    await open(own).exec('text(');
    expect(await cachedSources(own)).toBe(1);
  });

  test.each([
    ['lists', (depth: number) => '['.repeat(depth) + ']'.repeat(depth)],
    ['members', (depth: number) => 'a' + '.b'.repeat(depth)],
    ['functions', (depth: number) => 'function(){return '.repeat(depth) + '1' + '}'.repeat(depth)],
  ])('works as well at the edge of what can be compiled: %s', async (_name, nest) => {
    const nested = (depth: number) => `const f = (a) => (${nest(depth)}); text(${depth})`;
    // Each depth is asked for once, so that all of this is compiled without kept code.
    let [works, fails] = [1, 8000];
    while (fails - works > 1) {
      const depth = (works + fails) >> 1;
      const { status } = await session.exec(nested(depth));
      if (status === 'completed') works = depth;
      else fails = depth;
    }
    expect(works).toBeGreaterThan(100);
    for (let run = 2; run <= 4; run++) {
      expect((await session.exec(nested(works))).contentItems).toEqual([
        { type: 'input_text', text: String(works) },
      ]);
    }
  });

  test('finds nothing of the run before', async () => {
    const source = `
      globalThis.runs = (globalThis.runs ?? 0) + 1; Array.prototype.mark ??= []; Array.prototype.mark.push(1);
      const f = () => f.count = (f.count ?? 0) + 1;
      text([globalThis.runs, [].mark.length, f(), f()].join());`;
    for (let run = 0; run < 4; run++) {
      expect((await session.exec(source)).contentItems).toEqual([{ type: 'input_text', text: '1,1,1,2' }]);
    }
  });

  test.skipIf(isolation === 'process')('is compiled anew when V8 refuses its code', async () => {
    const own = openService();
    const source = 'const g = (a) => a + 1; text(g(1))';
    const run = async () => (await open(own).exec(source)).contentItems[0];
    for (let i = 0; i < 3; i++) await run();
    expect(await cachedSources(own)).toBe(1);
    // Code is for one set of flags.
    setFlagsFromString('--no-use-osr');
    try {
      expect(await run()).toEqual({ type: 'input_text', text: '2' });
      expect(await cachedSources(own)).toBe(0);
      for (let i = 0; i < 3; i++) expect(await run()).toEqual({ type: 'input_text', text: '2' });
      expect(await cachedSources(own)).toBe(1);
    } finally {
      setFlagsFromString('--use-osr');
    }
  });
});
