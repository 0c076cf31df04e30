import {
  context,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import {
  CodeModeError,
  type CellEnd,
  type CellError,
  type ModelCallEnd,
  type ObservedCell,
  type ObservedModelCall,
  type ObservedToolCall,
  type ObservedWait,
  type Outcome,
  type SessionObserver,
  type ToolCallEnd,
  type WaitEnd,
} from '../index.js';

export interface OpenTelemetryOptions {
  /** Where the spans go. Default: the provider that is registered globally. */
  tracerProvider?: TracerProvider | null | undefined;
  /**
   * Whether spans hold sources, arguments and results (`gen_ai.tool.call.arguments`, `gen_ai.tool.call.result`,
   * `codecell.cell.source`). Default false: they may be large, and confidential.
   */
  recordContent?: boolean | null | undefined;
  /** Characters after which recorded content is cut. Default 16384. */
  contentLimit?: number | null | undefined;
}

const optionNames = ['tracerProvider', 'recordContent', 'contentLimit'];

/**
 * An observer, for `observers` of a service or a session, that makes spans of cells, nested calls, waits and a
 * model's calls. A span's parent is what was active where `exec`, `wait` or `handleToolCall` was called; the span of
 * a nested call is the active one while the host's tool runs.
 *
 * @throws CodeModeError with `INVALID_OPTION`.
 */
export function createOpenTelemetryObserver(options?: OpenTelemetryOptions | null): SessionObserver {
  const { tracerProvider, recordContent, contentLimit } = readOptions(options);
  const tracer = (tracerProvider ?? trace).getTracer('codecell');
  return new SpanMaker(tracer, recordContent ? contentLimit : 0);
}

function readOptions(options: OpenTelemetryOptions | null | undefined) {
  const given = options ?? {};
  const refuse = (message: string): never => {
    throw new CodeModeError('INVALID_OPTION', message);
  };
  if (typeof given !== 'object') refuse('the OpenTelemetry options must be an object');
  for (const name of Object.keys(given)) {
    if (!optionNames.includes(name)) {
      refuse(`unknown OpenTelemetry option ${JSON.stringify(name)}; there are ${optionNames.join(', ')}`);
    }
  }
  const { tracerProvider, recordContent, contentLimit } = given;
  if (tracerProvider != null && typeof tracerProvider.getTracer !== 'function') {
    refuse('tracerProvider must be an OpenTelemetry TracerProvider');
  }
  if (recordContent != null && typeof recordContent !== 'boolean') refuse('recordContent must be a boolean');
  if (contentLimit != null && !(Number.isInteger(contentLimit) && contentLimit > 0)) {
    refuse('contentLimit must be a whole number, 1 or more');
  }
  return { tracerProvider, recordContent: recordContent ?? false, contentLimit: contentLimit ?? 16_384 };
}

/** A span with the context in which what it stands for runs. */
interface OpenSpan {
  span: Span;
  context: Context;
}

/** The attributes of one execution of a tool, after the GenAI conventions. */
function toolAttributes(name: string, callId: string | undefined): Attributes {
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.type': 'function',
    ...(callId === undefined ? {} : { 'gen_ai.tool.call.id': callId }),
  };
}

class SpanMaker implements SessionObserver {
  readonly #tracer: Tracer;
  /** 0: content is not recorded. */
  readonly #contentLimit: number;
  // The objects live as long as what they describe: nothing is left over when an end is never told.
  readonly #modelCalls = new WeakMap<ObservedModelCall, OpenSpan>();
  readonly #cells = new WeakMap<ObservedCell, OpenSpan & { outputItems: number }>();
  readonly #waits = new WeakMap<ObservedWait, OpenSpan>();
  readonly #toolCalls = new WeakMap<ObservedToolCall, OpenSpan>();

  constructor(tracer: Tracer, contentLimit: number) {
    this.#tracer = tracer;
    this.#contentLimit = contentLimit;
  }

  modelCallStarted(call: ObservedModelCall): void {
    const attributes = toolAttributes(call.name, call.callId);
    this.#addContent(attributes, 'gen_ai.tool.call.arguments', inputText(call.input));
    this.#modelCalls.set(call, this.#open(`execute_tool ${call.name}`, attributes));
  }

  modelCallEnded(call: ObservedModelCall, { result, error }: ModelCallEnd): void {
    const open = this.#modelCalls.get(call);
    if (open === undefined) return;
    const { span } = open;
    if (result === null) recordThrown(span, error);
    else if (result.outcome !== null) describeOutcome(span, result.outcome);
    else markFailed(span, 'REFUSED', 'the call was refused before it reached a cell');
    span.end();
  }

  execRefused({ modelCall }: { modelCall: ObservedModelCall | null }, error: unknown): void {
    // A model's call tells of it with its own end.
    if (modelCall !== null) return;
    const { span } = this.#open('codecell.cell', {});
    recordThrown(span, error);
    span.end();
  }

  cellStarted(cell: ObservedCell): void {
    const attributes: Attributes = {
      'codecell.cell.id': cell.cellId,
      'codecell.profile': cell.profile,
      ...(cell.execCallId === undefined ? {} : { 'gen_ai.tool.call.id': cell.execCallId }),
    };
    this.#addContent(attributes, 'codecell.cell.source', cell.source);
    const open = this.#open('codecell.cell', attributes, this.#contextOf(cell.modelCall));
    this.#cells.set(cell, { ...open, outputItems: 0 });
  }

  cellYielded(cell: ObservedCell, { cause, observed }: { cause: string; observed: boolean }): void {
    // Without an observation to end, a yield has no effect.
    if (observed) this.#cells.get(cell)?.span.addEvent('codecell.yielded', { 'codecell.cause': cause });
  }

  outputAppended(cell: ObservedCell): void {
    const open = this.#cells.get(cell);
    if (open !== undefined) open.outputItems += 1;
  }

  notified(cell: ObservedCell, text: string): void {
    const attributes: Attributes = {};
    this.#addContent(attributes, 'codecell.text', text);
    this.#cells.get(cell)?.span.addEvent('codecell.notified', attributes);
  }

  terminateRequested(cell: ObservedCell, { cause }: { cause: string }): void {
    this.#cells.get(cell)?.span.addEvent('codecell.terminate_requested', { 'codecell.cause': cause });
  }

  cellEnded(cell: ObservedCell, end: CellEnd): void {
    const open = this.#cells.get(cell);
    if (open === undefined) return;
    const { span, outputItems } = open;
    const { metrics } = end;
    span.setAttributes({
      'codecell.status': end.status,
      'codecell.queue_ms': metrics.queueMs,
      'codecell.start_ms': metrics.startMs,
      'codecell.compile_ms': metrics.compileMs,
      'codecell.run_ms': metrics.runMs,
      'codecell.cpu_ms': metrics.cpuMs,
      'codecell.heap_used_bytes': metrics.heapUsedBytes,
      'codecell.output_bytes': metrics.outputBytes,
      'codecell.output_items': outputItems,
      'codecell.tool_calls': metrics.toolCalls,
      ...(end.quarantined ? { 'codecell.quarantined': true } : {}),
    });
    for (const { code, message } of end.diagnostics) {
      span.addEvent('codecell.diagnostic', { 'codecell.code': code, 'codecell.message': message });
    }
    if (end.error !== null) recordCellError(span, end.error);
    span.end();
  }

  waitStarted(wait: ObservedWait): void {
    const cell = wait.cell === null ? undefined : this.#cells.get(wait.cell);
    const attributes: Attributes = {
      'codecell.cell.id': wait.cellId,
      'codecell.terminate': wait.terminate,
      ...(wait.yieldTimeMs === null ? {} : { 'codecell.yield_time_ms': wait.yieldTimeMs }),
      ...(wait.callId === undefined ? {} : { 'gen_ai.tool.call.id': wait.callId }),
    };
    const modelSpan = wait.modelCall === null ? undefined : this.#modelCalls.get(wait.modelCall)?.span;
    // A model's call of `wait` is one span, not two.
    if (modelSpan !== undefined) {
      modelSpan.setAttributes(attributes);
      if (cell !== undefined) modelSpan.addLink({ context: cell.span.spanContext() });
      return;
    }
    const open = this.#open('codecell.wait', attributes);
    if (cell !== undefined) open.span.addLink({ context: cell.span.spanContext() });
    this.#waits.set(wait, open);
  }

  waitEnded(wait: ObservedWait, { outcome, error }: WaitEnd): void {
    const open = this.#waits.get(wait);
    if (open === undefined) return;
    if (outcome === null) recordThrown(open.span, error);
    else describeOutcome(open.span, outcome);
    open.span.end();
  }

  toolCallStarted(call: ObservedToolCall): void {
    const { tool, cell, id, inputJson } = call;
    const attributes: Attributes = {
      ...toolAttributes(tool.toolName, id),
      'codecell.cell.id': cell.cellId,
      'codecell.tool.global_name': tool.globalName,
      ...(tool.namespace === null ? {} : { 'codecell.tool.namespace': tool.namespace }),
    };
    this.#addContent(attributes, 'gen_ai.tool.call.arguments', inputJson);
    const parent = this.#cells.get(cell)?.context;
    this.#toolCalls.set(call, this.#open(`execute_tool ${tool.toolName}`, attributes, parent));
  }

  runTool(call: ObservedToolCall, run: () => void): void {
    const open = this.#toolCalls.get(call);
    if (open === undefined) return run();
    context.with(open.context, run);
  }

  toolCallEnded(call: ObservedToolCall, { status, resultJson, error }: ToolCallEnd): void {
    const open = this.#toolCalls.get(call);
    if (open === undefined) return;
    const { span } = open;
    const attributes: Attributes = { 'codecell.status': status };
    this.#addContent(attributes, 'gen_ai.tool.call.result', resultJson);
    span.setAttributes(attributes);
    if (error !== undefined) {
      const { message, name = 'Error', code } = error;
      span.recordException({ name, message, ...(code === undefined ? {} : { code }) });
      markFailed(span, code ?? name, message);
    }
    span.end();
  }

  /** Starts a span now: events are told as they happen, and its clock is finer than their times. */
  #open(name: string, attributes: Attributes, parent: Context = context.active()): OpenSpan {
    const span = this.#tracer.startSpan(name, { attributes }, parent);
    return { span, context: trace.setSpan(parent, span) };
  }

  /** The context of the model's call, or else the host's active one. */
  #contextOf(modelCall: ObservedModelCall | null): Context | undefined {
    return modelCall === null ? undefined : this.#modelCalls.get(modelCall)?.context;
  }

  #addContent(attributes: Attributes, name: string, text: string | undefined): void {
    if (this.#contentLimit > 0 && text !== undefined) attributes[name] = text.slice(0, this.#contentLimit);
  }
}

function inputText(input: unknown): string | undefined {
  if (typeof input === 'string') return input;
  try {
    return JSON.stringify(input);
  } catch {
    return undefined;
  }
}

function describeOutcome(span: Span, outcome: Outcome): void {
  span.setAttributes({ 'codecell.cell.id': outcome.cellId, 'codecell.status': outcome.status });
  // The exception is told once, by the cell.
  if (outcome.error !== null) markFailed(span, outcome.error.code, outcome.error.message);
}

function recordCellError(span: Span, { code, message, text, stack, line, column }: CellError): void {
  span.recordException({ name: code, message, stack: stack ?? text });
  if (line !== undefined) span.setAttribute('codecell.error.line', line);
  if (column !== undefined) span.setAttribute('codecell.error.column', column);
  markFailed(span, code, message);
}

/** What `exec`, `wait` or `handleToolCall` rejected with. */
function recordThrown(span: Span, error: unknown): void {
  const known = error instanceof Error ? error : new Error(String(error));
  span.recordException(known);
  markFailed(span, CodeModeError.is(error) ? error.code : known.name, known.message);
}

function markFailed(span: Span, type: string, message: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
