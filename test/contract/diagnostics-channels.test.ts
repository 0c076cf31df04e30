import diagnosticsChannel from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ObservedCell, ObservedToolCall, ToolDefinition } from '../../lib/index.js';
import { withChannels } from '../../lib/diagnostics-channels.js';
import { echo, gate, openSession } from './support.js';

type Message = Record<string, unknown> & { cell: ObservedCell; call: ObservedToolCall };

/** Subscribes until the test ends. */
function subscribe(names: readonly string[]): [string, Message][] {
  const messages: [string, Message][] = [];
  for (const name of names) {
    const listener = (message: unknown) => void messages.push([name, message as Message]);
    diagnosticsChannel.subscribe(name, listener);
    onTestFinished(() => void diagnosticsChannel.unsubscribe(name, listener));
  }
  return messages;
}

const ALL = ['cell:start', 'cell:yield', 'cell:settled', 'tool:start', 'tool:end'].map(
  (name) => `codecell:${name}`,
);

describe('the diagnostics channels', () => {
  test('carry the start, the yields, the calls and the end of a cell in order', async () => {
    const messages = subscribe(ALL);
    const session = openSession({ tools: [echo] });
    await session.exec('yield_control(); await tools.echo({ a: 1 })', { callId: 'c1' });
    await session.wait('1');
    expect(messages.map(([name]) => name)).toEqual([
      'codecell:cell:start',
      'codecell:cell:yield',
      'codecell:tool:start',
      'codecell:tool:end',
      'codecell:cell:settled',
    ]);
    const [start, yielded, toolStart, toolEnd, settled] = messages.map(([, message]) => message);
    expect(start!.cell).toMatchObject({ cellId: '1', execCallId: 'c1', profile: 'default', modelCall: null });
    expect(yielded).toMatchObject({ cause: 'script', observed: true });
    expect(toolStart!.call).toMatchObject({ id: 'tool-1', inputJson: '{"a":1}', tool: { name: 'echo' } });
    expect(toolEnd).toMatchObject({ status: 'completed', resultJson: '{"a":1}', error: undefined });
    expect(settled).toMatchObject({ status: 'completed', error: null, quarantined: false });
    expect(settled!.cell).toBe(start!.cell);
    expect(toolEnd!.call).toBe(toolStart!.call);
    expect(toolStart!.call.cell).toBe(start!.cell);
  });

  test('carry what one subscriber asked for, and nothing else', async () => {
    const messages = subscribe(['codecell:tool:end']);
    await openSession({ tools: [echo] }).exec('await tools.echo({})');
    expect(messages.map(([name]) => name)).toEqual(['codecell:tool:end']);
  });

  test('leave a cell without observers when nobody subscribed', () => {
    expect(withChannels(null)).toBeNull();
  });

  test('tell of the cells that start after someone subscribed', async () => {
    const called = gate();
    const release = gate();
    const tool: ToolDefinition = {
      name: 'block',
      execute: () => {
        called.open();
        return release.passed;
      },
    };
    const session = openSession({ tools: [tool] });
    const before = session.exec('await tools.block()');
    await called.passed;
    const messages = subscribe(ALL);
    release.open();
    await before;
    await session.exec('1');
    expect(messages.map(([name, { cell }]) => `${name} ${cell.cellId}`)).toEqual([
      'codecell:cell:start 2',
      'codecell:cell:settled 2',
    ]);
  });
});
