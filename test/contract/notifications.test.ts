import { describe, expect, test } from 'vitest';
import type { Notification } from '../../lib/index.js';
import { aborted, blockingTool, gate, openSession, texts } from './support.js';

describe('a notification', () => {
  test('is delivered at once, with the ids of its exec and cell, and is no output', async () => {
    const seen: Notification[] = [];
    const { tool, reached, release } = blockingTool();
    const session = openSession({ tools: [tool], onNotify: (notification) => void seen.push(notification) });
    const running = session.exec('notify("half"); notify({ a: 1 }); await tools.block()', {
      callId: 'call-3',
    });
    await reached;
    expect(seen.map(({ text, callId, cellId }) => [text, callId, cellId])).toEqual([
      ['half', 'call-3', '1'],
      ['{"a":1}', 'call-3', '1'],
    ]);
    release();
    const outcome = await running;
    expect(outcome.contentItems).toEqual([]);
    expect(seen[0]!.signal.aborted).toBe(false);
  });

  test('holds back the result until it was answered', async () => {
    const answer = gate();
    const notified = gate();
    const session = openSession({
      onNotify: () => {
        notified.open();
        return answer.passed;
      },
    });
    let done = false;
    const cell = session.start('notify("n"); text("end")', { yieldTimeMs: Infinity });
    const running = cell.outcome().finally(() => (done = true));
    await notified.passed;
    const other = await session.exec('text("other")', { yieldTimeMs: 0 });
    await session.terminate(other.cellId);
    expect(done).toBe(false);
    expect(session.cells()).toMatchObject([{ cellId: '1', status: 'running' }]);
    answer.open();
    const outcome = await running;
    expect([outcome.status, ...texts(outcome)]).toEqual(['completed', 'end']);
  });

  test('that is not answered does not hold back the yield deadline', async () => {
    const answer = gate();
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool], onNotify: () => answer.passed });
    const cell = session.start('tools.block(); notify("n"); text("end")', { yieldTimeMs: 10 });
    // The script has ended when its calls are cancelled.
    await aborted((await reached).signal);
    const first = await cell.outcome();
    expect([first.status, ...texts(first)]).toEqual(['yielded', 'end']);
    const second = await session.wait('1', { yieldTimeMs: 10 });
    expect([second.status, ...texts(second)]).toEqual(['yielded']);
    answer.open();
    expect((await session.wait('1')).status).toBe('completed');
  });

  test('that fails becomes a diagnostic', async () => {
    let calls = 0;
    const session = openSession({
      onNotify: () => {
        if (++calls === 1) throw new Error('sync');
        return Promise.reject(new Error('async'));
      },
    });
    const outcome = await session.exec('notify("a"); notify("b"); text("end")');
    expect(outcome.status).toBe('completed');
    expect(outcome.diagnostics).toEqual([
      { code: 'NOTIFY_FAILED', message: 'onNotify failed: sync' },
      { code: 'NOTIFY_FAILED', message: 'onNotify failed: async' },
    ]);
  });

  test('without onNotify is an event', async () => {
    const session = openSession();
    const cell = session.start('notify("n")');
    const seen: string[] = [];
    for await (const event of cell) seen.push(event.type === 'notification' ? event.text : event.type);
    expect(seen).toEqual(['started', 'n', 'settled']);
    expect((await cell.outcome()).status).toBe('completed');
  });

  test('keeps its place among tool calls', async () => {
    const order: string[] = [];
    const session = openSession({
      tools: [{ name: 'call', execute: (input) => void order.push(`call ${(input as { i: number }).i}`) }],
      onNotify: ({ text }) => void order.push(text),
    });
    await session.exec(`
      const calls = [];
      for (let i = 0; i < 100; i++) { notify("note " + i); calls.push(tools.call({ i })) }
      await Promise.all(calls)`);
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => [`note ${i}`, `call ${i}`]).flat());
  });
});
