import { describe, expect, test } from 'vitest';
import { blockingTool, openService, openSession } from './support.js';

const forEver = { yieldTimeMs: Infinity };
const untilReleased = (source: string) => `const answer = await tools.block(); ${source}`;

describe('idleMs', () => {
  test('fails a cell that makes no progress, and keeps its output', async () => {
    const session = openSession({ limits: { idleMs: 50 } });
    const outcome = await session.exec('text("before"); for (;;);', forEver);
    expect(outcome).toMatchObject({
      status: 'failed',
      error: { code: 'IDLE_LIMIT', message: expect.stringMatching(/^.* for \d+ ms, .* the 50 ms allowed$/) },
      contentItems: [{ text: 'before' }],
    });
  });

  test('counts waiting for a tool', async () => {
    const { tool } = blockingTool();
    const session = openSession({ tools: [tool], limits: { idleMs: 50 } });
    expect(await session.exec('await tools.block()', forEver)).toMatchObject({
      error: { code: 'IDLE_LIMIT' },
    });
  });

  test.each([
    ['output', 'text(1)'],
    ['a notification', 'notify("n")'],
    ['a tool call', 'await tools.echo({})'],
    ['a stored value', 'store("k", 1)'],
    ['a timer', 'await new Promise((resolve) => setTimeout(resolve, 1))'],
  ])('begins anew with %s', async (_name, progress) => {
    const tools = [{ name: 'echo', execute: (input: unknown) => input }];
    const session = openSession({ tools, limits: { idleMs: 1000 } });
    const source = `const spin = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
      for (let i = 0; i < 15; i++) { ${progress}; spin(100) }`;
    expect(await session.exec(source, forEver)).toMatchObject({ status: 'completed' });
  });
});

describe('pauseWallWhileWaiting', () => {
  const limits = { wallMs: 200, idleMs: 150, pauseWallWhileWaiting: true };

  test('lets time stand still while a nested call is unanswered', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool], limits });
    const cell = session.start(untilReleased('text(answer)'), forEver);
    await reached;
    // Another cell with the same limits and no pause is over first.
    const other = await session.exec('await tools.block()', {
      ...forEver,
      limits: { wallMs: 400, idleMs: 0, pauseWallWhileWaiting: false },
    });
    expect(other).toMatchObject({ error: { code: 'WALL_LIMIT' } });
    release('approved');
    expect(await cell.outcome()).toMatchObject({
      status: 'completed',
      contentItems: [{ text: 'approved' }],
    });
  });

  test('still stops a script that runs after the answer', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool], limits });
    const cell = session.start(untilReleased('for (;;) text(1)'), forEver);
    await reached;
    release();
    expect(await cell.outcome()).toMatchObject({ status: 'failed', error: { code: 'WALL_LIMIT' } });
  });

  test('does not stop the clock for timers', async () => {
    const session = openSession({ limits });
    const source = 'await new Promise((resolve) => setTimeout(resolve, 60_000))';
    expect(await session.exec(source, forEver)).toMatchObject({ error: { code: 'IDLE_LIMIT' } });
  });

  test('is refused when it is no boolean', () => {
    const limits = { pauseWallWhileWaiting: 1 } as never;
    expect(() => openSession({ limits })).toThrow('limits.pauseWallWhileWaiting must be a boolean; got 1');
  });
});

describe('maxHeapMb', () => {
  test('queues cells whose heaps together are more, in order', async () => {
    const { tool, reached, release } = blockingTool();
    const service = openService({ maxHeapMb: 100, limits: { heapMb: 60 } });
    const session = service.createSession({ tools: [tool] });
    const first = session.start('await tools.block()', forEver);
    await reached;
    const second = session.start('text("second")', { ...forEver, limits: { heapMb: 50 } });
    const third = session.start('text("third")', { ...forEver, limits: { heapMb: 30 } });
    expect(service.stats()).toMatchObject({ liveCells: 1, queuedCells: 2 });
    release();
    expect(await first.outcome()).toMatchObject({ status: 'completed' });
    expect(await second.outcome()).toMatchObject({ contentItems: [{ text: 'second' }] });
    expect(await third.outcome()).toMatchObject({ contentItems: [{ text: 'third' }] });
  });

  test('lets cells run at the same time that fit together', async () => {
    const { tool, reached, release } = blockingTool();
    const service = openService({ maxHeapMb: 100, limits: { heapMb: 50 } });
    const session = service.createSession({ tools: [tool] });
    const first = session.start('await tools.block()', forEver);
    await reached;
    expect(await session.exec('text(1)', forEver)).toMatchObject({ status: 'completed' });
    release();
    expect(await first.outcome()).toMatchObject({ status: 'completed' });
  });

  test.each([101, 0, Infinity])('refuses a heapMb of %d, which could never run', async (heapMb) => {
    const service = openService({ maxHeapMb: 100, limits: { heapMb: 100 } });
    expect(() => service.createSession({ limits: { heapMb } })).toThrow(
      /^limits\.heapMb must be at most the 100 MiB of the service's maxHeapMb/,
    );
    await expect(service.createSession().exec('1', { limits: { heapMb } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

describe('texts of errors', () => {
  test.each([
    ['a thrown string', 'throw "x".repeat(1e5)'],
    ['an error', 'throw new Error("x".repeat(1e5))'],
    ['a rejection', 'await Promise.reject(new Error("x".repeat(1e5)))'],
  ])('are cut when %s is long', async (_name, source) => {
    const { error } = await openSession().exec(source, forEver);
    expect(error?.code).toBe('SCRIPT_ERROR');
    expect(error?.message).toMatch(/^x{32768}\.\.\. \(67232 more characters\)$/);
    expect(error?.text.length).toBeLessThan(33_000);
  });

  test('of hundreds of megabytes are told by their length', async () => {
    const { error } = await openSession().exec('throw "x".repeat(5e8)', forEver);
    expect(error).toMatchObject({ code: 'SCRIPT_ERROR', message: '(a text of 500000000 characters)' });
  });
});
