import { describe, expect, test } from 'vitest';
import { blockingTool, echo, gate, nextTurn, openService, openSession, texts } from './support.js';

describe('closing a session', () => {
  test('terminates its cells, aborts their tool calls, and answers pending observers', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    const running = session.exec('text("a"); await tools.block()');
    const computing = session.exec('for (;;);');
    const { signal } = await reached;
    await session.close();
    expect(signal.aborted).toBe(true);
    const outcome = await running;
    expect([outcome.status, ...texts(outcome)]).toEqual(['terminated', 'a']);
    expect((await computing).status).toBe('terminated');
    expect(session.cells()).toEqual([]);
  });

  test('is idempotent, and later calls are refused', async () => {
    const session = openSession();
    await Promise.all([session.close(), session.close()]);
    await session.close();
    await session[Symbol.asyncDispose]();
    const refusal = { code: 'SESSION_CLOSED' };
    await expect(session.exec('')).rejects.toMatchObject(refusal);
    await expect(session.wait('1')).rejects.toMatchObject(refusal);
    await expect(session.terminate('1')).rejects.toMatchObject(refusal);
    await expect(session.handleToolCall({ name: 'exec', input: 'text(1)' })).rejects.toMatchObject(refusal);
    expect(() => session.start('')).toThrow(expect.objectContaining(refusal));
  });

  test('racing with a tool result gives one outcome, and the late result is ignored', async () => {
    for (let i = 0; i < 50; i++) {
      const { tool, reached, release } = blockingTool();
      const session = openSession({ tools: [tool] }, { warmIsolates: 0 });
      const running = session.exec('text(await tools.block())');
      await reached;
      let closing: Promise<void>;
      if (i % 2 === 0) {
        release('result');
        closing = session.close();
      } else {
        closing = session.close();
        release('result');
      }
      const outcome = await running;
      await closing;
      expect(['completed', 'terminated']).toContain(outcome.status);
      expect(texts(outcome)).toEqual(outcome.status === 'completed' ? ['result'] : []);
    }
  });

  test('cancels notifications that are pending', async () => {
    const notified = gate<AbortSignal>();
    const session = openSession({
      onNotify: ({ signal }) => {
        notified.open(signal);
        return new Promise(() => {});
      },
    });
    const running = session.exec('notify("n"); text("end")');
    const signal = await notified.passed;
    await session.close();
    expect(signal.aborted).toBe(true);
    expect(['completed', 'terminated']).toContain((await running).status);
  });

  test('while a terminate is in progress gives that terminate its outcome', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('yield_control(); await tools.block()');
    await reached;
    const terminating = session.terminate('1');
    await session.close();
    expect((await terminating).status).toBe('terminated');
  });

  test('leaves the other sessions of the service alone', async () => {
    const { tool, reached, release } = blockingTool();
    const service = openService();
    const [one, other] = [service.createSession({ tools: [tool] }), service.createSession()];
    const running = one.exec('text(await tools.block())');
    await reached;
    await other.close();
    release('on');
    expect(texts(await running)).toEqual(['on']);
  });

  test('from within one of its own tool calls does not deadlock', async () => {
    const session = openSession({
      tools: [{ name: 'close', execute: () => session.close() }],
    });
    expect((await session.exec('await tools.close()')).status).toBe('terminated');
  });
});

describe('closing a service', () => {
  test('closes its sessions, is idempotent, and refuses new sessions', async () => {
    const { tool, reached } = blockingTool();
    const service = openService();
    const session = service.createSession({ tools: [tool] });
    const running = session.exec('await tools.block()');
    await reached;
    await Promise.all([service.close(), service.close()]);
    await service[Symbol.asyncDispose]();
    expect((await running).status).toBe('terminated');
    expect(() => service.createSession()).toThrow(expect.objectContaining({ code: 'SERVICE_CLOSED' }));
    await expect(session.exec('')).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    expect(service.stats().sessions).toBe(0);
    while (service.stats().liveCells > 0) await nextTurn();
  });

  test('with queued cells ends them too', async () => {
    const service = openService({ maxCells: 1 });
    const session = service.createSession({ tools: [echo] });
    const outcomes = Array.from({ length: 10 }, () => session.exec('for (;;);'));
    await nextTurn();
    await service.close();
    expect((await Promise.all(outcomes)).map(({ status }) => status)).toEqual(Array(10).fill('terminated'));
  });

  test('right after it was made stops its warm isolates', async () => {
    const service = openService({ warmIsolates: 4 });
    await service.close();
    // Idle isolates end on their own threads, soon after.
    while (service.stats().threads > 0) await nextTurn();
    expect(service.stats().warmIsolates).toBe(0);
  });
});

describe('stats()', () => {
  test('counts sessions, live and queued cells', async () => {
    const { tool, reached, release } = blockingTool();
    const service = openService({ maxCells: 1 });
    const session = service.createSession({ tools: [tool] });
    service.createSession();
    const running = session.exec('await tools.block()');
    const queued = session.exec('');
    await reached;
    expect(service.stats()).toMatchObject({
      sessions: 2,
      liveCells: 1,
      queuedCells: 1,
      quarantinedThreads: 0,
    });
    release();
    await Promise.all([running, queued]);
  });
});
