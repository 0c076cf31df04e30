import { describe, expect, test } from 'vitest';
import { openSession, texts } from './support.js';

describe('a burst in one synchronous turn', () => {
  for (const profile of ['default', 'codex'] as const) {
    test(`of 5,000 tool calls is served whole and in order (${profile})`, async () => {
      const seen: number[] = [];
      const session = openSession({
        profile,
        tools: [
          {
            name: 'now',
            execute: (input) => {
              const { i } = input as { i: number };
              seen.push(i);
              return i * 2;
            },
          },
          { name: 'later', execute: async (input) => (input as { i: number }).i * 2 },
        ],
      });
      for (const name of ['now', 'later']) {
        const outcome = await session.exec(`
          const results = await Promise.all(Array.from({ length: 5000 }, (_, i) => tools.${name}({ i })));
          text(results.every((value, i) => value === i * 2)); text(results.length)`);
        expect(texts(outcome)).toEqual(['true', '5000']);
        expect(outcome.toolCalls).toHaveLength(5000);
        expect(
          outcome.toolCalls.every(({ status, id }, i) => status === 'completed' && id === `tool-${i + 1}`),
        ).toBe(true);
      }
      expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    });
  }

  test('of 5,000 tool calls that all fail rejects each of them', async () => {
    const session = openSession({
      tools: [
        { name: 'fail', execute: (input) => Promise.reject(new Error(`no ${(input as { i: number }).i}`)) },
      ],
    });
    const outcome = await session.exec(`
      const results = await Promise.allSettled(Array.from({ length: 5000 }, (_, i) => tools.fail({ i })));
      text(results.every(({ reason }, i) => reason.message === "no " + i))`);
    expect(texts(outcome)).toEqual(['true']);
    expect(outcome.diagnostics).toEqual([]);
  });

  test('of 5,000 notifications is delivered whole and in order', async () => {
    const seen: string[] = [];
    const session = openSession({
      onNotify: async ({ text }) => {
        seen.push(text);
      },
    });
    const outcome = await session.exec('for (let i = 0; i < 5000; i++) notify(String(i))');
    expect(outcome.status).toBe('completed');
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => String(i)));
  });

  test('of 20,000 output items arrives whole and in order', async () => {
    const streamed: unknown[] = [];
    const session = openSession({ onOutput: (item) => void streamed.push(item) });
    const outcome = await session.exec('for (let i = 0; i < 20000; i++) text(i)');
    expect(texts(outcome)).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i)));
    expect(streamed).toEqual(outcome.contentItems);
  });

  test('of mixed events keeps its order for whoever listens', async () => {
    const session = openSession({ tools: [{ name: 'call', execute: () => null }] });
    const cell = session.start(`
      const calls = [];
      for (let i = 0; i < 2000; i++) { text("t" + i); notify("n" + i); calls.push(tools.call({ i })) }
      await Promise.all(calls)`);
    const order: string[] = [];
    for await (const event of cell) {
      if (event.type === 'output' && event.item.type === 'input_text') order.push(event.item.text);
      if (event.type === 'notification') order.push(event.text);
      if (event.type === 'toolCall') order.push(`c${(event.input as { i: number }).i}`);
    }
    expect(order).toEqual(Array.from({ length: 2000 }, (_, i) => [`t${i}`, `n${i}`, `c${i}`]).flat());
    expect((await cell.outcome()).status).toBe('completed');
  });

  test('of cells gives every outcome', async () => {
    const session = openSession({}, { maxCells: 8 });
    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, i) => session.exec(`text(${i})`)));
    expect(outcomes.flatMap(texts)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
  });
});
