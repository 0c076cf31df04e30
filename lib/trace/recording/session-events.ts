import { randomUUID } from 'node:crypto';
import type {
  CellEnd,
  ObservedCell,
  ObservedModelCall,
  ObservedTool,
  ObservedToolCall,
  ObservedWait,
  RefusedExec,
  TerminateRequest,
  ToolCallEnd,
} from '../../observer.js';
import { CodeModeError } from '../../errors.js';
import type { ContentItem, Outcome } from '../../outcome.js';
import type { ToolKind } from '../state.js';
import type { EventLog, PayloadReferenceText } from './event-log.js';
import { preview } from './text-rules.js';
import { AGENT_KINDS, usableKind } from './tool-kinds.js';
import type { ThreadLog } from './thread-log.js';

/** Kinds that say more than a tool's name and need no runtime evidence of a shape of their own. */
const KINDS_BY_NAME: Record<string, ToolKind> = {
  apply_patch: { type: 'apply_patch' },
  web_search: { type: 'web' },
  image_generation: { type: 'image_generation' },
};

/** A model's call of exec or wait, made through the session or by the host itself. */
interface DirectCall {
  toolCallId: string;
  callId: string;
  turnId: string;
  /** The type of the conversation item that answers it. */
  outputType: 'custom_tool_call_output' | 'function_call_output';
  isEnded: boolean;
}

interface CellState {
  runtimeId: string;
  turnId: string;
  call: DirectCall;
  /** Whether the call ends with the first outcome, rather than with the answer to a model. */
  endsCall: boolean;
  /** What the call ends with, once the first outcome is there. */
  answer: { status: string; payload: PayloadReferenceText; items: readonly ContentItem[] } | null;
  isEnded: boolean;
  sawFirstOutcome: boolean;
  /** The payload of the latest response, and the outcome it was made of. */
  response: { outcome: Outcome; payload: PayloadReferenceText } | null;
}

/** A nested call that has not ended. */
export interface NestedCall {
  toolCallId: string;
  runtimeId: string;
  cellTurnId: string;
  kind: ToolKind;
  invocation: PayloadReferenceText;
  isRunning: boolean;
}

/** An outcome, with its output as it was given. */
export interface NotedOutcome {
  outcome: Outcome;
  items: readonly ContentItem[];
}

export interface NotedEnd {
  end: CellEnd;
  noted: NotedOutcome | null;
  /** Whether the outcome is the first one, too. */
  isFirst: boolean;
}

/** Turns what was noted about one session into events of a thread. */
export class SessionEvents {
  readonly #log: EventLog;
  readonly #thread: ThreadLog;
  readonly #kindOf: (tool: ObservedTool) => ToolKind | undefined;
  readonly #modelCalls = new Map<ObservedModelCall, DirectCall>();
  readonly #waits = new Map<ObservedWait, DirectCall>();
  readonly #cells = new Map<ObservedCell, CellState>();
  readonly #calls = new Map<ObservedToolCall, NestedCall>();
  /** In front of the ids of cells, where another session of the thread uses the same ids. */
  readonly #prefix: string;

  constructor(log: EventLog, thread: ThreadLog, kindOf: (tool: ObservedTool) => ToolKind | undefined) {
    this.#log = log;
    this.#thread = thread;
    this.#kindOf = kindOf;
    const generation = thread.nextSession(this);
    this.#prefix = generation === 1 ? '' : `g${generation}:`;
  }

  readonly modelCallStarted = (time: number, call: ObservedModelCall, input: string): void => {
    const callId = call.callId ?? `call-${randomUUID()}`;
    const direct =
      call.name === 'exec'
        ? this.#startExec(time, callId, input)
        : this.#startWait(time, callId, true, input);
    this.#modelCalls.set(call, direct);
  };

  readonly modelCallEnded = (
    time: number,
    call: ObservedModelCall,
    end: { items: readonly ContentItem[]; success: boolean } | { error: unknown },
  ): void => {
    const direct = this.#modelCalls.get(call);
    if (direct === undefined) return this.#log.drop();
    this.#modelCalls.delete(call);
    if ('error' in end) {
      this.#endCall(time, direct, failedStatus(end.error), this.#errorPayload(end.error), []);
    } else {
      const payload = this.#log.payload('tool_result', directResponse(direct, end.items));
      this.#endCall(time, direct, end.success ? 'completed' : 'failed', payload, end.items);
    }
  };

  readonly execRefused = (time: number, exec: RefusedExec, error: unknown): void => {
    const source = typeof exec.source === 'string' ? exec.source : '';
    const direct = this.#startExec(time, exec.callId ?? `call-${randomUUID()}`, source);
    this.#endCall(time, direct, failedStatus(error), this.#errorPayload(error), []);
  };

  readonly cellStarted = (time: number, cell: ObservedCell): void => {
    const { modelCall, source } = cell;
    let call: DirectCall | undefined;
    if (modelCall === null) call = this.#startExec(time, cell.execCallId ?? `call-${randomUUID()}`, source);
    else call = this.#modelCalls.get(modelCall);
    if (call === undefined) return this.#log.drop();
    const turnId = this.#thread.turn(time);
    const runtimeId = this.#prefix + cell.cellId;
    const endsCall = modelCall === null;
    this.#cells.set(cell, {
      runtimeId,
      turnId,
      call,
      endsCall,
      answer: null,
      isEnded: false,
      sawFirstOutcome: false,
      response: null,
    });
    this.#event(
      time,
      turnId,
      `{"type":"code_cell_started","runtime_cell_id":${JSON.stringify(runtimeId)},` +
        `"model_visible_call_id":${JSON.stringify(call.callId)},"source_js":${this.#log.rules.quote(source, 'source_js')}}`,
    );
  };

  readonly firstOutcome = (time: number, cell: ObservedCell, noted: NotedOutcome): void => {
    const { outcome } = noted;
    const state = this.#cells.get(cell);
    if (state === undefined) return this.#log.drop();
    state.sawFirstOutcome = true;
    const payload = this.#response(state, noted, undefined);
    const status = cellStatus(outcome.status);
    this.#event(
      time,
      this.#thread.turnId ?? state.turnId,
      `{"type":"code_cell_initial_response","runtime_cell_id":${JSON.stringify(state.runtimeId)},` +
        `"status":"${status}","response_payload":${payload}}`,
    );
    if (!state.endsCall) return this.#forget(cell, state);
    state.answer = {
      status: outcome.error === null ? 'completed' : 'failed',
      payload,
      items: shown(noted),
    };
    // The end of a cell comes before that of the call that saw it.
    if (outcome.status === 'yielded' || state.isEnded) this.#answer(time, state);
    this.#forget(cell, state);
  };

  readonly cellEnded = (time: number, cell: ObservedCell, { end, noted, isFirst }: NotedEnd): void => {
    if (noted !== null && isFirst) this.firstOutcome(time, cell, noted);
    const state = this.#cells.get(cell);
    if (state === undefined) return this.#log.drop();
    state.isEnded = true;
    const payload = this.#response(state, noted, end);
    this.#event(
      time,
      this.#thread.turnId ?? state.turnId,
      `{"type":"code_cell_ended","runtime_cell_id":${JSON.stringify(state.runtimeId)},` +
        `"status":"${end.status}","response_payload":${payload}}`,
    );
    if (state.endsCall && !state.call.isEnded) {
      state.answer ??= { status: end.error === null ? 'completed' : 'failed', payload, items: [] };
      this.#answer(time, state);
    }
    this.#forget(cell, state);
  };

  readonly notified = (time: number, cell: ObservedCell, text: string): void => {
    this.#cellProtocolEvent(time, cell, 'code_cell_notification', { text });
  };

  readonly terminateRequested = (time: number, cell: ObservedCell, request: TerminateRequest): void => {
    this.#cellProtocolEvent(time, cell, 'code_cell_terminate_requested', { cause: request.cause });
  };

  readonly waitStarted = (time: number, wait: ObservedWait): void => {
    const input = JSON.stringify({
      cell_id: wait.cellId,
      ...(wait.yieldTimeMs === null ? {} : { yield_time_ms: wait.yieldTimeMs }),
      terminate: wait.terminate,
    });
    const callId = wait.callId ?? `wait-${randomUUID()}`;
    this.#waits.set(wait, this.#startWait(time, callId, wait.callId !== undefined, input));
  };

  readonly waitEnded = (time: number, wait: ObservedWait, end: NotedOutcome | { error: unknown }): void => {
    const direct = this.#waits.get(wait);
    if (direct === undefined) return this.#log.drop();
    this.#waits.delete(wait);
    if ('error' in end) {
      return this.#endCall(time, direct, failedStatus(end.error), this.#errorPayload(end.error), []);
    }
    const { outcome } = end;
    const cell = wait.cell === null ? undefined : this.#cells.get(wait.cell);
    if (wait.cell !== null && cell?.isEnded === true) this.#cells.delete(wait.cell);
    const items = shown(end);
    const details = { status: outcome.status, error: outcome.error, metrics: outcome.metrics };
    const payload = this.#log.payload('tool_result', directResponse(direct, items, details));
    this.#endCall(time, direct, outcome.error === null ? 'completed' : 'failed', payload, items);
  };

  readonly toolCallStarted = (time: number, call: ObservedToolCall): void => {
    const cell = this.#cells.get(call.cell);
    if (cell === undefined) return this.#log.drop();
    const { tool, inputJson, id } = call;
    const toolCallId = `exec-${randomUUID()}`;
    const kind = usableKind(this.#kindOf(tool) ?? KINDS_BY_NAME[tool.toolName], tool.toolName, inputJson);
    const input = inputJson ?? '';
    const freeform = tool.kind === 'freeform';
    const body = freeform
      ? `{"type":"custom","input":${inputJson?.startsWith('"') === true ? inputJson : '""'}}`
      : `{"type":"function","arguments":${JSON.stringify(inputJson ?? '{}')}}`;
    const invocation = this.#log.payload(
      'tool_invocation',
      invocationJson(nestedName(tool), tool.namespace, body),
    );
    this.#calls.set(call, {
      toolCallId,
      runtimeId: cell.runtimeId,
      cellTurnId: cell.turnId,
      kind,
      invocation,
      isRunning: false,
    });
    const label = tool.namespace === null ? tool.toolName : `${tool.namespace}.${tool.toolName}`;
    this.#event(
      time,
      this.#thread.turnId ?? cell.turnId,
      `{"type":"tool_call_started","tool_call_id":"${toolCallId}","model_visible_call_id":null,` +
        `"code_mode_runtime_tool_id":"${id}",` +
        `"requester":{"type":"code_cell","runtime_cell_id":${JSON.stringify(cell.runtimeId)}},` +
        `"kind":${JSON.stringify(kind)},"summary":${this.#summary(label, input)},"invocation_payload":${invocation}}`,
    );
  };

  readonly toolRun = (time: number, call: ObservedToolCall): void => {
    const state = this.#calls.get(call);
    if (state === undefined || AGENT_KINDS.has(state.kind.type)) return;
    state.isRunning = true;
    this.#event(
      time,
      this.#thread.turnId ?? state.cellTurnId,
      `{"type":"tool_call_runtime_started","tool_call_id":"${state.toolCallId}",` +
        `"kind":${JSON.stringify(state.kind)},"runtime_payload":${state.invocation}}`,
    );
  };

  readonly toolCallEnded = (time: number, call: ObservedToolCall, end: ToolCallEnd): void => {
    const state = this.#calls.get(call);
    if (state === undefined) return this.#log.drop();
    this.#calls.delete(call);
    const result = this.#log.payload('tool_result', nestedResult(end));
    const turnId = this.#thread.turnId ?? state.cellTurnId;
    if (state.isRunning) {
      this.#event(
        time,
        turnId,
        `{"type":"tool_call_runtime_ended","tool_call_id":"${state.toolCallId}","status":"${end.status}","runtime_payload":${result}}`,
      );
    }
    this.#event(
      time,
      turnId,
      `{"type":"tool_call_ended","tool_call_id":"${state.toolCallId}","status":"${end.status}","result_payload":${result}}`,
    );
  };

  /** A nested call that has not ended, as the host's tool knows it. */
  findCall(cellId: string, callId: string): NestedCall | undefined {
    for (const [call, state] of this.#calls) {
      if (call.id === callId && call.cell.cellId === cellId) return state;
    }
    return undefined;
  }

  /** Ends the calls that are open when the recording ends before the session. Gives whether a cell still runs. */
  abandon(time: number): boolean {
    const message = 'the recording ended';
    for (const call of [...this.#calls.keys()]) {
      const error = { message, name: undefined, code: undefined, dataJson: undefined };
      this.toolCallEnded(time, call, { status: 'cancelled', resultJson: undefined, error, durationMs: 0 });
    }
    const open = [...this.#modelCalls.values(), ...this.#waits.values()];
    for (const { call } of this.#cells.values()) if (!call.isEnded && !open.includes(call)) open.push(call);
    for (const call of open) this.#endCall(time, call, 'aborted', this.#errorPayload(message), []);
    return [...this.#cells.values()].some(({ isEnded }) => !isEnded);
  }

  #startExec(time: number, callId: string, source: string): DirectCall {
    const item = { type: 'custom_tool_call', call_id: callId, name: 'exec', input: source };
    const invocation = invocationJson('exec', null, `{"type":"custom","input":${JSON.stringify(source)}}`);
    return this.#startDirect(time, 'exec', callId, 'custom_tool_call_output', source, invocation, item);
  }

  /** `isShown`: whether the model knows the call. */
  #startWait(time: number, callId: string, isShown: boolean, input: string): DirectCall {
    const wait = this.#readWait(input);
    const item = isShown ? { type: 'function_call', call_id: callId, name: 'wait', arguments: input } : null;
    // What is called `wait` has to name a cell.
    const name = wait === undefined ? 'malformed_wait' : 'wait';
    const body = `{"type":"function","arguments":${JSON.stringify(wait ?? input)}}`;
    const invocation = invocationJson(name, null, body);
    return this.#startDirect(time, 'wait', callId, 'function_call_output', input, invocation, item);
  }

  /** The arguments with the cell's id as the trace knows it; undefined when they name none. */
  #readWait(input: string): string | undefined {
    let value: unknown;
    try {
      value = JSON.parse(input);
    } catch {
      return undefined;
    }
    if (typeof value !== 'object' || value === null) return undefined;
    const cellId = (value as { cell_id?: unknown }).cell_id;
    if (typeof cellId !== 'string' && typeof cellId !== 'number') return undefined;
    if (this.#prefix === '' && typeof cellId === 'string') return input;
    return JSON.stringify({ ...value, cell_id: `${this.#prefix}${cellId}` });
  }

  #startDirect(
    time: number,
    name: string,
    callId: string,
    outputType: DirectCall['outputType'],
    input: string,
    invocation: string,
    item: Record<string, unknown> | null,
  ): DirectCall {
    const toolCallId = this.#log.uniqueId(callId);
    const turnId = this.#thread.turn(time);
    // A call id that was used before stands for the earlier call, unless the call is announced under its new id.
    const isShown = item !== null && (toolCallId === callId || !this.#thread.hasInference);
    if (isShown) this.#thread.announce(time, { ...item, call_id: toolCallId });
    const payload = this.#log.payload('tool_invocation', invocation);
    const id = JSON.stringify(toolCallId);
    this.#event(
      time,
      turnId,
      `{"type":"tool_call_started","tool_call_id":${id},"model_visible_call_id":${isShown ? id : 'null'},` +
        `"code_mode_runtime_tool_id":null,"requester":{"type":"model"},"kind":{"type":"other","name":"${name}"},` +
        `"summary":${this.#summary(name, input)},"invocation_payload":${payload}}`,
    );
    return { toolCallId, callId: toolCallId, turnId, outputType, isEnded: false };
  }

  #answer(time: number, { call, answer }: CellState): void {
    if (answer !== null) this.#endCall(time, call, answer.status, answer.payload, answer.items);
  }

  #endCall(
    time: number,
    call: DirectCall,
    status: string,
    payload: PayloadReferenceText,
    items: readonly ContentItem[],
  ): void {
    if (call.isEnded) return;
    call.isEnded = true;
    this.#event(
      time,
      this.#thread.turnId ?? call.turnId,
      `{"type":"tool_call_ended","tool_call_id":${JSON.stringify(call.toolCallId)},"status":"${status}","result_payload":${payload}}`,
    );
    this.#thread.answered({ type: call.outputType, call_id: call.callId, output: items });
  }

  /** The payload of what a cell answered; one file for all that was made of the same outcome. */
  #response(state: CellState, noted: NotedOutcome | null, end: CellEnd | undefined): PayloadReferenceText {
    const outcome = noted?.outcome ?? null;
    if (outcome !== null && state.response?.outcome === outcome) return state.response.payload;
    const payload = this.#log.payload('tool_result', responseJson(state.runtimeId, noted, end));
    if (outcome !== null) state.response = { outcome, payload };
    return payload;
  }

  /** Nothing more is heard of a cell that has ended and whose first outcome is known. */
  #forget(cell: ObservedCell, state: CellState): void {
    if (state.isEnded && state.sawFirstOutcome) this.#cells.delete(cell);
  }

  #cellProtocolEvent(time: number, cell: ObservedCell, type: string, details: Record<string, unknown>): void {
    const state = this.#cells.get(cell);
    if (state === undefined) return this.#log.drop();
    const call_id = state.call.callId;
    this.#thread.protocolEvent(time, type, JSON.stringify({ cell_id: state.runtimeId, call_id, ...details }));
  }

  #errorPayload(error: unknown): PayloadReferenceText {
    const code = CodeModeError.is(error) ? error.code : undefined;
    let message: string;
    try {
      message = error instanceof Error ? error.message : String(error);
    } catch {
      message = 'a value that has no text';
    }
    return this.#log.payload('tool_result', JSON.stringify({ type: 'error', error: message, code }));
  }

  #summary(label: string, input: string): string {
    const shownInput = preview(this.#log.rules.plain(input.slice(0, 2000), 'input_preview'));
    return `{"type":"generic","label":${JSON.stringify(label)},"input_preview":${JSON.stringify(shownInput)},"output_preview":null}`;
  }

  #event(time: number, turnId: string, fields: string): void {
    this.#log.event(time, this.#thread.threadId, turnId, fields);
  }
}

/** A nested tool that is called `wait` would be taken for the operation of that name. */
function nestedName({ toolName }: ObservedTool): string {
  return toolName === 'wait' ? 'tools.wait' : toolName;
}

function invocationJson(toolName: string, namespace: string | null, body: string): string {
  return `{"tool_name":${JSON.stringify(toolName)},"tool_namespace":${JSON.stringify(namespace)},"payload":${body}}`;
}

function failedStatus(error: unknown): string {
  return CodeModeError.is(error) && error.code === 'ABORTED' ? 'cancelled' : 'failed';
}

function cellStatus(status: Outcome['status']): string {
  return status === 'missing' ? 'failed' : status;
}

/** What an outcome shows to whoever asked: its output, and its error as a text. */
function shown({ outcome: { error }, items }: NotedOutcome): readonly ContentItem[] {
  return error === null ? items : [...items, { type: 'input_text', text: error.text }];
}

function directResponse(call: DirectCall, items: readonly ContentItem[], details?: unknown): string {
  return JSON.stringify({
    type: 'direct_response',
    response_item: { type: call.outputType, call_id: call.callId, output: items },
    ...(details === undefined ? {} : { codecell: details }),
  });
}

function nestedResult({ status, resultJson, error }: ToolCallEnd): string {
  if (resultJson !== undefined) return `{"type":"code_mode_response","value":${resultJson}}`;
  if (error === undefined) return `{"type":"error","error":"the call was ${status}"}`;
  const { message, name, code, dataJson } = error;
  return JSON.stringify({ type: 'error', error: message, name, code, data: dataJson });
}

const VARIANTS = { yielded: 'Yielded', terminated: 'Terminated' } as const;

/** What a cell answered, in the shape that Codex records, and beside it what only this runtime knows. */
function responseJson(cellId: string, noted: NotedOutcome | null, end: CellEnd | undefined): string {
  const outcome = noted?.outcome;
  const status = outcome?.status ?? end?.status ?? 'completed';
  const error = outcome?.error ?? end?.error ?? null;
  const metrics = outcome?.metrics ?? end?.metrics;
  const wallMs = metrics?.wallMs ?? 0;
  const secs = Math.floor(wallMs / 1000);
  const body = {
    cell_id: cellId,
    content_items: noted?.items ?? [],
    ...(status === 'completed' || status === 'failed' ? { error_text: error?.text ?? null } : {}),
    code_mode_host_duration: { secs, nanos: Math.round((wallMs - secs * 1000) * 1e6) },
  };
  const variant = VARIANTS[status as keyof typeof VARIANTS] ?? 'Result';
  const diagnostics = outcome?.diagnostics ?? end?.diagnostics;
  const codecell = { status, error, metrics, diagnostics, observed: noted !== null };
  return JSON.stringify({ response: { [variant]: body }, codecell });
}
