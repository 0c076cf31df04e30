import { describe, expect, test } from 'vitest';
import type { CellEvent } from '../../lib/index.js';
import { blockingTool, echo, openSession, texts } from './support.js';

describe('the events of a cell', () => {
  test('tell everything it does, in order', async () => {
    const session = openSession({ tools: [echo] });
    const cell = session.start(
      'text("a"); notify("n"); const value = await tools.echo({ x: 1 }); yield_control(); text(value)',
    );
    const events: CellEvent[] = [];
    for await (const event of cell) events.push(event);
    expect(events).toMatchObject([
      { type: 'started', cellId: '1' },
      { type: 'output', item: { type: 'input_text', text: 'a' } },
      { type: 'notification', text: 'n' },
      { type: 'toolCall', input: { x: 1 }, call: { id: 'tool-1', name: 'echo', status: 'running' } },
      { type: 'toolCallEnded', call: { id: 'tool-1', status: 'completed' } },
      { type: 'yieldControl' },
      { type: 'output', item: { type: 'input_text', text: '{"x":1}' } },
      { type: 'settled', status: 'completed', error: null },
    ]);
    expect(texts(await cell.outcome())).toEqual(['a', '{"x":1}']);
  });

  test('begin for a later listener where it begins', async () => {
    const { tool, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.exec('text("before"); yield_control(); await tools.block(); text("after")');
    const events = session.events('1');
    release();
    const types: string[] = [];
    for await (const event of events) types.push(event.type);
    expect(types.slice(-3)).toEqual(['toolCallEnded', 'output', 'settled']);
    expect(types).not.toContain('started');
  });

  test('of a settled cell are its end, of an unknown one nothing', async () => {
    const session = openSession();
    const cell = session.start('throw new Error("no")');
    for await (const _ of cell);
    const types: unknown[] = [];
    for await (const event of session.events('1')) types.push(event);
    for await (const event of session.events('nope')) types.push(event);
    expect(types).toMatchObject([{ type: 'settled', status: 'failed', error: { code: 'SCRIPT_ERROR' } }]);
  });

  test('can be left early without any effect on the cell', async () => {
    const session = openSession();
    const cell = session.start('for (let i = 0; i < 100; i++) text(i)');
    for await (const event of cell) if (event.type === 'output') break;
    expect((await cell.outcome()).contentItems).toHaveLength(100);
  });

  test('go to every listener', async () => {
    const session = openSession();
    const cell = session.start('text(1); text(2)');
    const read = async () => {
      const types: string[] = [];
      for await (const event of cell) types.push(event.type);
      return types;
    };
    const [one, other] = await Promise.all([read(), read()]);
    expect(one).toEqual(['started', 'output', 'output', 'settled']);
    expect(other).toEqual(one);
  });

  test('include the cancelled calls of a terminated cell', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    const cell = session.start('await tools.block()');
    const events = cell[Symbol.asyncIterator]();
    await reached;
    await session.terminate('1');
    const seen: unknown[] = [];
    for await (const event of events) seen.push(event);
    expect(seen).toMatchObject([
      { type: 'started' },
      { type: 'toolCall' },
      { type: 'toolCallEnded', call: { status: 'cancelled' } },
      { type: 'settled', status: 'terminated' },
    ]);
  });
});
