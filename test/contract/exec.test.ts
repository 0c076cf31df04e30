import { describe, expect, test } from 'vitest';
import { echo, ending, openService, openSession, texts } from './support.js';

describe('exec', () => {
  test('gives output, status, nested calls and metrics of a completed script', async () => {
    const session = openSession({ tools: [echo] });
    const outcome = await session.exec('text("a"); text(await tools.echo({ x: 1 }));', { callId: 'call-7' });
    expect(ending(outcome)).toBe('completed');
    expect(outcome.cellId).toBe('1');
    expect(texts(outcome)).toEqual(['a', '{"x":1}']);
    expect(outcome.toolCalls).toMatchObject([
      { id: 'tool-1', name: 'echo', toolName: 'echo', namespace: null, status: 'completed' },
    ]);
    expect(outcome.toolCalls[0]!.durationMs).toBeGreaterThanOrEqual(0);
    expect(outcome.diagnostics).toEqual([]);
    expect(outcome.metrics.toolCalls).toBe(1);
    expect(outcome.metrics.outputBytes).toBeGreaterThanOrEqual(8);
    expect(outcome.metrics.heapUsedBytes).toBeGreaterThan(0);
    expect(outcome.metrics.wallMs).toBeGreaterThan(0);
  });

  test('reports what a script threw as data, with its position', async () => {
    const outcome = await openSession().exec('text("before");\nthrow new TypeError("wrong");');
    expect(ending(outcome)).toBe('failed SCRIPT_ERROR');
    expect(texts(outcome)).toEqual(['before']);
    expect(outcome.error).toMatchObject({ message: 'wrong', line: 2, column: 7 });
    expect(outcome.error!.text).toContain('TypeError: wrong\n    at exec_main.mjs:2:7');
  });

  test('numbers the cells of each session from 1, failed ones included', async () => {
    const service = openService();
    const [one, other] = [service.createSession(), service.createSession()];
    const ids: string[] = [];
    for (const [session, source] of [
      [one, 'text(1)'],
      [one, 'return 5'],
      [other, ''],
      [one, ''],
    ] as const) {
      ids.push((await session.exec(source)).cellId);
    }
    expect(ids).toEqual(['1', '2', '1', '3']);
  });

  test('runs the cells of a session at the same time', async () => {
    let both!: () => void;
    const bothCalled = new Promise<void>((resolve) => (both = resolve));
    let calls = 0;
    const meet = {
      name: 'meet',
      execute: () => {
        if (++calls === 2) both();
        return bothCalled;
      },
    };
    const session = openSession({ tools: [meet] });
    const outcomes = await Promise.all([
      session.exec('await tools.meet(); text("x")'),
      session.exec('await tools.meet(); text("y")'),
    ]);
    expect(outcomes.map(texts)).toEqual([['x'], ['y']]);
  });

  test('queues cells beyond maxCells, in order, and tells how long they waited', async () => {
    const session = openSession({}, { maxCells: 1, warmIsolates: 0 });
    const first = session.start('await new Promise((resolve) => setTimeout(resolve, 50)); text("first")');
    const order: string[] = [];
    const outcomes = await Promise.all([
      first.outcome().finally(() => order.push('1')),
      session.exec('text("second")').finally(() => order.push('2')),
      session.exec('text("third")').finally(() => order.push('3')),
    ]);
    expect(order).toEqual(['1', '2', '3']);
    expect(outcomes.map(texts)).toEqual([['first'], ['second'], ['third']]);
    expect(outcomes[1].metrics.queueMs).toBeGreaterThanOrEqual(40);
  });

  test('gives every cell a fresh isolate', async () => {
    const session = openSession();
    await session.exec('globalThis.leak = 1; Array.prototype.leak = 1; Object.freeze(Object.prototype)');
    const outcome = await session.exec(
      'text([typeof leak, [].leak === undefined, Object.isFrozen(Object.prototype)])',
    );
    expect(texts(outcome)).toEqual(['["undefined",true,false]']);
  });

  test('gives every limit its code, and the next cell works', async () => {
    const session = openSession({
      tools: [echo, { name: 'long', execute: () => 'x'.repeat(3000) }],
      limits: {
        heapMb: 32,
        outputBytes: 10_000,
        outputItems: 50,
        toolCalls: 20,
        toolInputBytes: 2000,
        toolResultBytes: 2000,
        storedBytes: 5000,
      },
    });
    const cases: [string, string, object?][] = [
      ['const all = []; for (;;) all.push(new Array(1000).fill({}))', 'HEAP_LIMIT'],
      ['for (;;) text("x".repeat(1000))', 'OUTPUT_LIMIT'],
      ['for (;;) text("")', 'OUTPUT_LIMIT'],
      ['for (;;) tools.echo({})', 'TOOL_CALL_LIMIT'],
      ['for (;;) notify("n")', 'TOOL_CALL_LIMIT'],
      ['await tools.echo({ x: "x".repeat(3000) })', 'TOOL_INPUT_LIMIT'],
      ['await tools.long()', 'TOOL_RESULT_LIMIT'],
      ['store("a", "x".repeat(6000))', 'STORE_LIMIT'],
      ['for (;;);', 'CPU_LIMIT', { cpuMs: 50 }],
      ['await new Promise((resolve) => setTimeout(resolve, 60_000))', 'WALL_LIMIT', { wallMs: 50 }],
      ['text(1) // long enough', 'SOURCE_LIMIT', { sourceBytes: 10 }],
    ];
    for (const [source, code, limits] of cases) {
      const outcome = await session.exec(source, { limits: limits as object });
      expect(`${source}: ${ending(outcome)}`).toBe(`${source}: failed ${code}`);
      expect(outcome.error!.message).not.toBe('');
      expect(texts(await session.exec('text("next")'))).toEqual(['next']);
    }
  });

  test('lets an exec have limits of its own, and turns a limit off with 0 or Infinity', async () => {
    const session = openSession({ limits: { outputItems: 1 } });
    expect(ending(await session.exec('text(1); text(2)'))).toBe('failed OUTPUT_LIMIT');
    for (const outputItems of [2, 0, Infinity]) {
      expect(ending(await session.exec('text(1); text(2)', { limits: { outputItems } }))).toBe('completed');
    }
    expect(ending(await session.exec('text(1); text(2)', { limits: { outputItems: null } }))).toBe(
      'failed OUTPUT_LIMIT',
    );
  });

  test('reports rejections that nobody handled', async () => {
    const fail = { name: 'fail', execute: () => Promise.reject(new Error('boom')) };
    const session = openSession({ tools: [fail, echo] });
    const rejected = await session.exec('Promise.reject(new Error("lost")); text("done")');
    expect(rejected.diagnostics).toMatchObject([{ code: 'UNHANDLED_REJECTION' }]);
    expect(rejected.diagnostics[0]!.message).toContain('lost');
    const unawaited = await session.exec(
      'tools.fail(); await tools.echo({}); await tools.echo({}); text("done")',
    );
    expect(ending(unawaited)).toBe('completed');
    expect(unawaited.diagnostics).toMatchObject([{ code: 'UNAWAITED_TOOL_FAILURE' }]);
    expect(unawaited.diagnostics[0]!.message).toContain('boom');
    const handled = await session.exec(
      'tools.fail().catch(() => {}); await tools.echo({}); await tools.echo({})',
    );
    expect(handled.diagnostics).toEqual([]);
  });

  test.each([
    ['before the tool was called', 'tools.fail(); text("done")', true],
    [
      'without hearing of it',
      'tools.fail(); for (const end = Date.now() + 100; Date.now() < end; ); text("done")',
      false,
    ],
  ])('reports a tool that failed when the script ended %s', async (_when, source, hostIsBusy) => {
    const fail = {
      name: 'fail',
      execute: () => {
        throw new Error('boom');
      },
    };
    const running = openSession({ tools: [fail] }).exec(source);
    if (hostIsBusy) for (const start = performance.now(); performance.now() < start + 100;);
    const outcome = await running;
    expect(outcome.status).toBe('completed');
    expect(outcome.toolCalls).toMatchObject([{ status: 'failed', error: 'boom' }]);
    expect(outcome.diagnostics).toMatchObject([{ code: 'UNAWAITED_TOOL_FAILURE' }]);
  });

  test('fails a script that can never go on at once, except with profile codex', async () => {
    const service = openService();
    const source = 'text("a"); await new Promise(() => {})';
    const outcome = await service.createSession().exec(source, { yieldTimeMs: Infinity });
    expect(ending(outcome)).toBe('failed STALLED');
    expect(texts(outcome)).toEqual(['a']);
    const codex = service.createSession({ profile: 'codex' });
    expect((await codex.exec(source, { yieldTimeMs: 50 })).status).toBe('yielded');
  });
});
