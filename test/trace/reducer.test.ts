import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reduceBundle, serializeState, TraceReducer, type TraceManifest } from '../../lib/trace/index.js';
import { BundleBuilder, execCall, execOutput, message } from './bundle-builder.js';

/** A cell with a nested call, as far as its end. */
function cellBundle(): BundleBuilder {
  const exec = { kind: { type: 'other', name: 'exec' } };
  return new BundleBuilder()
    .begin()
    .request('inference-1', [message('hello')])
    .response('inference-1', [execCall('call')])
    .tool('call', exec)
    .cell('1', 'call')
    .tool('nested', {
      model_visible_call_id: null,
      code_mode_runtime_tool_id: 'tool-1',
      requester: { type: 'code_cell', runtime_cell_id: '1' },
    })
    .endTool('nested');
}

describe('strict reduction', () => {
  test('names the problem, the seq and the line of what it refuses', async () => {
    const builder = new BundleBuilder().begin().endTool('ghost');
    await expect(reduceBundle(builder.write(), { strict: true })).rejects.toMatchObject({
      name: 'TraceError',
      code: 'INVALID_TRACE',
      problem: 'UNKNOWN_REFERENCE',
      seq: 3,
      line: 3,
    });
  });

  test('counts lines as the file has them, blank ones included', async () => {
    const builder = new BundleBuilder().begin().endTool('ghost');
    const path = builder.write(`\n\n${builder.log()}`);
    await expect(reduceBundle(path, { strict: true })).rejects.toMatchObject({ seq: 3, line: 5 });
  });

  test('leaves extensions out', async () => {
    const { state, diagnostics } = await reduceBundle(cellBundle().write(), { strict: true });
    expect(state).not.toHaveProperty('extensions');
    expect(diagnostics).toEqual([]);
  });

  test('gives the same bytes every time', async () => {
    const path = cellBundle().write();
    const texts = await Promise.all(
      Array.from({ length: 3 }, async () =>
        serializeState((await reduceBundle(path, { strict: true })).state),
      ),
    );
    expect(new Set(texts).size).toBe(1);
  });

  test('refuses a folder that does not exist in both modes', async () => {
    for (const strict of [true, false]) {
      await expect(reduceBundle('no/such/bundle', { strict })).rejects.toMatchObject({ problem: 'MANIFEST' });
    }
  });

  test.each([
    ['an unknown event', 'UNKNOWN_EVENT', (builder: BundleBuilder) => builder.event('brand_new')],
    [
      'the escape hatch',
      'UNSUPPORTED_EVENT',
      (builder: BundleBuilder) => builder.event('other', { kind: 'k', summary: 's' }),
    ],
    ['a second start', 'DUPLICATE_START', (builder: BundleBuilder) => builder.tool('call').tool('call')],
    [
      'a missing field',
      'LOG_LINE',
      (builder: BundleBuilder) => builder.event('thread_ended', { thread_id: 'main' }),
    ],
    [
      'an unknown status',
      'LOG_LINE',
      (builder: BundleBuilder) => builder.event('rollout_ended', { status: 'exploded' }),
    ],
    ['a wait without a cell', 'WAIT_ARGUMENTS', (builder: BundleBuilder) => builder.wait('wait', '{}')],
    [
      'an event after the end of the recording',
      'AFTER_RECORDING',
      (builder: BundleBuilder) => builder.event('recording_completed').endTool('x'),
    ],
    [
      'a cell under the runtime id of another',
      'CELL_REBOUND',
      (builder: BundleBuilder) => builder.cell('1', 'first').cell('1', 'second'),
    ],
    [
      'a turn of another thread',
      'THREAD_MISMATCH',
      (builder: BundleBuilder) =>
        builder.event(
          'codex_turn_ended',
          { codex_turn_id: 'turn', status: 'completed' },
          { thread_id: 'other' },
        ),
    ],
    [
      'an unknown previous response',
      'PREVIOUS_RESPONSE',
      (builder: BundleBuilder) => builder.request('inference', [], { previous_response_id: 'never' }),
    ],
    [
      'two contents for one call id',
      'CALL_ID_CONFLICT',
      (builder: BundleBuilder) =>
        builder.request('inference', [
          { type: 'function_call', call_id: 'c', arguments: '{"a":1}' },
          { type: 'function_call', call_id: 'c', arguments: '{"a":2}' },
        ]),
    ],
  ])('refuses %s as %s, which lenient reduction notes', async (_what, problem, add) => {
    const path = add(new BundleBuilder().begin()).write();
    await expect(reduceBundle(path, { strict: true })).rejects.toMatchObject({ problem });
    const { diagnostics } = await reduceBundle(path);
    expect(diagnostics).toContainEqual(expect.objectContaining({ severity: 'error', code: problem }));
  });
});

describe('lenient reduction', () => {
  test('keeps everything before a torn last line', async () => {
    const builder = cellBundle();
    const path = builder.write(`${builder.log()}{"schema_ver`);
    const { state, diagnostics } = await reduceBundle(path);
    expect(Object.keys(state.code_cells)).toEqual(['code_cell:call']);
    expect(diagnostics).toEqual([
      expect.objectContaining({ severity: 'error', code: 'TORN_LINE', line: builder.events.length + 1 }),
    ]);
  });

  test('loses only what a lost payload held', async () => {
    const builder = cellBundle();
    const path = builder.write();
    rmSync(join(path, 'payloads', '1.json'));
    const { state, diagnostics } = await reduceBundle(path);
    expect(state.inference_calls['inference-1']?.request_item_ids).toEqual([]);
    expect(state.inference_calls['inference-1']?.response_item_ids).toHaveLength(1);
    expect(state.code_cells['code_cell:call']?.nested_tool_call_ids).toEqual(['nested']);
    expect(diagnostics).toEqual([expect.objectContaining({ code: 'PAYLOAD', seq: 3, line: 3 })]);
  });

  test('leaves out an item it does not understand and keeps its neighbours', async () => {
    const builder = new BundleBuilder()
      .begin()
      .request('i', [message('a'), { type: 'brand_new' }, message('b')]);
    const { state, diagnostics } = await reduceBundle(builder.write());
    expect(state.inference_calls['i']?.request_item_ids).toHaveLength(2);
    expect(diagnostics.map(({ code }) => code)).toEqual(['ITEM_UNSUPPORTED']);
  });

  test('puts a stand-in for a thread that never started, and says so', async () => {
    const builder = new BundleBuilder();
    builder.event('codex_turn_started', { codex_turn_id: 'turn', thread_id: 'main' }).tool('call');
    const { state } = await reduceBundle(builder.write());
    expect(state.extensions?.incomplete.threads).toEqual(['main']);
    expect(state.tool_calls['call']?.thread_id).toBe('main');
  });

  test('reads a bundle without a manifest', async () => {
    const path = cellBundle().write();
    rmSync(join(path, 'manifest.json'));
    const { state, diagnostics } = await reduceBundle(path);
    expect(state.rollout_id).toBe('rollout');
    expect(Object.keys(state.code_cells)).toHaveLength(1);
    expect(diagnostics.map(({ code }) => code)).toEqual(['MANIFEST']);
  });

  test('reads schema version 1, which names no kind at a runtime start, while strict reduction refuses it', async () => {
    const builder = new BundleBuilder();
    builder.manifest['schema_version'] = 1;
    builder
      .begin()
      .tool('command', { kind: { type: 'exec_command' } })
      .event('tool_call_runtime_started', {
        tool_call_id: 'command',
        runtime_payload: builder.payload('tool_runtime_event', {
          command: ['ls'],
          cwd: '/home',
          process_id: '7',
        }),
      });
    const path = builder.write();
    await expect(reduceBundle(path, { strict: true })).rejects.toMatchObject({ problem: 'SCHEMA_VERSION' });
    const { state, diagnostics } = await reduceBundle(path);
    expect(state.terminal_operations['terminal_operation:1']?.request).toMatchObject({ command: ['ls'] });
    expect(state.extensions?.source_schema_version).toBe(1);
    expect(diagnostics.map(({ severity }) => severity)).toEqual(['warning']);
  });

  test('keeps events of an unknown type by name', async () => {
    const { state } = await reduceBundle(new BundleBuilder().begin().event('brand_new').write());
    expect(state.extensions?.unknown_events).toEqual([{ seq: 3, type: 'brand_new' }]);
  });

  test('notes a seq gap and goes on', async () => {
    const builder = new BundleBuilder().begin().tool('call').endTool('call');
    builder.events.splice(2, 1);
    const { diagnostics } = await reduceBundle(builder.write());
    expect(diagnostics.map(({ code }) => code)).toEqual(['SEQUENCE', 'UNKNOWN_REFERENCE']);
  });
});

describe('extensions', () => {
  test('keep the errors of inferences, and what the host told its user', async () => {
    const builder = new BundleBuilder().begin().request('i', []).request('k', []);
    builder.event('inference_failed', { inference_call_id: 'i', error: 'overloaded' });
    builder.event('inference_cancelled', { inference_call_id: 'k', reason: 'interrupted' });
    const event_payload = builder.payload('protocol_event', { message: 'low disk' });
    builder.event('protocol_event_observed', { event_type: 'warning', event_payload });
    const { state } = await reduceBundle(builder.write());
    expect(state.extensions?.inference_errors).toEqual({ i: 'overloaded', k: 'interrupted' });
    expect(state.extensions?.protocol_events).toEqual([
      { seq: 7, at_unix_ms: 1007, type: 'warning', raw_payload_id: event_payload.raw_payload_id },
    ]);
  });

  test('list every wait of a cell, repeated yields included', async () => {
    const builder = cellBundle()
      .event('code_cell_initial_response', { runtime_cell_id: '1', status: 'yielded' })
      .wait('wait-1', '{"cell_id":"1"}')
      .endTool('wait-1')
      .wait('wait-2', '{"cell_id":"1","terminate":true}')
      .event('code_cell_ended', { runtime_cell_id: '1', status: 'terminated' })
      .endTool('wait-2');
    const { state } = await reduceBundle(builder.write());
    expect(state.code_cells['code_cell:call']?.wait_tool_call_ids).toEqual(['wait-1', 'wait-2']);
    expect(state.extensions?.cell_waits['code_cell:call']).toEqual([
      { tool_call_id: 'wait-1', terminate: false, started_seq: 10, ended_seq: 11, outcome: 'yielded' },
      { tool_call_id: 'wait-2', terminate: true, started_seq: 12, ended_seq: 14, outcome: 'ended' },
    ]);
  });

  test('tell notifications from the output of a cell', async () => {
    const builder = cellBundle().request('inference-2', [
      message('hello'),
      execCall('call'),
      execOutput('call', 'result'),
      execOutput('call', 'note 1'),
      execOutput('call', 'note 2'),
    ]);
    const { state } = await reduceBundle(builder.write());
    const [, ...notes] = state.code_cells['code_cell:call']!.output_item_ids;
    expect(state.extensions?.cell_notifications['code_cell:call']).toEqual(notes);
    expect(notes).toHaveLength(2);
  });

  test('name the tools of a response that started before it was complete', async () => {
    const builder = new BundleBuilder()
      .begin()
      .request('i', [message('a')])
      .tool('call')
      .response('i', [{ type: 'function_call', call_id: 'call', arguments: '{}' }]);
    const { state } = await reduceBundle(builder.write());
    expect(state.inference_calls['i']?.tool_call_ids_started_by_response).toEqual([]);
    expect(state.extensions?.tool_call_ids_requested_by_response).toEqual({ i: ['call'] });
  });

  test('name the turn end that a tool call without an end was abandoned by', async () => {
    const builder = cellBundle().event('codex_turn_ended', { codex_turn_id: 'turn', status: 'cancelled' });
    const { state } = await reduceBundle(builder.write());
    expect(state.tool_calls['call']?.execution.status).toBe('running');
    expect(state.extensions?.abandoned_tool_calls).toEqual({
      call: { closed_by: 'codex_turn_ended', seq: 9 },
    });
    expect(state.code_cells['code_cell:call']?.runtime_status).toBe('terminated');
  });

  test('keep a cell whose call never appeared in the conversation', async () => {
    const { state } = await reduceBundle(new BundleBuilder().begin().cell('1', 'call').write());
    expect(state.code_cells).toEqual({});
    expect(state.extensions?.cells_without_source['code_cell:call']).toMatchObject({ runtime_cell_id: '1' });
  });
});

describe('payload paths', () => {
  const escape = (path: string): string => {
    const builder = new BundleBuilder();
    builder.begin().event('protocol_event_observed', {
      event_type: 'warning',
      event_payload: builder.payload('protocol_event', {}, path),
    });
    return builder.write();
  };

  test.each([
    '../secret.json',
    '/etc/hostname',
    'payloads/../../secret.json',
    'payloads/..\\..\\secret.json',
  ])('that leave the bundle are refused in both modes: %s', async (path) => {
    const folder = escape(path);
    await expect(reduceBundle(folder, { strict: true })).rejects.toMatchObject({
      problem: 'PAYLOAD_PATH',
      seq: 3,
    });
    const { diagnostics } = await reduceBundle(folder);
    expect(diagnostics.map(({ code }) => code)).toEqual(['PAYLOAD_PATH']);
  });

  test('that leave the bundle through a symbolic link are refused', async () => {
    const folder = escape('payloads/1.json');
    const outside = new BundleBuilder().write();
    writeFileSync(join(outside, 'secret.json'), '{}');
    rmSync(join(folder, 'payloads', '1.json'));
    symlinkSync(join(outside, 'secret.json'), join(folder, 'payloads', '1.json'));
    await expect(reduceBundle(folder, { strict: true })).rejects.toMatchObject({ problem: 'PAYLOAD_PATH' });
  });

  test('may name any folder inside the bundle', async () => {
    const folder = escape('elsewhere/1.json');
    mkdirSync(join(folder, 'elsewhere'));
    renameSync(join(folder, 'payloads', '1.json'), join(folder, 'elsewhere', '1.json'));
    await expect(reduceBundle(folder, { strict: true })).resolves.toBeDefined();
  });
});

describe('quoted JSON', () => {
  const summaryOf = async (text: string): Promise<unknown> => {
    const call = { type: 'function_call', call_id: 'c', arguments: text };
    const { state } = await reduceBundle(new BundleBuilder().begin().request('i', [call]).write(), {
      strict: true,
    });
    const part = state.conversation_items['conversation_item:1']!.body.parts[0]!;
    return part.type === 'json' ? part.summary : part;
  };

  test.each([
    ['{"b":1.0,"1":2, "a": 1e30}', '{"b":1.0,"1":2,"a":1e+30}'],
    [
      '[123456789012345678901234567890,-0,-0.0,1E5,1e-7]',
      '[123456789012345678901234567890,0,-0.0,1e+5,1e-7]',
    ],
    ['{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'],
    ['"\\u00e9\\u2028\\u0001\\/"', '"é\u2028\\u0001/"'],
  ])('keeps digits and the order of keys: %s', async (text, summary) => {
    expect(await summaryOf(text)).toBe(summary);
  });

  test('is cut at 240 bytes, never inside a character', async () => {
    expect(await summaryOf(`"a${'é'.repeat(300)}"`)).toBe(`"a${'é'.repeat(119)}...`);
  });

  test.each(['{nope', '"\\ud800"', '[1,]', '01', `${'['.repeat(128)}${']'.repeat(128)}`])(
    'is text when it is none: %s',
    async (text) => {
      expect(await summaryOf(text)).toEqual({ type: 'text', text });
    },
  );
});

describe('TraceReducer', () => {
  test('gives states that later events do not change', () => {
    const builder = cellBundle().endTool('call');
    const reducer = new TraceReducer({
      manifest: builder.manifest as unknown as TraceManifest,
      readPayload: ({ path }) => builder.payloads[Number(/\d+/.exec(path)![0]) - 1]!,
    });
    const last = builder.events.pop();
    for (const event of builder.events) reducer.push(event);
    const before = reducer.state();
    const text = serializeState(before);
    reducer.push(last);
    expect(serializeState(before)).toBe(text);
    expect(serializeState(reducer.state())).not.toBe(text);
  });

  test('takes ids that look like integers or like members of objects', () => {
    const builder = new BundleBuilder().begin().tool('10').tool('9').tool('__proto__').tool('constructor');
    const reducer = new TraceReducer({
      manifest: builder.manifest as unknown as TraceManifest,
      readPayload: () => '{}',
      strict: true,
    });
    for (const event of builder.events) reducer.push(event);
    const text = serializeState(reducer.state());
    const positions = ['"10": {', '"9": {', '"__proto__": {', '"constructor": {'].map((key) =>
      text.indexOf(key),
    );
    expect(positions.every((position) => position > 0)).toBe(true);
    expect(positions).toEqual([...positions].sort((left, right) => left - right));
  });
});
