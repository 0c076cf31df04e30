import { describe, expect, test, vi } from 'vitest';
import { blockingTool, echo, ending, eventOf, gate, nextTurn, openSession, texts } from './support.js';

describe('an observation', () => {
  test('gives only the output since the previous one', async () => {
    const { tool, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const first = await session.exec('text("a"); yield_control(); await tools.block(); text("b")');
    expect([first.status, ...texts(first)]).toEqual(['yielded', 'a']);
    expect(first.error).toBeNull();
    release();
    const second = await session.wait(first.cellId);
    expect([second.status, ...texts(second)]).toEqual(['completed', 'b']);
  });

  test('ends at its yield time while the script computes, and the cell goes on', async () => {
    const session = openSession();
    const cell = session.start('text("a"); for (;;);', { yieldTimeMs: 20 });
    await eventOf(cell, 'output');
    const first = await cell.outcome();
    expect([first.status, ...texts(first)]).toEqual(['yielded', 'a']);
    const second = await session.wait(first.cellId, { yieldTimeMs: 20 });
    expect([second.status, ...texts(second)]).toEqual(['yielded']);
    expect(second.metrics.wallMs).toBeGreaterThan(first.metrics.wallMs);
    expect((await session.terminate(first.cellId)).status).toBe('terminated');
  });

  test('of 0 ms returns at once: exec without output, wait with what is unread', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const first = await session.exec('text("a"); await tools.block(); text("b")', { yieldTimeMs: 0 });
    expect([first.status, ...texts(first)]).toEqual(['yielded']);
    await reached;
    const second = await session.wait('1', { yieldTimeMs: 0 });
    expect([second.status, ...texts(second)]).toEqual(['yielded', 'a']);
    expect(texts(await session.wait('1', { yieldTimeMs: 0 }))).toEqual([]);
    release();
    expect(texts(await session.wait('1'))).toEqual(['b']);
  });

  test('of Infinity lasts until the end', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const running = session.exec('await tools.block(); text("end")', { yieldTimeMs: Infinity });
    await reached;
    release();
    expect(texts(await running)).toEqual(['end']);
  });

  test('lists nested calls that are still running', async () => {
    const { tool, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const first = await session.exec('const call = tools.block(); yield_control(); await call');
    expect(first.toolCalls).toMatchObject([{ id: 'tool-1', status: 'running' }]);
    release();
    expect((await session.wait('1')).toolCalls).toMatchObject([{ id: 'tool-1', status: 'completed' }]);
  });

  test('yield_control without an observer is not remembered', async () => {
    const block = blockingTool();
    const second = blockingTool('second');
    const session = openSession({ tools: [block.tool, second.tool] });
    const first = await session.exec(`
      text("a"); yield_control(); await tools.block();
      text("b"); yield_control(); text("c"); await tools.second(); text("d")`);
    expect(texts(first)).toEqual(['a']);
    block.release();
    await second.reached;
    const waiting = session.wait('1');
    second.release();
    const outcome = await waiting;
    expect([outcome.status, ...texts(outcome)]).toEqual(['completed', 'b', 'c', 'd']);
  });

  test('completion is buffered until it is observed, then the id is unknown', async () => {
    const session = openSession();
    const cell = session.start('text("kept")');
    await eventOf(cell, 'settled');
    expect(session.cells()).toMatchObject([{ cellId: '1', status: 'settled' }]);
    const outcome = await session.wait('1', { yieldTimeMs: 0 });
    expect([outcome.status, ...texts(outcome)]).toEqual(['completed', 'kept']);
    expect(session.cells()).toEqual([]);
    const missing = await session.wait('1');
    expect(missing).toMatchObject({
      status: 'missing',
      cellId: '1',
      contentItems: [],
      error: { code: 'CELL_NOT_FOUND', message: 'exec cell 1 not found', text: 'exec cell 1 not found' },
    });
    expect((await session.terminate('1')).status).toBe('missing');
    expect((await session.wait('no such cell')).status).toBe('missing');
  });

  test('a second observer is refused while the first exec is pending, and disturbs nothing', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const first = session.exec('text("a"); await tools.block()');
    await reached;
    const refusal = { code: 'CELL_BUSY', message: 'exec cell 1 already has an active observer' };
    await expect(session.wait('1')).rejects.toMatchObject(refusal);
    await expect(session.wait('1', { yieldTimeMs: 0 })).rejects.toMatchObject(refusal);
    release();
    const outcome = await first;
    expect([outcome.status, ...texts(outcome)]).toEqual(['completed', 'a']);
  });

  test('a second observer is refused while a wait is pending', async () => {
    const { tool, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('yield_control(); await tools.block()');
    const waiting = session.wait('1');
    await expect(session.wait('1')).rejects.toMatchObject({ code: 'CELL_BUSY' });
    release();
    expect((await waiting).status).toBe('completed');
  });

  test('an aborted wait loses no output and leaves the cell running', async () => {
    const { tool, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('yield_control(); text("a"); await tools.block(); text("b")');
    const controller = new AbortController();
    const waiting = session.wait('1', { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(session.wait('1', { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    release();
    const outcome = await session.wait('1');
    expect([outcome.status, ...texts(outcome)]).toEqual(['completed', 'a', 'b']);
  });

  test('an exec whose signal had fired starts nothing', async () => {
    const session = openSession();
    await expect(session.exec('text(1)', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(session.cells()).toEqual([]);
    expect((await session.exec('')).cellId).toBe('1');
  });

  test("exec's signal terminates the cell, and the output so far is kept", async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    const controller = new AbortController();
    const running = session.exec('text("a"); store("k", 1); await tools.block()', {
      signal: controller.signal,
    });
    const { signal } = await reached;
    controller.abort();
    const outcome = await running;
    expect(ending(outcome)).toBe('terminated ABORTED');
    expect(texts(outcome)).toEqual(['a']);
    expect(outcome.toolCalls).toMatchObject([{ status: 'cancelled' }]);
    expect(signal.aborted).toBe(true);
    expect(session.storedValues()).toEqual({});
  });

  test("exec's signal has no effect after exec has yielded", async () => {
    const { tool, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const controller = new AbortController();
    await session.exec('yield_control(); await tools.block(); text("on")', { signal: controller.signal });
    controller.abort();
    release();
    expect(texts(await session.wait('1'))).toEqual(['on']);
  });

  test('leaves no listener on a signal that outlives it', async () => {
    const session = openSession({ tools: [echo] });
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');
    const add = vi.spyOn(signal, 'addEventListener');
    await session.exec('text(1)', { signal });
    await session.exec('yield_control(); await tools.echo({})', { signal });
    await session.wait('2', { signal });
    expect(add).toHaveBeenCalled();
    expect(remove.mock.calls.length).toBe(add.mock.calls.length);
  });

  test('with profile codex lasts a second longer from 10,000 ms on', async () => {
    const session = openSession({ profile: 'codex' });
    const cell = session.start('await new Promise(() => {})', { yieldTimeMs: 10_000 });
    const outcomes: string[] = [];
    vi.useFakeTimers();
    try {
      const first = cell.outcome().then(({ status }) => outcomes.push(status));
      vi.advanceTimersByTime(10_999);
      await Promise.resolve();
      expect(outcomes).toEqual([]);
      vi.advanceTimersByTime(2);
      await first;
      expect(outcomes).toEqual(['yielded']);
      const second = session.wait('1', { yieldTimeMs: 9_999 });
      await Promise.resolve();
      vi.advanceTimersByTime(10_000);
      expect((await second).status).toBe('yielded');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a started cell', () => {
  test('can be observed by wait before its own first observation', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const cell = session.start('text("a"); await tools.block(); text("b")');
    await reached;
    expect(texts(await session.wait(cell.cellId, { yieldTimeMs: 0 }))).toEqual(['a']);
    release();
    expect(texts(await cell.outcome())).toEqual(['b']);
    expect(await cell.outcome()).toBe(await cell.outcome());
  });

  test('can make its first observation again when it was refused', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    const cell = session.start('text("a"); await tools.block(); text("b")');
    await reached;
    const controller = new AbortController();
    const waiting = session.wait(cell.cellId, { signal: controller.signal });
    await expect(cell.outcome()).rejects.toMatchObject({ code: 'CELL_BUSY' });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    release();
    expect(texts(await cell.outcome())).toEqual(['a', 'b']);
  });

  test('gives a missing outcome when a wait took it', async () => {
    const session = openSession();
    const cell = session.start('text("a")');
    expect((await session.wait(cell.cellId)).status).toBe('completed');
    expect((await cell.outcome()).status).toBe('missing');
  });

  test('is terminated by its signal although nobody observes it', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    const controller = new AbortController();
    const cell = session.start('await tools.block()', { signal: controller.signal });
    await reached;
    controller.abort();
    expect(ending(await cell.outcome())).toBe('terminated ABORTED');
  });
});

describe('cells()', () => {
  test('tells what is alive, since when, and what it waits for', async () => {
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool] }, { maxCells: 1 });
    const before = Date.now();
    const running = session.exec('text("a"); await tools.block()', { callId: 'call-1' });
    const queued = session.exec('text("b")');
    await reached;
    const cells = session.cells();
    expect(cells).toMatchObject([
      { cellId: '1', status: 'running', callId: 'call-1', pendingToolCalls: 1 },
      { cellId: '2', status: 'queued', callId: undefined, lastOutputAt: null, pendingToolCalls: 0 },
    ]);
    expect(cells[0]!.startedAt).toBeGreaterThanOrEqual(before);
    expect(cells[0]!.lastOutputAt).toBeGreaterThanOrEqual(cells[0]!.startedAt);
    release();
    await Promise.all([running, queued]);
    expect(session.cells()).toEqual([]);
  });
});

describe('onOutput', () => {
  test('sees each item as it comes, before the observation ends', async () => {
    const seen: unknown[] = [];
    const { tool, reached, release } = blockingTool();
    const session = openSession({
      tools: [tool],
      onOutput: (item, { cellId }) => void seen.push([cellId, item]),
    });
    const running = session.exec(
      'text("a"); image("data:image/png;base64,AAAA"); await tools.block(); text("b")',
    );
    await reached;
    expect(seen).toEqual([
      ['1', { type: 'input_text', text: 'a' }],
      ['1', { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'high' }],
    ]);
    release();
    expect(texts(await running)).toEqual(['a', '<input_image>', 'b']);
    expect(seen).toHaveLength(3);
  });

  test('of an exec replaces that of the session', async () => {
    const seen: string[] = [];
    const session = openSession({ onOutput: () => void seen.push('session') });
    await session.exec('text(1)', { onOutput: () => void seen.push('exec') });
    await session.exec('text(1)');
    expect(seen).toEqual(['exec', 'session']);
  });

  test('that fails is a diagnostic, and the output is whole', async () => {
    const failed = gate();
    const session = openSession({
      onOutput: (item) => {
        if (item.type === 'input_text' && item.text === 'a') throw new Error('handler broke');
        return Promise.reject(new Error('later')).finally(failed.open);
      },
    });
    const first = await session.exec('text("a"); text("b"); yield_control(); await 0');
    expect(texts(first)).toEqual(['a', 'b']);
    await failed.passed;
    await nextTurn();
    const { diagnostics } = await session.wait('1');
    expect(diagnostics).toEqual([
      { code: 'OUTPUT_HANDLER_FAILED', message: 'onOutput failed: handler broke' },
      { code: 'OUTPUT_HANDLER_FAILED', message: 'onOutput failed: later' },
    ]);
  });
});
