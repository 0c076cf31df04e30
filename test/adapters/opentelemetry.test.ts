import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOpenTelemetryObserver, type OpenTelemetryOptions } from '../../lib/adapters/opentelemetry.js';
import type { CodeModeSession, SessionOptions, ToolDefinition } from '../../lib/index.js';
import { blockingTool, echo, gate, openSession } from '../contract/support.js';

const manager = new AsyncLocalStorageContextManager();

beforeAll(() => {
  manager.enable();
  expect(context.setGlobalContextManager(manager)).toBe(true);
});

afterAll(() => {
  context.disable();
  manager.disable();
});

interface Traced {
  session: CodeModeSession;
  /** The ended spans, in the order of their ends. */
  spans: () => ReadableSpan[];
  span: (name: string) => ReadableSpan;
  provider: BasicTracerProvider;
  /** Runs something with a span of the host active. */
  inHostSpan: <Result>(run: (span: Span) => Promise<Result>) => Promise<Result>;
}

function openTraced(options: SessionOptions = {}, more: OpenTelemetryOptions = {}): Traced {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const observer = createOpenTelemetryObserver({ tracerProvider: provider, ...more });
  const session = openSession({ ...options, observers: [observer] });
  const spans = () => exporter.getFinishedSpans();
  return {
    session,
    spans,
    span: (name) => {
      const found = spans().filter((span) => span.name === name);
      expect(found.map((each) => each.name)).toEqual([name]);
      return found[0]!;
    },
    provider,
    inHostSpan: (run) =>
      provider.getTracer('host').startActiveSpan('host', async (span) => {
        try {
          return await run(span);
        } finally {
          span.end();
        }
      }),
  };
}

const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId;
const idOf = (span: ReadableSpan | Span) => span.spanContext().spanId;
const eventNames = (span: ReadableSpan) => span.events.map(({ name }) => name);

const failing: ToolDefinition = {
  name: 'fail',
  execute: () => {
    throw Object.assign(new RangeError('no such row'), { code: 'ROW_MISSING' });
  },
};

describe('the OpenTelemetry observer', () => {
  test('makes a span of a cell below the one that is active at exec, and spans of its calls below that', async () => {
    const { session, span, inHostSpan } = openTraced({ tools: [echo] });
    const host = await inHostSpan(async (active) => {
      await session.exec("await tools.echo({ a: 1 }); text('done')", { callId: 'call-7' });
      return active;
    });
    const cell = span('codecell.cell');
    const call = span('execute_tool echo');
    expect(parentOf(cell)).toBe(idOf(host));
    expect(parentOf(call)).toBe(idOf(cell));
    expect(call.spanContext().traceId).toBe(host.spanContext().traceId);
    expect(cell.status.code).toBe(SpanStatusCode.UNSET);
    expect(cell.attributes).toMatchObject({
      'codecell.cell.id': '1',
      'codecell.status': 'completed',
      'codecell.output_items': 1,
      'codecell.tool_calls': 1,
      'gen_ai.tool.call.id': 'call-7',
    });
    expect(cell.attributes['codecell.cpu_ms']).toBeTypeOf('number');
  });

  test('names nested calls after the GenAI conventions', async () => {
    const tool: ToolDefinition = {
      name: 'docs__search',
      namespace: 'docs',
      toolName: 'search',
      execute: () => 'found',
    };
    const { session, span } = openTraced({ tools: [tool] });
    await session.exec("await tools.docs__search({ words: 'a' })");
    expect(span('execute_tool search').attributes).toEqual({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'search',
      'gen_ai.tool.type': 'function',
      'gen_ai.tool.call.id': 'tool-1',
      'codecell.cell.id': '1',
      'codecell.tool.global_name': 'docs__search',
      'codecell.tool.namespace': 'docs',
      'codecell.status': 'completed',
    });
  });

  test('makes the span of a call the active one while the host tool runs, across its awaits', async () => {
    const seen: (string | undefined)[] = [];
    const baggage: (string | undefined)[] = [];
    const provider: { current?: Traced } = {};
    const tool: ToolDefinition = {
      name: 'query',
      execute: async () => {
        seen.push(trace.getActiveSpan()?.spanContext().spanId);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(trace.getActiveSpan()?.spanContext().spanId);
        baggage.push(propagation.getActiveBaggage()?.getEntry('tenant')?.value);
        provider.current!.provider.getTracer('database').startSpan('SELECT').end();
        return 1;
      },
    };
    const traced = (provider.current = openTraced({ tools: [tool] }));
    const withTenant = propagation.setBaggage(
      ROOT_CONTEXT,
      propagation.createBaggage({ tenant: { value: 'acme' } }),
    );
    await context.with(withTenant, () => traced.session.exec('await tools.query()'));
    const id = idOf(traced.span('execute_tool query'));
    expect(seen).toEqual([id, id]);
    expect(baggage).toEqual(['acme']);
    expect(parentOf(traced.span('SELECT'))).toBe(id);
  });

  test('keeps concurrent cells apart: each call is below the cell that made it', async () => {
    const both = gate();
    let waiting = 0;
    const tool: ToolDefinition = {
      name: 'meet',
      execute: async () => {
        if ((waiting += 1) === 2) both.open();
        await both.passed;
        return trace.getActiveSpan()?.spanContext().spanId;
      },
    };
    const { session, spans } = openTraced({ tools: [tool] });
    await Promise.all([session.exec('text(await tools.meet())'), session.exec('text(await tools.meet())')]);
    const cells = spans().filter(({ name }) => name === 'codecell.cell');
    const calls = spans().filter(({ name }) => name === 'execute_tool meet');
    expect(calls.map(parentOf).toSorted()).toEqual(cells.map(idOf).toSorted());
    expect(new Set(cells.map((cell) => cell.spanContext().traceId)).size).toBe(2);
  });

  test("records a script's error as status, exception and error.type, with its position", async () => {
    const { session, span } = openTraced({ tools: [failing] });
    await session.exec('const row = 1;\nawait tools.fail();');
    const cell = span('codecell.cell');
    expect(cell.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such row' });
    expect(cell.attributes).toMatchObject({ 'error.type': 'SCRIPT_ERROR', 'codecell.status': 'failed' });
    const call = span('execute_tool fail');
    expect(call.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such row' });
    expect(call.attributes['error.type']).toBe('ROW_MISSING');
    expect(eventNames(call)).toEqual(['exception']);
    expect(call.events[0]!.attributes).toMatchObject({ 'exception.message': 'no such row' });
  });

  test("tells a syntax error's line", async () => {
    const { session, span } = openTraced();
    await session.exec('text(1);\ntext(;');
    expect(span('codecell.cell').attributes).toMatchObject({
      'error.type': 'SYNTAX_ERROR',
      'codecell.error.line': 2,
    });
  });

  test('tells yields and notifications as events of the cell, and a wait as a span that links to it', async () => {
    const { tool, release } = blockingTool();
    const { session, span, inHostSpan } = openTraced({ tools: [tool], onNotify: () => {} });
    const outcome = await session.exec("notify('secret'); yield_control(); await tools.block(); text('end')");
    expect(outcome.status).toBe('yielded');
    const host = await inHostSpan(async (active) => {
      const waiting = session.wait(outcome.cellId, { callId: 'call-wait' });
      release();
      await waiting;
      return active;
    });
    const cell = span('codecell.cell');
    expect(eventNames(cell).toSorted()).toEqual(['codecell.notified', 'codecell.yielded']);
    expect(cell.events.find(({ name }) => name === 'codecell.yielded')?.attributes).toEqual({
      'codecell.cause': 'script',
    });
    expect(JSON.stringify(cell.events)).not.toContain('secret');
    const wait = span('codecell.wait');
    expect(parentOf(wait)).toBe(idOf(host));
    expect(wait.links.map((link) => link.context.spanId)).toEqual([idOf(cell)]);
    expect(wait.attributes).toMatchObject({
      'codecell.cell.id': outcome.cellId,
      'codecell.status': 'completed',
      'codecell.terminate': false,
      'gen_ai.tool.call.id': 'call-wait',
    });
  });

  test('ends the spans of a terminated cell and its calls, which are no errors', async () => {
    const { tool, reached } = blockingTool();
    const { session, span } = openTraced({ tools: [tool] });
    const cell = session.start('await tools.block()');
    await reached;
    await session.terminate(cell.cellId);
    expect(span('codecell.cell')).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'codecell.status': 'terminated' },
    });
    expect(eventNames(span('codecell.cell'))).toContain('codecell.terminate_requested');
    expect(span('execute_tool block')).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'codecell.status': 'cancelled' },
    });
    expect(span('codecell.wait').attributes).toMatchObject({ 'codecell.terminate': true });
  });

  test("makes one span of a model's call, with the cell below it, and one of its wait", async () => {
    const { tool, release } = blockingTool();
    const { session, spans, span } = openTraced({ tools: [tool] });
    const first = await session.handleToolCall({
      name: 'exec',
      callId: 'call-1',
      input: 'yield_control(); await tools.block()',
    });
    release();
    const input = { cell_id: first.outcome!.cellId };
    await session.handleToolCall({ name: 'wait', callId: 'call-2', input });
    await session.handleToolCall({ name: 'wait', callId: 'call-3', input: {} });
    expect(spans().map(({ name }) => name)).toEqual([
      'execute_tool exec',
      'execute_tool block',
      'codecell.cell',
      'execute_tool wait',
      'execute_tool wait',
    ]);
    const exec = span('execute_tool exec');
    const cell = span('codecell.cell');
    expect(parentOf(cell)).toBe(idOf(exec));
    expect(exec.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'exec',
      'gen_ai.tool.call.id': 'call-1',
      'codecell.status': 'yielded',
    });
    const [wait, refused] = spans().slice(3);
    expect(wait!.links.map((link) => link.context.spanId)).toEqual([idOf(cell)]);
    expect(refused!.attributes['error.type']).toBe('REFUSED');
  });

  test('records what exec rejects with', async () => {
    const { session, span } = openTraced();
    await expect(session.exec('text(1)', { yieldTimeMs: -1 })).rejects.toThrow();
    const refused = span('codecell.cell');
    expect(refused.status.code).toBe(SpanStatusCode.ERROR);
    expect(refused.attributes['error.type']).toBe('INVALID_OPTION');
  });

  test('leaves out sources, arguments and results unless asked for them, and cuts them then', async () => {
    const source = "text(await tools.echo({ word: 'needle' }))";
    const quiet = openTraced({ tools: [echo] });
    await quiet.session.exec(source);
    expect(JSON.stringify(quiet.spans().map(({ attributes, events }) => [attributes, events]))).not.toContain(
      'needle',
    );
    const open = openTraced({ tools: [echo] }, { recordContent: true, contentLimit: 12 });
    await open.session.exec(source);
    expect(open.span('codecell.cell').attributes['codecell.cell.source']).toBe(source.slice(0, 12));
    expect(open.span('execute_tool echo').attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"word":"needle"}'.slice(0, 12),
      'gen_ai.tool.call.result': '{"word":"needle"}'.slice(0, 12),
    });
  });

  test('gives spans that become OTLP JSON as collectors take it', async () => {
    const { session, spans } = openTraced({ tools: [echo, failing] });
    await session.exec('await tools.echo({ a: 1 }); await tools.fail()');
    const bytes = JsonTraceSerializer.serializeRequest(spans());
    const body = JSON.parse(new TextDecoder().decode(bytes));
    const [scope] = body.resourceSpans[0].scopeSpans;
    expect(scope.scope.name).toBe('codecell');
    expect(scope.spans.map((span: any) => span.name).toSorted()).toEqual([
      'codecell.cell',
      'execute_tool echo',
      'execute_tool fail',
    ]);
    const cell = scope.spans.find((span: any) => span.name === 'codecell.cell');
    for (const span of scope.spans) {
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(span.kind).toBe(1);
      expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
      if (span !== cell) expect(span.parentSpanId).toBe(cell.spanId);
    }
    const failed = scope.spans.find((span: any) => span.name === 'execute_tool fail');
    expect(failed.status).toEqual({ code: 2, message: 'no such row' });
    expect(failed.events[0].name).toBe('exception');
  });

  test('uses the provider that is registered globally when none is given, also one registered later', async () => {
    const observer = createOpenTelemetryObserver();
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    trace.setGlobalTracerProvider(provider);
    try {
      await openSession({ observers: [observer] }).exec('text(1)');
      expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['codecell.cell']);
    } finally {
      trace.disable();
    }
  });

  test('changes nothing for a session when no provider is registered', async () => {
    const session = openSession({ tools: [echo], observers: [createOpenTelemetryObserver()] });
    const outcome = await session.exec('text(await tools.echo({ a: 1 }))');
    expect(outcome.contentItems).toEqual([{ type: 'input_text', text: '{"a":1}' }]);
  });

  test.each([
    [{ recordContents: true }, /unknown OpenTelemetry option "recordContents"/],
    [{ recordContent: 'yes' }, /recordContent must be a boolean/],
    [{ contentLimit: 0 }, /contentLimit must be a whole number/],
    [{ tracerProvider: {} }, /tracerProvider must be/],
  ])('refuses the options %j', (options, message) => {
    expect(() => createOpenTelemetryObserver(options as never)).toThrow(message);
    expect(() => createOpenTelemetryObserver(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    );
  });
});
