import { describe, expect, test } from 'vitest';
import type { NestedToolInvocation, ToolDefinition, ToolExecuteContext } from '../../lib/index.js';
import { aborted, blockingTool, echo, ending, gate, nextTurn, openSession, texts } from './support.js';

const tool = (name: string, execute: ToolDefinition['execute']): ToolDefinition => ({
  name,
  execute: execute!,
});

test('a signal that is first looked at after the cell ended has fired', async () => {
  const called = gate<ToolExecuteContext>();
  const never = tool('never', (_input, context) => {
    called.open(context);
    return new Promise(() => {});
  });
  const outcome = await openSession({ tools: [never] }).exec('tools.never()');
  expect(outcome.toolCalls[0]?.status).toBe('cancelled');
  const { signal } = await called.passed;
  expect(signal.aborted).toBe(true);
  expect((signal.reason as Error).name).toBe('AbortError');
});

describe('a nested tool call', () => {
  test('gets the input, its own id and those of its cell and exec', async () => {
    const seen: unknown[] = [];
    const session = openSession({
      tools: [
        tool('see', (input, { callId, cellId, execCallId, signal }) => {
          seen.push([input, callId, cellId, execCallId, signal.aborted]);
        }),
      ],
    });
    await session.exec('await tools.see({ a: [1, null] }); await tools.see()', { callId: 'call-9' });
    expect(seen).toEqual([
      [{ a: [1, null] }, 'tool-1', '1', 'call-9', false],
      [undefined, 'tool-2', '1', 'call-9', false],
    ]);
  });

  test('without input has null with profile codex', async () => {
    const seen: unknown[] = [];
    const session = openSession({ profile: 'codex', tools: [tool('see', (input) => void seen.push(input))] });
    await session.exec(
      'await tools.see(); await tools.see(undefined); await tools.see(null); await tools.see(5)',
    );
    expect(seen).toEqual([null, null, null, 5]);
  });

  test('of a tool without execute is served by invokeTool', async () => {
    const seen: NestedToolInvocation[] = [];
    const session = openSession({
      tools: [{ name: 'files.read', namespace: 'files', toolName: 'read', kind: 'freeform' }, echo],
      invokeTool: (call, signal) => {
        seen.push(call);
        return signal instanceof AbortSignal ? 'served' : 'no signal';
      },
    });
    const outcome = await session.exec('text(await tools.files_read("a.txt"))', { callId: 'c' });
    expect(texts(outcome)).toEqual(['served']);
    expect(seen).toEqual([
      {
        name: 'files.read',
        toolName: 'read',
        namespace: 'files',
        globalName: 'files_read',
        kind: 'freeform',
        input: 'a.txt',
        callId: 'tool-1',
        cellId: '1',
        execCallId: 'c',
      },
    ]);
  });

  test('starts in call order, synchronously, and is answered in any order', async () => {
    const order: number[] = [];
    const answers = [gate<string>(), gate<string>(), gate<string>()];
    const allCalled = gate();
    const session = openSession({
      tools: [
        tool('work', (input) => {
          const { index } = input as { index: number };
          if (order.push(index) === 3) allCalled.open();
          return answers[index]!.passed;
        }),
      ],
    });
    const running = session.exec(`
      const calls = [0, 1, 2].map((index) => tools.work({ index }).then((value) => text(value)));
      await Promise.all(calls);`);
    await allCalled.passed;
    for (const index of [2, 0, 1]) {
      answers[index]!.open(`answer ${index}`);
      await nextTurn();
    }
    expect(texts(await running)).toEqual(['answer 2', 'answer 0', 'answer 1']);
    expect(order).toEqual([0, 1, 2]);
  });

  test('beyond pendingToolCalls waits its turn, in order, and none fails', async () => {
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const session = openSession({
      limits: { pendingToolCalls: 3 },
      tools: [
        tool('work', async (input) => {
          order.push((input as { i: number }).i);
          most = Math.max(most, ++running);
          await nextTurn();
          running--;
        }),
        tool('now', (input) => input),
      ],
    });
    const outcome = await session.exec(`
      await Promise.all(Array.from({ length: 50 }, (_, i) => tools.work({ i })));
      text((await Promise.all(Array.from({ length: 50 }, (_, i) => tools.now({ i })))).length)`);
    expect(texts(outcome)).toEqual(['50']);
    expect(most).toBe(3);
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(outcome.toolCalls.every(({ status }) => status === 'completed')).toBe(true);
  });

  test('that waits its turn when the cell ends is cancelled without being executed', async () => {
    const block = blockingTool();
    let calls = 0;
    const session = openSession({
      limits: { pendingToolCalls: 1 },
      tools: [block.tool, tool('count', () => ++calls)],
    });
    const outcome = await session.exec('tools.block(); tools.count(); tools.count(); text("end")');
    expect(outcome.toolCalls.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(calls).toBe(0);
  });

  test('that the script did not await is cancelled when it ends, before the outcome is given', async () => {
    const block = blockingTool();
    const session = openSession({ tools: [block.tool] });
    const running = session.exec('tools.block(); text("end")');
    const { signal } = await block.reached;
    const order: string[] = [];
    void aborted(signal).then(() => order.push('cancelled'));
    const outcome = await running.finally(() => order.push('outcome'));
    expect(order).toEqual(['cancelled', 'outcome']);
    expect(outcome.status).toBe('completed');
    expect(outcome.toolCalls).toMatchObject([{ id: 'tool-1', name: 'block', status: 'cancelled' }]);
    block.release('too late');
    await nextTurn();
    expect(outcome.toolCalls[0]!.status).toBe('cancelled');
  });

  test.each([
    ['an Error', new Error('boom'), 'boom'],
    ['a string', 'plain', 'plain'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 5, '5'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['an empty Error', new Error(''), ''],
    ['an object with a message', { message: 'told' }, 'told'],
    ['an object without a text', Object.create(null), 'a value that has no text'],
    [
      'an object whose getters throw',
      {
        get message() {
          throw new Error('trap');
        },
        toString() {
          throw new Error('trap');
        },
      },
      'a value that has no text',
    ],
  ])('that fails with %s rejects with its message', async (_what, thrown, message) => {
    const fails = [
      tool('reject', () => Promise.reject(thrown)),
      tool('raise', () => {
        throw thrown;
      }),
    ];
    for (const profile of ['default', 'codex'] as const) {
      const session = openSession({ profile, tools: fails });
      const outcome = await session.exec(`
        for (const name of ["reject", "raise"]) {
          try { await tools[name]() } catch (error) { text(typeof error); text(String(error)) }
        }`);
      const type = profile === 'codex' ? 'string' : 'object';
      expect(texts(outcome)).toEqual([type, message, type, message]);
      expect(outcome.toolCalls.map(({ status, error }) => [status, error])).toEqual([
        ['failed', message],
        ['failed', message],
      ]);
    }
  });

  test('that fails gives its name, code and data to the script', async () => {
    const failure = Object.assign(new RangeError('too far'), { code: 'E_FAR', data: { limit: 3 } });
    const session = openSession({ tools: [tool('fail', () => Promise.reject(failure))] });
    const outcome = await session.exec(`
      try { await tools.fail() } catch (error) {
        text([error instanceof Error, error.name, error.code, error.data, error.message, String(error)])
      }`);
    expect(texts(outcome)).toEqual(['[true,"RangeError","E_FAR",{"limit":3},"too far","too far"]']);
  });

  test.each([
    ['undefined', undefined, 'null'],
    ['null', null, 'null'],
    ['nothing in toJSON', { toJSON: () => undefined }, 'null'],
    ['a Date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['a lone surrogate', '\ud800', '"\\ud800"'],
    ['a NUL', 'a\0b', '"a\\u0000b"'],
    ['an object with a __proto__ key', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
    ['deep nesting', JSON.parse('['.repeat(1000) + ']'.repeat(1000)), '['.repeat(1000) + ']'.repeat(1000)],
  ])('that gives %s is JSON to the script', async (_what, value, json) => {
    const session = openSession({ tools: [tool('give', () => value)] });
    const outcome = await session.exec('const value = await tools.give(); text(JSON.stringify(value))');
    expect(outcome.error).toBeNull();
    expect(texts(outcome)).toEqual([json]);
  });

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  test.each([
    ['a function', () => 1, 'tool `give` returned a function, which cannot be given as JSON'],
    ['a symbol', Symbol('s'), 'tool `give` returned a symbol, which cannot be given as JSON'],
    ['a BigInt', 1n, 'BigInt'],
    ['a nested BigInt', { a: [1n] }, 'BigInt'],
    ['a circular value', circular, 'circular'],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('trap');
        },
      },
      'trap',
    ],
  ])('that gives %s is rejected with a message naming the tool', async (_what, value, part) => {
    const session = openSession({ tools: [tool('give', () => value)] });
    const outcome = await session.exec('try { await tools.give() } catch (error) { text(error.message) }');
    expect(ending(outcome)).toBe('completed');
    expect(texts(outcome)[0]).toContain('tool `give` returned');
    expect(texts(outcome)[0]).toContain(part);
    expect(outcome.toolCalls).toMatchObject([{ status: 'failed' }]);
  });

  test('that gives 100 MB ends the cell with a clear error, and without the limit arrives', async () => {
    const session = openSession({
      tools: [tool('give', () => 'x'.repeat(100e6))],
      limits: { heapMb: 1024 },
    });
    const source = 'text((await tools.give()).length)';
    const outcome = await session.exec(source);
    expect(ending(outcome)).toBe('failed TOOL_RESULT_LIMIT');
    expect(outcome.error!.message).toContain('tool `give`');
    expect(outcome.error!.message).toContain('100000002 bytes');
    expect(outcome.diagnostics).toEqual([]);
    const unlimited = await session.exec(source, { limits: { toolResultBytes: 0 } });
    expect(texts(unlimited)).toEqual(['100000000']);
  });

  test('that settles twice, or through a hostile thenable, is answered once', async () => {
    const thenable = (
      settle: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void,
    ) => ({
      then: settle,
    });
    const session = openSession({
      tools: [
        tool('twice', () =>
          thenable((resolve, reject) => {
            resolve('first');
            resolve('second');
            reject(new Error('third'));
          }),
        ),
        tool('throwing', () => ({
          get then(): unknown {
            throw new Error('no then');
          },
        })),
      ],
    });
    const outcome = await session.exec(`
      text(await tools.twice());
      try { await tools.throwing() } catch (error) { text(error.message) }`);
    expect(texts(outcome)).toEqual(['first', 'no then']);
  });

  test('that never settles does not hold back the end of its cell', async () => {
    const session = openSession({ tools: [tool('never', () => new Promise(() => {}))] });
    const outcome = await session.exec('tools.never(); text("end")');
    expect([outcome.status, ...texts(outcome)]).toEqual(['completed', 'end']);
  });

  test('with input that does not fit its kind is rejected, except with profile codex', async () => {
    let served = 0;
    const tools: ToolDefinition[] = [
      tool('object', () => ++served),
      { name: 'line', kind: 'freeform', execute: () => ++served },
    ];
    const source = `
      for (const call of [() => tools.object("text"), () => tools.object([1]), () => tools.line({}), () => tools.line()]) {
        try { await call(); text("served") } catch (error) { text(error.message) }
      }`;
    const kind = await openSession({ tools }).exec(source);
    expect(texts(kind)).toEqual([
      expect.stringContaining('must be an object'),
      expect.stringContaining('must be an object'),
      expect.stringContaining('must be a string'),
      expect.stringContaining('must be a string'),
    ]);
    expect(served).toBe(0);
    expect(texts(await openSession({ tools, profile: 'codex' }).exec(source))).toEqual(
      Array(4).fill('served'),
    );
  });

  test('can run other cells of its own session', async () => {
    const session = openSession({
      tools: [
        tool('inner', async () => {
          const outcome = await session.exec('text("inner")');
          return texts(outcome);
        }),
      ],
    });
    expect(texts(await session.exec('text(await tools.inner())'))).toEqual(['["inner"]']);
  });
});
