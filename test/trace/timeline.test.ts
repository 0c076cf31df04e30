import { describe, expect, test } from 'vitest';
import {
  buildTimeline,
  findFailures,
  payloadLookup,
  reduceBundle,
  type Timeline,
  type TraceState,
} from '../../lib/trace/index.js';
import { BundleBuilder } from './bundle-builder.js';
import { failedSession, spawningSession } from './failed-session.js';

async function lay(builder: BundleBuilder) {
  const path = builder.write();
  const { state } = await reduceBundle(path);
  const timeline = buildTimeline(state);
  const failures = findFailures(state, timeline, payloadLookup(path, state));
  return { state, timeline, failures };
}

function outline({ spans }: Timeline): string[] {
  return spans.map(({ spanId, parentSpanId, outcome }) => `${spanId} < ${parentSpanId ?? '-'} ${outcome}`);
}

describe('the timeline', () => {
  test('has a span for everything that takes time, in order, within what it is part of', async () => {
    const { timeline } = await lay(failedSession(new BundleBuilder()));
    expect(outline(timeline)).toEqual([
      'thread:main < - ok',
      'turn:turn < thread:main ok',
      'inference:ask < turn:turn ok',
      'tool_call:call_exec < turn:turn ok',
      'code_cell:code_cell:call_exec < tool_call:call_exec failed',
      'tool_call:nested-1 < code_cell:code_cell:call_exec failed',
      'inference:ask-again < turn:turn ok',
      'wait:call_wait < turn:turn failed',
      'inference:ask-last < turn:turn ok',
    ]);
    expect(timeline.rootSpanIds).toEqual(['thread:main']);
    expect(timeline.byId.get('thread:main')?.childSpanIds).toEqual(['turn:turn']);
  });

  test('tells durations, labels and details', async () => {
    const { timeline } = await lay(failedSession(new BundleBuilder()));
    expect(timeline.byId.get('tool_call:nested-1')).toMatchObject({
      label: 'shop.look_up',
      detail: '{"fruit":"plum"}',
      startedAtMs: 1007,
      endedAtMs: 1013,
      durationMs: 6,
      status: 'failed',
      threadId: 'main',
      turnId: 'turn',
    });
    expect(timeline).toMatchObject({ startedAtMs: 1000, endedAtMs: 1020 });
  });

  test('links calls to the inferences that asked for them, read their output, and to cells', async () => {
    const { timeline } = await lay(failedSession(new BundleBuilder()));
    const linksOf = (spanId: string) =>
      timeline.byId.get(spanId)?.links.map((link) => [link.kind, link.spanId]);
    expect(linksOf('tool_call:call_exec')).toEqual([['requested_by', 'inference:ask']]);
    expect(linksOf('inference:ask-again')).toEqual([['reads', 'tool_call:call_exec']]);
    expect(linksOf('wait:call_wait')).toEqual([
      ['requested_by', 'inference:ask-again'],
      ['observes', 'code_cell:code_cell:call_exec'],
    ]);
  });

  test('calls a wait that asks for termination so', async () => {
    const builder = new BundleBuilder().begin().tool('call').cell('1', 'call');
    builder
      .request('ask', [])
      .response('ask', [{ type: 'custom_tool_call', call_id: 'call', name: 'exec', input: 'text(1)' }]);
    const { timeline } = await lay(builder.wait('stop', '{"cell_id":"1","terminate":true}'));
    expect(timeline.byId.get('wait:stop')?.links).toContainEqual({
      kind: 'terminates',
      spanId: 'code_cell:code_cell:call',
    });
  });

  test('puts the thread of a spawned agent into the thread that spawned it', async () => {
    const { timeline } = await lay(spawningSession(new BundleBuilder()));
    expect(timeline.byId.get('thread:child')).toMatchObject({
      parentSpanId: 'thread:main',
      label: '/root/worker',
      detail: 'Ada',
    });
  });

  test('shows what has no end until the last time that is known', async () => {
    const builder = new BundleBuilder().begin().tool('call').request('ask', []);
    const { timeline } = await lay(builder);
    expect(timeline.byId.get('tool_call:call')).toMatchObject({
      endedAtMs: null,
      durationMs: null,
      shownUntilMs: 1004,
      outcome: 'unfinished',
    });
  });

  test('has no negative duration when the clock goes back', async () => {
    const builder = new BundleBuilder().begin().tool('call').endTool('call');
    builder.events[3]!['wall_time_unix_ms'] = 900;
    const { timeline } = await lay(builder);
    const span = timeline.byId.get('tool_call:call');
    expect(span?.durationMs).toBe(0);
    expect(span!.shownUntilMs).toBeGreaterThanOrEqual(span!.startedAtMs);
    expect(timeline.startedAtMs).toBe(900);
  });

  test('closes a terminal with the operation that tells of the end of its process', async () => {
    const { state } = await lay(new BundleBuilder().begin());
    const window = { started_at_unix_ms: 1002, started_seq: 2, ended_at_unix_ms: null, ended_seq: null };
    const end = { ended_at_unix_ms: 1009, ended_seq: 9 };
    const operation = {
      operation_id: 'operation',
      terminal_id: 'terminal',
      tool_call_id: 'call',
      kind: 'exec_command',
      execution: { ...window, ...end, status: 'failed' },
      request: {
        type: 'exec_command',
        command: ['/bin/sh', '-c', 'false'],
        display_command: '/bin/sh -c false',
        cwd: '/',
        yield_time_ms: null,
        max_output_tokens: null,
      },
      result: {
        exit_code: 1,
        stdout: '',
        stderr: '',
        formatted_output: null,
        original_token_count: null,
        chunk_id: null,
      },
      model_observations: [],
      raw_payload_ids: [],
    } satisfies TraceState['terminal_operations'][string];
    state.terminal_operations['operation'] = operation;
    state.terminal_sessions['terminal'] = {
      terminal_id: 'terminal',
      thread_id: 'main',
      created_by_operation_id: 'operation',
      operation_ids: ['operation'],
      execution: { ...window, status: 'running' },
    };
    expect(buildTimeline(state).byId.get('terminal:terminal')).toMatchObject({
      detail: 'false',
      exitCode: 1,
      endedAtMs: 1009,
      status: 'completed',
    });
  });

  test('breaks a circle of things that are part of each other', async () => {
    const { state } = await lay(failedSession(new BundleBuilder()));
    state.tool_calls['call_exec']!.requester = { type: 'code_cell', code_cell_id: 'code_cell:call_exec' };
    const timeline = buildTimeline(state);
    const reached = new Set<string>();
    const visit = (spanId: string): void => {
      expect(reached.has(spanId)).toBe(false);
      reached.add(spanId);
      timeline.byId.get(spanId)!.childSpanIds.forEach(visit);
    };
    timeline.rootSpanIds.forEach(visit);
    expect(reached.size).toBe(timeline.spans.length);
  });
});

describe('failures', () => {
  test('are told once each, with their reason, innermost first', async () => {
    const { failures } = await lay(failedSession(new BundleBuilder()));
    expect(failures).toEqual([
      {
        kind: 'failed',
        spanId: 'tool_call:nested-1',
        seq: 13,
        atMs: 1013,
        reason: 'no such fruit',
        rawPayloadId: 'raw_payload:8',
      },
      {
        kind: 'failed',
        spanId: 'code_cell:code_cell:call_exec',
        seq: 14,
        atMs: 1014,
        reason: 'Error: no price\n    at exec_main.mjs:3:7',
        rawPayloadId: 'raw_payload:9',
      },
    ]);
  });

  test('of a model call stand for those of its turn and its thread', async () => {
    const { failures } = await lay(spawningSession(new BundleBuilder()));
    expect(failures).toMatchObject([
      { spanId: 'inference:child-ask', kind: 'failed', reason: 'the provider is overloaded' },
    ]);
  });

  test('are what a trace that stops leaves open, told by the innermost', async () => {
    const builder = new BundleBuilder().begin().request('ask', []).tool('call');
    const { failures } = await lay(builder);
    expect(failures).toMatchObject([
      { spanId: 'inference:ask', kind: 'unfinished', reason: 'no end was recorded' },
      { spanId: 'tool_call:call', kind: 'unfinished', reason: 'no end was recorded' },
    ]);
  });

  test('are explained by the conversation, or not at all, when their payload is lost', async () => {
    const builder = failedSession(new BundleBuilder());
    const { state } = await reduceBundle(builder.write());
    const failures = findFailures(state, buildTimeline(state), () => undefined);
    expect(failures.map(({ spanId, reason }) => [spanId, reason])).toEqual([
      ['tool_call:nested-1', null],
      ['code_cell:code_cell:call_exec', 'Error: no price\n    at exec_main.mjs:3:7'],
    ]);
  });
});

describe('payloadLookup', () => {
  test('gives the value of a payload, and undefined for what is lost, no JSON, or outside', async () => {
    const builder = new BundleBuilder().begin();
    const good = builder.payload('protocol_event', { message: 'hello' });
    const broken = builder.payload('protocol_event', '{');
    const outside = builder.payload('protocol_event', {}, '../../../etc/hostname');
    const absolute = builder.payload('protocol_event', {}, '/etc/hostname');
    const lost = builder.payload('protocol_event', {}, 'payloads/77.json');
    for (const event_payload of [good, broken, outside, absolute, lost]) {
      builder.event('protocol_event_observed', { event_type: 'warning', event_payload });
    }
    const path = builder.write();
    const { state } = await reduceBundle(path);
    const payload = payloadLookup(path, state);
    expect(payload(good.raw_payload_id)).toEqual({ message: 'hello' });
    for (const { raw_payload_id: id } of [broken, outside, absolute, lost]) {
      expect(state.raw_payloads[id]).toBeDefined();
      expect(payload(id)).toBeUndefined();
    }
    expect(payload('none')).toBeUndefined();
    expect(payload(null)).toBeUndefined();
  });
});
