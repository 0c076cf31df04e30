import { clockMs } from './clock.js';
import type { CellEventHub } from './cell-events.js';
import { failureText } from './host-callback.js';
import type { Engine } from './host/engine.js';
import type { CellObservation, ObservedToolCall, ToolCallEnd, ToolCallError } from './observer.js';
import type { CellErrorCode, NestedToolCall } from './outcome.js';
import type { InvokeTool, ToolExecuteContext } from './tools/definition.js';
import { leastLengthOver } from './result-size.js';
import type { ResolvedTool } from './tools/tool-set.js';
import { checkInput, type CheckedInput } from './tools/validation.js';

/** Results of so many times their limit are not converted to find out their size. */
const FAR = 4;
/** Nor are those above this, with smaller limits, bytes. */
const LARGE = 1024 * 1024;

export interface NestedCallsOptions {
  engine: Pick<Engine, 'resolve' | 'reject'>;
  /** The cell's number at the engine. */
  cell: number;
  cellId: string;
  execCallId: string | undefined;
  profile: 'default' | 'codex';
  tools: readonly ResolvedTool[];
  invokeTool: InvokeTool | undefined;
  /** Calls served at once; 0 means no bound. */
  pendingToolCalls: number;
  /** Bound of one result's JSON text; 0 means none. */
  toolResultBytes: number;
  events: CellEventHub;
  /** Null when nobody observes. */
  observation: CellObservation | null;
  /** Ends the cell because of a limit. */
  stop: (code: CellErrorCode, message: string) => void;
}

interface CallRecord {
  number: number;
  tool: ResolvedTool;
  inputJson: string | undefined;
  status: NestedToolCall['status'];
  /** Milliseconds of the clock. */
  arrivedAt: number;
  endedAt: number;
  error: string | undefined;
  /** Set once the tool has asked for its signal. */
  controller: AbortController | undefined;
  /** What observers see it as; null when nobody observes. */
  observed: ObservedToolCall | null;
}

/**
 * What a tool gets beside its input. The signal is made when it is asked for: most tools do not look, and it costs more than
 * the rest of a call. An accessor that all contexts share, and that spreading one copies, costs a fifth of one in a literal.
 */
class ExecuteContext implements ToolExecuteContext {
  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    configurable: true,
    get(this: ExecuteContext) {
      return this.#makeSignal();
    },
  };

  readonly #makeSignal: () => AbortSignal;
  declare readonly signal: AbortSignal;
  readonly callId: string;
  readonly cellId: string;
  readonly execCallId: string | undefined;

  constructor(makeSignal: () => AbortSignal, callId: string, cellId: string, execCallId: string | undefined) {
    this.#makeSignal = makeSignal;
    Object.defineProperty(this, 'signal', ExecuteContext.#signal);
    this.callId = callId;
    this.cellId = cellId;
    this.execCallId = execCallId;
  }
}

/**
 * The nested tool calls of one cell: serves them in call order, at most `pendingToolCalls` at once, answers the
 * script, and cancels what is unanswered when the cell ends. Nothing here throws into its caller, whatever a
 * tool does. [host]
 */
export class NestedCalls {
  readonly #options: NestedCallsOptions;
  readonly #records: CallRecord[] = [];
  /** Calls beyond `pendingToolCalls`, from `#nextWaiting` on, in order. */
  #waiting: CallRecord[] = [];
  #nextWaiting = 0;
  /** Calls that are being served. */
  #running = 0;
  #draining = false;
  #ended = false;
  #cancelReason: (() => Error) | undefined;

  constructor(options: NestedCallsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#records.length;
  }

  /** Calls without an answer. */
  get pendingCount(): number {
    return this.#running + this.#waiting.length - this.#nextWaiting;
  }

  /** Every call up to now, as an outcome lists them. */
  list(): NestedToolCall[] {
    return this.#records.map(describeCall);
  }

  /** Failed calls that the script cannot have heard of: those named, or else those answered since `time`. */
  failuresUnseen(numbers: readonly number[] | undefined, time: number): NestedToolCall[] {
    const unseen = numbers && new Set(numbers);
    return this.#records
      .filter((record) => record.status === 'failed')
      .filter((record) => unseen?.has(record.number) ?? record.endedAt >= time)
      .map(describeCall);
  }

  /** `arrivedAt` is when the batch with the call began to be handled, milliseconds of the clock. */
  begin(number: number, toolIndex: number, inputJson: string | undefined, arrivedAt: number): void {
    const record: CallRecord = {
      number,
      tool: this.#options.tools[toolIndex] as ResolvedTool,
      inputJson,
      status: 'running',
      arrivedAt,
      endedAt: 0,
      error: undefined,
      controller: undefined,
      observed: null,
    };
    this.#records.push(record);
    if (this.#options.observation !== null) this.#observe(record, this.#options.observation);
    if (this.#ended) return this.#end(record, 'cancelled', undefined, undefined);
    const { pendingToolCalls } = this.#options;
    if (pendingToolCalls > 0 && this.#running >= pendingToolCalls) this.#waiting.push(record);
    else this.#serve(record);
  }

  /** Aborts every unanswered call, in call order; a late answer is ignored. */
  cancelAll(reason: () => Error): void {
    this.#ended = true;
    this.#cancelReason = reason;
    const unanswered = this.pendingCount === 0 ? [] : this.#records.filter(isUnanswered);
    this.#running = 0;
    this.#waiting = [];
    this.#nextWaiting = 0;
    for (const record of unanswered) {
      this.#end(record, 'cancelled', undefined, undefined);
      record.controller?.abort(reason());
    }
  }

  #observe(record: CallRecord, { hub, cell }: CellObservation): void {
    const { number, tool, inputJson } = record;
    record.observed = { cell, id: `tool-${number}`, tool, inputJson, startedAt: Date.now() };
    hub.emit('toolCallStarted', record.observed);
  }

  #serve(record: CallRecord): void {
    this.#running += 1;
    const { profile, events, cellId } = this.#options;
    const hasInput = record.inputJson !== undefined;
    let input: unknown;
    try {
      if (record.inputJson !== undefined) input = JSON.parse(record.inputJson);
    } catch (error) {
      return this.#reject(record, error);
    }
    record.inputJson = undefined;
    if (events.hasListeners) events.emit({ type: 'toolCall', cellId, call: describeCall(record), input });
    // Under the codex profile nothing is checked, and no input is null.
    if (profile === 'codex') return this.#execute(record, hasInput ? input : null);
    const checked = checkInput(record.tool, input, hasInput);
    if (checked instanceof Promise) void checked.then((result) => this.#executeChecked(record, result));
    else this.#executeChecked(record, checked);
  }

  /** A signal that is first asked for after the cell ended has fired already. */
  #signal(record: CallRecord): AbortSignal {
    record.controller ??= new AbortController();
    if (record.status === 'cancelled') record.controller.abort(this.#cancelReason?.());
    return record.controller.signal;
  }

  #executeChecked(record: CallRecord, checked: CheckedInput): void {
    if (record.status !== 'running') return;
    if (checked.ok) this.#execute(record, checked.value);
    else this.#reject(record, new TypeError(checked.message));
  }

  #execute(record: CallRecord, input: unknown): void {
    const { observation } = this.#options;
    let answer: unknown;
    try {
      if (observation === null || record.observed === null) answer = this.#callTool(record, input);
      else answer = observation.hub.runTool(record.observed, () => this.#callTool(record, input));
      if (isThenable(answer)) {
        Promise.resolve(answer).then(
          (value) => this.#resolve(record, value),
          (error: unknown) => this.#reject(record, error),
        );
        return;
      }
    } catch (error) {
      return this.#reject(record, error);
    }
    this.#resolve(record, answer);
  }

  /** What the host's tool gives or throws. */
  #callTool(record: CallRecord, input: unknown): unknown {
    const { tool, number } = record;
    const { cellId, execCallId, invokeTool } = this.#options;
    const callId = `tool-${number}`;
    if (tool.execute !== undefined) {
      const context = new ExecuteContext(() => this.#signal(record), callId, cellId, execCallId);
      return tool.execute(input, context);
    }
    if (invokeTool === undefined) throw new Error(`tool \`${tool.name}\` has nothing that serves it`);
    const { name, toolName, namespace, globalName, kind } = tool;
    const call = { name, toolName, namespace, globalName, kind, input, callId, cellId, execCallId };
    return invokeTool(call, this.#signal(record));
  }

  #resolve(record: CallRecord, value: unknown): void {
    if (record.status !== 'running') return;
    const { toolResultBytes } = this.#options;
    let json: string;
    try {
      // Far too much is refused before a text as long is made of it; else the message has the exact size.
      const least =
        toolResultBytes > 0 ? leastLengthOver(value, Math.max(FAR * toolResultBytes, LARGE)) : null;
      if (least !== null) return this.#overLimit(record, `at least ${least} bytes`);
      json = resultJson(record.tool, value);
    } catch (error) {
      if (isTooLong(error)) return this.#overLimit(record, 'longer than any string can be');
      return this.#reject(record, error);
    }
    const size = sizeOver(json, toolResultBytes);
    if (size !== null) return this.#overLimit(record, `${size} bytes`);
    this.#end(record, 'completed', json, undefined);
    this.#options.engine.resolve(this.#options.cell, record.number, json);
    this.#drain();
  }

  #reject(record: CallRecord, error: unknown): void {
    if (record.status !== 'running') return;
    const failure = describeFailure(error);
    const { engine, cell, toolResultBytes } = this.#options;
    const size =
      sizeOver(failure.message, toolResultBytes) ?? sizeOver(failure.dataJson ?? '', toolResultBytes);
    if (size !== null) return this.#overLimit(record, `${size} bytes`);
    this.#end(record, 'failed', undefined, failure);
    engine.reject(cell, record.number, failure.message, failure.name, failure.code, failure.dataJson);
    this.#drain();
  }

  #overLimit(record: CallRecord, size: string): void {
    const { toolResultBytes, stop } = this.#options;
    const message =
      `the result of tool \`${record.tool.name}\` is ${size}, ` +
      `more than the ${toolResultBytes || 'maximum number of'} bytes a result may have (limits.toolResultBytes)`;
    const error = { message, name: undefined, code: 'TOOL_RESULT_LIMIT', dataJson: undefined };
    this.#end(record, 'failed', undefined, error);
    stop('TOOL_RESULT_LIMIT', message);
  }

  #end(
    record: CallRecord,
    status: ToolCallEnd['status'],
    resultJson: string | undefined,
    error: ToolCallError | undefined,
  ): void {
    record.status = status;
    record.error = error?.message;
    record.endedAt = clockMs();
    record.inputJson = undefined;
    if (status !== 'cancelled') this.#running -= 1;
    const { events, observation, cellId } = this.#options;
    if (events.hasListeners) events.emit({ type: 'toolCallEnded', cellId, call: describeCall(record) });
    if (record.observed === null) return;
    const durationMs = record.endedAt - record.arrivedAt;
    observation?.hub.emit('toolCallEnded', record.observed, { status, resultJson, error, durationMs });
  }

  /** Serves waiting calls while there is room. A tool that answers at once comes back here: the flag keeps it flat. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    const { pendingToolCalls } = this.#options;
    while (this.#nextWaiting < this.#waiting.length && this.#running < pendingToolCalls) {
      this.#serve(this.#waiting[this.#nextWaiting++] as CallRecord);
    }
    if (this.#nextWaiting > 0 && this.#nextWaiting >= this.#waiting.length) {
      this.#waiting = [];
      this.#nextWaiting = 0;
    }
    this.#draining = false;
  }
}

function isUnanswered({ status }: CallRecord): boolean {
  return status === 'running';
}

function describeCall(record: CallRecord): NestedToolCall {
  const { tool, status, error } = record;
  const end = status === 'running' ? clockMs() : record.endedAt;
  const call: NestedToolCall = {
    id: `tool-${record.number}`,
    name: tool.name,
    toolName: tool.toolName,
    namespace: tool.namespace,
    status,
    durationMs: end - record.arrivedAt,
  };
  if (error !== undefined) call.error = error;
  return call;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return typeof (value as PromiseLike<unknown>).then === 'function';
}

/** JSON text of a tool's result; `undefined` is given as null. Throws an error naming the tool otherwise. */
function resultJson(tool: ResolvedTool, value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`tool \`${tool.name}\` returned a ${typeof value}, which cannot be given as JSON`);
  }
  try {
    return jsonText(value) ?? 'null';
  } catch (error) {
    if (isTooLong(error)) throw error;
    const reason = failureText(error);
    throw new TypeError(`tool \`${tool.name}\` returned a value that cannot be given as JSON: ${reason}`);
  }
}

function isTooLong(error: unknown): boolean {
  return error instanceof RangeError && error.message === 'Invalid string length';
}

/** The size as UTF-8 when it is over the limit, else null. Most texts are settled by their length alone. */
function sizeOver(value: string, limit: number): number | null {
  if (limit === 0 || value.length * 3 <= limit) return null;
  const size = Buffer.byteLength(value);
  return size > limit ? size : null;
}

/** Reads what a tool threw, whatever it is: getters and conversions that throw included. */
function describeFailure(error: unknown): ToolCallError {
  if (typeof error !== 'object' || error === null) {
    return { message: failureText(error), name: undefined, code: undefined, dataJson: undefined };
  }
  const { message, name, code, data } = readFields(error);
  return {
    message: typeof message === 'string' ? message : failureText(error),
    name: typeof name === 'string' ? name : undefined,
    code: typeof code === 'string' || typeof code === 'number' ? String(code) : undefined,
    dataJson: data === undefined ? undefined : jsonOf(data),
  };
}

type FailureFields = Record<'message' | 'name' | 'code' | 'data', unknown>;

function readFields(error: object): FailureFields {
  const fields: FailureFields = { message: undefined, name: undefined, code: undefined, data: undefined };
  for (const key of Object.keys(fields) as (keyof FailureFields)[]) {
    try {
      fields[key] = (error as FailureFields)[key];
    } catch {
      // A getter that throws counts as an absent field.
    }
  }
  return fields;
}

/** JSON.stringify as it is: undefined for a value that has no JSON text. */
const jsonText: (value: unknown) => string | undefined = JSON.stringify;

function jsonOf(value: unknown): string | undefined {
  try {
    return jsonText(value);
  } catch {
    return undefined;
  }
}
