import { describe, expect, test } from 'vitest';
import { blockingTool, ending, openService, openSession, texts } from './support.js';

describe('stored values', () => {
  test('are seen by later cells of the session, and by no other session', async () => {
    const service = openService();
    const [one, other] = [service.createSession(), service.createSession()];
    await one.exec('store("k", { a: [1, "x", null] })');
    expect(texts(await one.exec('text(load("k"))'))).toEqual(['{"a":[1,"x",null]}']);
    expect(texts(await other.exec('text(load("k"))'))).toEqual(['undefined']);
  });

  test('are committed when a cell fails or exits', async () => {
    const session = openSession();
    await session.exec('store("failed", 1); throw 1');
    await session.exec('store("exited", 1); exit()');
    expect(session.storedValues()).toEqual({ failed: 1, exited: 1 });
  });

  test('are read as of the start of the cell, and the last to finish wins per key', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool], storedValues: { k: 'base', other: 0 } });
    const slow = session.exec('store("k", "slow"); await tools.block(); text([load("k"), load("other")])');
    await reached;
    await session.exec('store("k", "fast"); store("other", 1)');
    release();
    expect(texts(await slow)).toEqual(['["slow",0]']);
    expect(session.storedValues()).toEqual({ k: 'slow', other: 1 });
  });

  test('survive saving and restoring, whatever their keys', async () => {
    const service = openService();
    const session = service.createSession();
    await session.exec(`
      for (const key of ["", "__proto__", "constructor", "toString", "1", "a b", "ü\\u0000"]) store(key, { key });
      store("text", "\\u2028 \\"quoted\\" ü");`);
    const saved = session.storedValues();
    expect(Object.getPrototypeOf(saved)).toBe(Object.prototype);
    expect(Object.keys(saved)).toHaveLength(8);
    const restored = service.createSession({ storedValues: JSON.parse(JSON.stringify(saved)) });
    expect(restored.storedValues()).toEqual(saved);
    expect(texts(await restored.exec('text([load("__proto__"), load("").key, load("text")])'))).toEqual([
      '[{"key":"__proto__"},"","\u2028 \\"quoted\\" ü"]',
    ]);
  });

  test('can be saved after the session was closed, without those of cells that were closed', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('store("done", 1)');
    const running = session.exec('store("lost", 1); await tools.block()');
    await reached;
    await session.close();
    expect((await running).status).toBe('terminated');
    expect(session.storedValues()).toEqual({ done: 1 });
  });

  const circular: Record<string, unknown> = {};
  circular['deep'] = [{ circular }];
  test.each([
    [{ a: undefined }, 'storedValues.a is undefined'],
    [{ a: { b: [1, () => 1] } }, 'storedValues.a.b[1] is a function'],
    [{ 'a b': 1n }, 'storedValues["a b"] is 1n'],
    [{ a: NaN }, 'storedValues.a is NaN'],
    [{ a: [Infinity] }, 'storedValues.a[0] is Infinity'],
    [{ a: Symbol('s') }, 'storedValues.a is a symbol'],
    [{ a: new Date(0) }, 'storedValues.a is a Date, not plain JSON'],
    [{ a: new Map() }, 'storedValues.a is a Map, not plain JSON'],
    [{ circular }, 'storedValues.circular.deep[0].circular is circular'],
    [[1], 'storedValues must be a plain object; got an array'],
    ['text', 'storedValues must be a plain object; got "text"'],
  ])('that are not JSON are refused, naming the path: %#', (storedValues, message) => {
    const service = openService();
    expect(() => service.createSession({ storedValues: storedValues as never })).toThrow(
      expect.objectContaining({ code: 'INVALID_STORED_VALUES', message: expect.stringContaining(message) }),
    );
  });

  test('larger than storedBytes are refused, whoever brings them', async () => {
    const service = openService({ limits: { storedBytes: 100 } });
    expect(() => service.createSession({ storedValues: { a: 'x'.repeat(100) } })).toThrow(
      expect.objectContaining({ code: 'INVALID_STORED_VALUES' }),
    );
    const session = service.createSession();
    expect(ending(await session.exec('store("a", "x".repeat(100))'))).toBe('failed STORE_LIMIT');
    expect(ending(await session.exec('store("a", "x".repeat(10))'))).toBe('completed');
  });

  test('that nobody reads cost a cell nothing', async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key ${i}`, 'x'.repeat(500)]));
    const session = openSession({ storedValues: many });
    const outcome = await session.exec('text(load("key 19999").length)');
    expect(texts(outcome)).toEqual(['500']);
    expect(outcome.metrics.heapUsedBytes).toBeLessThan(5e6);
  });
});
