import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../lib/index.js';
import { aborted, blockingTool, echo, ending, eventOf, gate, openSession, texts } from './support.js';

describe('terminate', () => {
  test('stops a script that computes, and returns its unread output', async () => {
    const second = gate();
    let items = 0;
    const session = openSession({ onOutput: () => void (++items === 2 && second.open()) });
    const first = await session.exec('text("a"); yield_control(); text("b"); for (;;);');
    expect(texts(first)[0]).toBe('a');
    await second.passed;
    let outcome: Outcome = await session.wait('1', { yieldTimeMs: 0 });
    const read = [...texts(first), ...texts(outcome)];
    outcome = await session.terminate('1');
    expect(ending(outcome)).toBe('terminated');
    expect([...read, ...texts(outcome)]).toEqual(['a', 'b']);
    expect((await session.wait('1')).status).toBe('missing');
    expect((await session.terminate('1')).status).toBe('missing');
  });

  test.each([
    ['a synchronous loop', 'for (;;);'],
    ['an endless microtask chain', 'for (;;) await null;'],
    ['a catastrophic regular expression', '/^(a+)+$/.test("a".repeat(40) + "b")'],
    ['a loop in toJSON', 'text({ toJSON() { for (;;); } })'],
    ['handlers that would catch anything', 'for (;;) { try { for (;;); } catch {} finally { for (;;); } }'],
    ['a loop that only allocates', 'for (;;) new Array(100).fill({})'],
  ])('ends %s', async (_what, source) => {
    const session = openSession({ limits: { heapMb: 512 } });
    const first = await session.exec(source, { yieldTimeMs: 30 });
    expect(first.status).toBe('yielded');
    expect(ending(await session.terminate('1'))).toBe('terminated');
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
  });

  test('runs no catch or finally block of the script', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    const running = session.exec(
      'try { await tools.block() } catch { text("catch") } finally { text("finally") }',
    );
    await reached;
    await session.terminate('1');
    expect(texts(await running)).toEqual([]);
  });

  test('gives a pending observation the same outcome with the same items', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    const running = session.exec('text("a"); await tools.block()');
    await reached;
    const [observed, terminated] = await Promise.all([running, session.terminate('1')]);
    expect([observed.status, ...texts(observed)]).toEqual(['terminated', 'a']);
    expect(terminated).toEqual(observed);
  });

  test('is refused while another terminate is in progress', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('yield_control(); await tools.block()');
    await reached;
    const first = session.terminate('1');
    await expect(session.terminate('1')).rejects.toMatchObject({
      code: 'CELL_TERMINATING',
      message: 'exec cell 1 is already terminating',
    });
    await expect(session.wait('1', { terminate: true })).rejects.toMatchObject({ code: 'CELL_TERMINATING' });
    expect((await first).status).toBe('terminated');
  });

  test('lets a wait that comes while it is in progress have the same outcome', async () => {
    const { tool } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('yield_control(); text("a"); await tools.block()');
    const [terminated, observed] = await Promise.all([
      session.terminate('1'),
      session.wait('1', { yieldTimeMs: 0 }),
    ]);
    expect(terminated.status).toBe('terminated');
    expect(observed).toEqual(terminated);
  });

  test('of a finished cell nobody observed gives its real outcome, and its stored values stand', async () => {
    const session = openSession();
    const cell = session.start('store("k", 1); text("a")');
    await eventOf(cell, 'settled');
    const outcome = await session.terminate('1');
    expect([outcome.status, ...texts(outcome)]).toEqual(['completed', 'a']);
    expect(session.storedValues()).toEqual({ k: 1 });
  });

  test('racing with completion gives one outcome, and stored values agree with it', async () => {
    const session = openSession();
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const cell = session.start(`store("k", ${i}); text("x")`);
      for (let spins = i % 20; spins > 0; spins--) await Promise.resolve();
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      const [observed, terminated] = await Promise.all([cell.outcome(), session.terminate(cell.cellId)]);
      const real = observed.status === 'missing' ? terminated : observed;
      expect(['completed', 'terminated']).toContain(real.status);
      if (terminated.status !== 'missing') expect(terminated).toEqual(real);
      expect(session.storedValues()['k'] === i).toBe(real.status === 'completed');
      seen.add(real.status);
    }
    expect(session.cells()).toEqual([]);
    expect(seen.size).toBeGreaterThan(0);
  });

  test('cancels pending callbacks before it answers', async () => {
    const block = blockingTool();
    const notified = gate<AbortSignal>();
    const order: string[] = [];
    const session = openSession({
      tools: [block.tool],
      onNotify: ({ signal }) => {
        notified.open(signal);
        return new Promise(() => {});
      },
    });
    const running = session.exec('notify("n"); await tools.block()');
    const [{ signal: toolSignal }, notifySignal] = await Promise.all([block.reached, notified.passed]);
    toolSignal.addEventListener('abort', () => order.push('tool'));
    notifySignal.addEventListener('abort', () => order.push('notify'));
    const [outcome] = await Promise.all([
      session.terminate('1').finally(() => order.push('answer')),
      running,
    ]);
    expect(order).toEqual(['tool', 'notify', 'answer']);
    expect((toolSignal.reason as Error).name).toBe('AbortError');
    expect(outcome.toolCalls).toMatchObject([{ status: 'cancelled' }]);
    expect(outcome.diagnostics).toEqual([]);
  });

  test('of a cell held back by a notification cancels it and gives the outcome already decided', async () => {
    const { tool, reached } = blockingTool();
    const notified = gate<AbortSignal>();
    const session = openSession({
      tools: [tool],
      onNotify: ({ signal }) => {
        notified.open(signal);
        return new Promise(() => {});
      },
    });
    session.start('tools.block(); store("k", 1); notify("n"); text("a")');
    const signal = await notified.passed;
    // The script has ended when its calls are cancelled.
    await aborted((await reached).signal);
    expect(signal.aborted).toBe(false);
    const outcome = await session.terminate('1');
    expect([ending(outcome), ...texts(outcome)]).toEqual(['completed', 'a']);
    expect(signal.aborted).toBe(true);
    expect(session.storedValues()).toEqual({ k: 1 });
  });

  test('discards the stored values of the cell, and no other cell ever sees them', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool, echo] });
    await session.exec('store("k", "old")');
    await session.exec('store("k", "new"); store("other", 1); yield_control(); await tools.block()');
    await reached;
    const read = 'text([load("k"), load("other") ?? null])';
    expect(texts(await session.exec(read))).toEqual(['["old",null]']);
    await session.terminate('2');
    expect(texts(await session.exec(read))).toEqual(['["old",null]']);
    expect(session.storedValues()).toEqual({ k: 'old' });
  });

  test('that is aborted rejects, and the cell is terminated all the same', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('yield_control(); text("a"); await tools.block()');
    const { signal } = await reached;
    const controller = new AbortController();
    const terminating = session.terminate('1', { signal: controller.signal });
    controller.abort();
    await expect(terminating).rejects.toMatchObject({ code: 'ABORTED' });
    await aborted(signal);
    const outcome = await session.wait('1');
    expect([outcome.status, ...texts(outcome)]).toEqual(['terminated', 'a']);
  });

  test('of a queued cell ends it without running it', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool] }, { maxCells: 1 });
    const first = session.exec('await tools.block()');
    await reached;
    const queued = session.start('text("ran")');
    const outcome = await session.terminate(queued.cellId);
    expect([outcome.status, ...texts(outcome)]).toEqual(['terminated']);
    release();
    expect((await first).status).toBe('completed');
  });
});
