import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import {
  buildTimeline,
  reduceBundle,
  toOtlp,
  toTraceEvents,
  type OtlpSpan,
  type OtlpTraces,
  type TraceEventFile,
} from '../../lib/trace/index.js';
import { BundleBuilder } from './bundle-builder.js';
import { corpusNote, damagedBundles, hasCorpus, minimalBundles, realBundles } from './corpus.js';
import { failedSession, spawningSession } from './failed-session.js';

/** The protobuf messages that OpenTelemetry's own exporters write. */
const { opentelemetry } = createRequire(import.meta.url)(
  '@opentelemetry/otlp-transformer/build/src/generated/root.js',
) as {
  opentelemetry: any;
};
const request = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

async function lay(path: string) {
  const { state } = await reduceBundle(path);
  return { state, timeline: buildTimeline(state) };
}

function spansOf(traces: OtlpTraces): OtlpSpan[] {
  return traces.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

function attributesOf(span: OtlpSpan): Record<string, unknown> {
  return Object.fromEntries(
    span.attributes.map(({ key, value }) => [key, Object.values(value)[0] as unknown]),
  );
}

/** OTLP/JSON writes ids in hexadecimal, where protobuf's own JSON has base64. */
function withBinaryIds(traces: OtlpTraces): unknown {
  return JSON.parse(JSON.stringify(traces), (key, value: unknown) =>
    /^(?:traceId|spanId|parentSpanId)$/.test(key)
      ? Buffer.from(value as string, 'hex').toString('base64')
      : value,
  );
}

/** Whether a collector can read it, whole: every member is one of the messages, of the right type. */
function expectOtlp(traces: OtlpTraces): void {
  const message = request.fromObject(withBinaryIds(traces));
  expect(request.verify(message)).toBeNull();
  const decoded = request.decode(request.encode(message).finish());
  const back = request.toObject(decoded, { longs: String, bytes: String, arrays: true });
  const spans = back.resourceSpans[0].scopeSpans[0].spans;
  const given = (withBinaryIds(traces) as OtlpTraces).resourceSpans[0]!.scopeSpans[0]!.spans;
  expect(spans).toHaveLength(given.length);
  spans.forEach((span: any, index: number) => {
    const { links, ...rest } = given[index]!;
    expect(span).toMatchObject({ ...rest, status: expect.anything() });
    expect(span.status.code ?? 0).toBe(rest.status.code);
    expect(span.links).toHaveLength(links.length);
  });
  const ids = new Set(spansOf(traces).map(({ spanId }) => spanId));
  expect(ids.size).toBe(given.length);
  for (const span of spansOf(traces)) {
    expect(span.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
    expect(span.spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
    if (span.parentSpanId !== undefined) expect(ids).toContain(span.parentSpanId);
    for (const link of span.links) expect(ids).toContain(link.spanId);
    expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
  }
}

describe('OTLP/JSON', () => {
  test('names spans by the GenAI conventions, and nests them', async () => {
    const { state, timeline } = await lay(failedSession(new BundleBuilder()).write());
    const traces = toOtlp(state, timeline);
    expectOtlp(traces);
    const spans = spansOf(traces);
    const nameOf = (id: string | undefined) => spans.find(({ spanId }) => spanId === id)?.name;
    expect(spans.map(({ name, parentSpanId }) => `${name} < ${nameOf(parentSpanId)}`)).toEqual([
      'invoke_agent /root < undefined',
      'turn < invoke_agent /root',
      'chat model < turn',
      'execute_tool exec < turn',
      'cell 1 < execute_tool exec',
      'execute_tool shop.look_up < cell 1',
      'chat model < turn',
      'execute_tool wait < turn',
      'chat model < turn',
    ]);
  });

  test('has the attributes of model calls and of tool calls', async () => {
    const builder = new BundleBuilder().begin().request('ask', []);
    builder.event('inference_completed', {
      inference_call_id: 'ask',
      response_id: 'response-1',
      response_payload: builder.payload('inference_response', {
        output_items: [],
        token_usage: {
          input_tokens: 7,
          cached_input_tokens: 2,
          cache_write_input_tokens: 0,
          output_tokens: 3,
          reasoning_output_tokens: 1,
        },
      }),
    });
    builder.tool('call').endTool('call');
    const { state, timeline } = await lay(builder.write());
    const spans = spansOf(toOtlp(state, timeline));
    expect(attributesOf(spans.find(({ name }) => name === 'chat model')!)).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'provider',
      'gen_ai.request.model': 'model',
      'gen_ai.response.id': 'response-1',
      'gen_ai.usage.input_tokens': '7',
      'gen_ai.usage.output_tokens': '3',
      'gen_ai.usage.cache_read.input_tokens': '2',
      'gen_ai.usage.reasoning.output_tokens': '1',
      'gen_ai.conversation.id': 'main',
      'codecell.started_seq': '3',
    });
    expect(spans.find(({ name }) => name === 'chat model')).toMatchObject({
      kind: 3,
      startTimeUnixNano: '1003000000',
      endTimeUnixNano: '1004000000',
      status: { code: 0 },
    });
    expect(attributesOf(spans.find(({ name }) => name === 'execute_tool tool')!)).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'tool',
      'gen_ai.tool.call.id': 'call',
      'gen_ai.tool.type': 'function',
    });
  });

  test('marks what failed, with its message when one is given, and what has no end', async () => {
    const { state, timeline } = await lay(failedSession(new BundleBuilder()).tool('late').write());
    const errors = new Map([['tool_call:nested-1', 'no such fruit']]);
    const spans = spansOf(toOtlp(state, timeline, { errors }));
    const named = (name: string) => spans.find((span) => span.name === name)!;
    expect(named('execute_tool shop.look_up').status).toEqual({ code: 2, message: 'no such fruit' });
    expect(named('cell 1').status).toEqual({ code: 2 });
    expect(attributesOf(named('cell 1'))).toMatchObject({ 'error.type': '_OTHER' });
    expect(attributesOf(named('execute_tool tool'))).toMatchObject({ 'codecell.unfinished': true });
  });

  test('has the same ids for the same trace, and others for another', async () => {
    const ids = async (traceId: string) => {
      const builder = new BundleBuilder();
      builder.manifest['trace_id'] = traceId;
      const { state, timeline } = await lay(builder.begin().write());
      return spansOf(toOtlp(state, timeline)).map((span) => `${span.traceId} ${span.spanId}`);
    };
    expect(await ids('a')).toEqual(await ids('a'));
    const other = await ids('b');
    for (const id of await ids('a')) expect(other).not.toContain(id);
  });

  test('holds no contents of the session but messages of errors', async () => {
    const { state, timeline } = await lay(failedSession(new BundleBuilder()).write());
    const text = JSON.stringify(toOtlp(state, timeline));
    for (const content of ['plum', 'could not find', 'no price']) expect(text).not.toContain(content);
  });
});

function expectTraceEvents({ traceEvents }: TraceEventFile): void {
  const slices = traceEvents.filter((event) => event.ph === 'X');
  const tracks = new Map<number, typeof slices>();
  for (const event of traceEvents) {
    if (event.ph === 'M') continue;
    expect(Number.isFinite(event.ts)).toBe(true);
    const named = traceEvents.some(
      (other) =>
        other.ph === 'M' &&
        other.name === 'thread_name' &&
        other.tid === event.tid &&
        other.pid === event.pid,
    );
    expect(named).toBe(true);
  }
  for (const slice of slices) {
    expect(slice.dur).toBeGreaterThanOrEqual(0);
    const track = tracks.get(slice.tid);
    if (track === undefined) tracks.set(slice.tid, [slice]);
    else track.push(slice);
  }
  for (const track of tracks.values()) {
    expect(new Set(track.map(({ pid }) => pid)).size).toBe(1);
    const ends = track.toSorted((a, b) => a.ts - b.ts || a.dur - b.dur);
    ends.forEach((slice, index) => {
      const before = ends[index - 1];
      if (before !== undefined) expect(slice.ts).toBeGreaterThanOrEqual(before.ts + before.dur);
    });
  }
  const starts = traceEvents.filter((event) => event.ph === 's');
  const finishes = new Map(
    traceEvents.flatMap((event) => (event.ph === 'f' ? [[event.id, event] as const] : [])),
  );
  expect(finishes.size).toBe(starts.length);
  for (const start of starts) {
    const finish = finishes.get(start.id)!;
    expect(finish.ts).toBeGreaterThanOrEqual(start.ts);
    for (const end of [start, finish]) {
      const bound = slices.some(
        ({ pid, tid, ts, dur }) => pid === end.pid && tid === end.tid && ts <= end.ts && end.ts <= ts + dur,
      );
      const instant = traceEvents.some(
        (event) => event.ph === 'i' && event.tid === end.tid && event.ts === end.ts,
      );
      if (end === start) expect(bound || instant).toBe(true);
    }
  }
}

describe('trace events', () => {
  test('have a process per thread, tracks of their kinds, and flows from causes', async () => {
    const { state, timeline } = await lay(failedSession(new BundleBuilder()).write());
    const file = toTraceEvents(state, timeline);
    expectTraceEvents(file);
    const names = (name: string) =>
      file.traceEvents.flatMap((event) =>
        event.ph === 'M' && event.name === name ? [event.args['name']] : [],
      );
    expect(names('process_name')).toEqual(['/root']);
    expect(names('thread_name')).toEqual(['agent', 'turns', 'model calls', 'calls', 'cells', 'nested calls']);
    const flows = file.traceEvents.flatMap((event) => (event.ph === 's' ? [event.name] : []));
    expect(flows.toSorted()).toEqual([
      'asks for',
      'asks for',
      'calls',
      'is observed by',
      'is read by',
      'is read by',
      'starts',
    ]);
  });

  test('have times in microseconds since the start, and the state in their arguments', async () => {
    const { state, timeline } = await lay(failedSession(new BundleBuilder()).write());
    const { traceEvents } = toTraceEvents(state, timeline);
    const call = traceEvents.find((event) => event.ph === 'X' && event.args['id'] === 'nested-1');
    expect(call).toMatchObject({
      name: 'shop.look_up: {"fruit":"plum"}',
      cat: 'tool_call',
      ts: 7000,
      dur: 6000,
      args: { status: 'failed', started_seq: 7, ended_seq: 13 },
    });
  });

  test('put calls that overlap on tracks of their own', async () => {
    const builder = new BundleBuilder()
      .begin()
      .tool('a')
      .tool('b')
      .endTool('a')
      .endTool('b')
      .tool('c')
      .endTool('c');
    const { state, timeline } = await lay(builder.write());
    const file = toTraceEvents(state, timeline);
    expectTraceEvents(file);
    const tracks = file.traceEvents.flatMap((event) =>
      event.ph === 'M' && event.name === 'thread_name' ? [event.args['name']] : [],
    );
    expect(tracks).toEqual(['agent', 'turns', 'calls', 'calls 2']);
  });

  test('give every agent a process', async () => {
    const { state, timeline } = await lay(spawningSession(new BundleBuilder()).write());
    const file = toTraceEvents(state, timeline);
    expectTraceEvents(file);
    const processes = file.traceEvents.flatMap((event) =>
      event.ph === 'M' && event.name === 'process_name' ? [event.args['name']] : [],
    );
    expect(processes).toEqual(['/root', '/root/worker']);
  });
});

describe.skipIf(!hasCorpus)(`recorded bundles${corpusNote}`, () => {
  test('are there', () => {
    expect(realBundles().length).toBeGreaterThan(0);
  });

  test.each([...realBundles(), ...damagedBundles(), ...minimalBundles()])(
    '$name exports to readable OTLP and to well-formed trace events',
    async ({ path }) => {
      const { state, timeline } = await lay(path);
      expectOtlp(toOtlp(state, timeline));
      expectTraceEvents(toTraceEvents(state, timeline));
    },
  );
});
