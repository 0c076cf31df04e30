import { describe, expect, test } from 'vitest';
import { reduceBundle, type TraceState } from '../../lib/trace/index.js';
import { BundleBuilder, execCall, message } from './bundle-builder.js';

async function reduce(builder: BundleBuilder): Promise<TraceState> {
  return (await reduceBundle(builder.write(), { strict: true })).state;
}

function historyOf(state: TraceState): number[] {
  return state.threads['main']!.conversation_item_ids.map((id) => Number(id.split(':')[1]));
}

describe('the history of a thread', () => {
  test('holds a response item only once it is accepted or sent back', async () => {
    const builder = new BundleBuilder().begin().request('1', [message('a')]);
    builder.response('1', [message('b', 'assistant', 'b'), message('c', 'assistant', 'c')]);
    expect(historyOf(await reduce(builder))).toEqual([1]);
    builder.event('history_item_accepted', { item_id: 'c' });
    expect(historyOf(await reduce(builder))).toEqual([1, 3]);
    builder.request('2', [message('a'), message('b', 'assistant', 'b')]);
    expect(historyOf(await reduce(builder))).toEqual([1, 2, 3]);
  });

  test('keeps the first acceptance of an item, also when it came before the item', async () => {
    const builder = new BundleBuilder().begin().event('history_item_accepted', { item_id: 'b' });
    builder.request('1', [message('a')]).response('1', [message('b', 'assistant', 'b')]);
    builder.event('history_item_accepted', { item_id: 'b' });
    expect((await reduce(builder)).conversation_items['conversation_item:2']?.accepted_seq).toBe(3);
  });

  test('tells equal texts apart by the ids of the provider', async () => {
    const builder = new BundleBuilder().begin();
    builder.request('1', [message('a', 'user', 'x')]);
    builder.request('2', [message('a', 'user', 'y'), message('a', 'user', 'x')]);
    const state = await reduce(builder);
    expect(state.inference_calls['2']?.request_item_ids).toEqual([
      'conversation_item:2',
      'conversation_item:1',
    ]);
  });

  test('recognises an item without an id by its content wherever it moved', async () => {
    const builder = new BundleBuilder().begin();
    builder
      .request('1', [message('a'), message('b')])
      .request('2', [message('b'), message('a'), message('a')]);
    expect((await reduce(builder)).inference_calls['2']?.request_item_ids).toEqual([
      'conversation_item:2',
      'conversation_item:1',
      'conversation_item:3',
    ]);
  });

  test('starts anew for what a compaction put in place', async () => {
    const builder = new BundleBuilder().begin().request('1', [message('a')]);
    builder.event('compaction_installed', {
      compaction_id: 'compaction',
      checkpoint_payload: builder.payload('compaction_checkpoint', {
        input_history: [message('a')],
        replacement_history: [message('a'), { type: 'compaction', encrypted_content: 'summary' }],
      }),
    });
    builder.request('2', [message('a'), message('new')]);
    const state = await reduce(builder);
    expect(state.compactions['compaction']).toMatchObject({
      input_item_ids: ['conversation_item:1'],
      marker_item_id: 'conversation_item:2',
      replacement_item_ids: ['conversation_item:3', 'conversation_item:4'],
    });
    expect(state.inference_calls['2']?.request_item_ids).toEqual([
      'conversation_item:3',
      'conversation_item:5',
    ]);
  });
});

describe('a cell', () => {
  test('that starts before its call is seen enters the state as of its start, responses included', async () => {
    const builder = new BundleBuilder().begin().cell('1', 'call');
    builder.event('code_cell_ended', { runtime_cell_id: '1', status: 'failed' });
    expect((await reduce(builder)).code_cells).toEqual({});
    builder.request('1', [message('a')]).response('1', [execCall('call')]);
    expect((await reduce(builder)).code_cells['code_cell:call']).toMatchObject({
      execution: { started_seq: 3, ended_seq: 4, status: 'failed' },
      source_item_id: 'conversation_item:2',
    });
  });
});

describe('a terminal', () => {
  test('receives a write where the host says that it went', async () => {
    const builder = new BundleBuilder().begin();
    for (const name of ['first', 'second']) {
      builder.tool(name, { kind: { type: 'exec_command' } }).event('tool_call_runtime_started', {
        tool_call_id: name,
        kind: { type: 'exec_command' },
        runtime_payload: builder.payload('tool_runtime_event', {
          command: ['sh'],
          cwd: '/',
          process_id: '5',
        }),
      });
    }
    builder.tool('write', {
      kind: { type: 'write_stdin' },
      invocation_payload: builder.payload('tool_invocation', {
        tool_name: 'write_stdin',
        payload: { type: 'function', arguments: '{"session_id":5,"chars":"x"}' },
      }),
    });
    const operations = async (): Promise<string[][]> =>
      Object.values((await reduce(builder)).terminal_sessions).map(({ operation_ids }) => operation_ids);
    const [first, second, write] = [1, 2, 3].map((number) => `terminal_operation:${number}`);
    expect(await operations()).toEqual([[first], [second, write]]);
    builder.event('stdin_target_resolved', { tool_call_id: 'write', exec_tool_call_id: 'first' });
    expect(await operations()).toEqual([[first, write], [second]]);
  });
});
