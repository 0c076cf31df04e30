import { TraceProblem } from './errors.js';
import type { EventOfType } from './events.js';
import { addUnique, literalText, type ThreadRecord, type TraceGraph } from './graph.js';
import {
  isObject,
  parseExact,
  renderExact,
  type ExactValue,
  type JsonObject,
  type PayloadText,
} from './json-text.js';
import { observe } from './links.js';
import type {
  ExecutionStatus,
  PayloadReference,
  TerminalOperation,
  TerminalRequest,
  TerminalResult,
  ToolCall,
  ToolKind,
} from './state.js';

function invalid(payloadId: string, reason: string): never {
  throw new TraceProblem('PAYLOAD', `the terminal payload ${payloadId} ${reason}`);
}

function startOperation(
  graph: TraceGraph,
  tool: ToolCall,
  request: TerminalRequest,
  payloadId: string,
): TerminalOperation {
  const id = `terminal_operation:${graph.terminalOperations.size + 1}`;
  const operation: TerminalOperation = {
    operation_id: id,
    terminal_id: null,
    tool_call_id: tool.tool_call_id,
    kind: request.type,
    execution: graph.openWindow(),
    request,
    result: null,
    model_observations: [],
    raw_payload_ids: [payloadId],
  };
  graph.terminalOperations.set(id, operation);
  tool.terminal_operation_id = id;
  tool.summary = { type: 'terminal', operation_id: id };
  observe(graph, tool);
  return operation;
}

function openSession(
  graph: TraceGraph,
  thread: ThreadRecord,
  operation: TerminalOperation,
  process: string,
): void {
  const id = `terminal_session:${operation.operation_id}`;
  graph.terminalSessions.set(id, {
    terminal_id: id,
    thread_id: thread.thread.thread_id,
    created_by_operation_id: operation.operation_id,
    operation_ids: [operation.operation_id],
    execution: {
      started_at_unix_ms: operation.execution.started_at_unix_ms,
      started_seq: operation.execution.started_seq,
      ended_at_unix_ms: null,
      ended_seq: null,
      status: 'running',
    },
  });
  operation.terminal_id = id;
  thread.processes.set(process, id);
}

/** A write goes to the session that its process id has in the thread, or opens one. */
function joinSession(
  graph: TraceGraph,
  thread: ThreadRecord,
  operation: TerminalOperation,
  process: string,
): void {
  graph.processOfOperation.set(operation.operation_id, process);
  const id = thread.processes.get(process);
  const session = id === undefined ? undefined : graph.terminalSessions.get(id);
  if (session === undefined) {
    openSession(graph, thread, operation, process);
    return;
  }
  session.operation_ids.push(operation.operation_id);
  operation.terminal_id = session.terminal_id;
}

const unsigned = /^(?:0|[1-9]\d*)$/;

/** A missing or null count is null; undefined when it is something else than a count. */
function readCount(value: ExactValue | undefined): number | null | undefined {
  if (value === undefined || (value.type === 'literal' && value.text === 'null')) return null;
  return value.type === 'literal' && unsigned.test(value.text) ? Number(value.text) : undefined;
}

/** `write_stdin` says in its invocation what it writes. Arguments that the tool itself refused give no operation. */
export function startStdinOperation(
  graph: TraceGraph,
  thread: ThreadRecord,
  tool: ToolCall,
  invocation: PayloadText,
  payloadId: string,
): void {
  const { value } = invocation;
  if (!isObject(value) || value['tool_name'] !== 'write_stdin')
    return invalid(payloadId, 'is not a write_stdin call');
  const namespace = value['tool_namespace'] ?? null;
  if (namespace !== null && typeof namespace !== 'string')
    return invalid(payloadId, 'has a wrong tool_namespace');
  const call = value['payload'];
  if (!isObject(call) || call['type'] !== 'function' || typeof call['arguments'] !== 'string') {
    return invalid(payloadId, 'has no function arguments');
  }
  let members: Map<string, ExactValue>;
  try {
    const parsed = parseExact(call['arguments']);
    if (parsed.type !== 'object') return;
    members = parsed.members;
  } catch {
    return;
  }
  const sessionId = members.get('session_id');
  const process = sessionId === undefined ? undefined : literalText(sessionId);
  const stdin = members.get('chars') ?? { type: 'string', value: '' };
  const yieldTime = readCount(members.get('yield_time_ms'));
  const maximumTokens = readCount(members.get('max_output_tokens'));
  if (process === undefined || stdin.type !== 'string') return;
  if (yieldTime === undefined || maximumTokens === undefined) return;
  const operation = startOperation(
    graph,
    tool,
    {
      type: 'write_stdin',
      stdin: stdin.value,
      yield_time_ms: yieldTime,
      max_output_tokens: maximumTokens,
    },
    payloadId,
  );
  joinSession(graph, thread, operation, process);
}

function optionalString(value: JsonObject, name: string, payloadId: string): string | null {
  const member = value[name] ?? null;
  return member === null || typeof member === 'string'
    ? member
    : invalid(payloadId, `has a ${name} that is no string`);
}

/** The start of a process, as the runtime saw it. */
export function observeTerminalStart(
  graph: TraceGraph,
  tool: ToolCall,
  kind: ToolKind,
  observed: PayloadText,
  payloadId: string,
): void {
  if (kind.type !== 'exec_command' && kind.type !== 'write_stdin') return;
  if (tool.terminal_operation_id !== null) {
    throw new TraceProblem(
      'TERMINAL',
      `a runtime start would give ${tool.tool_call_id} a second terminal operation`,
    );
  }
  const { value } = observed;
  if (!isObject(value)) return invalid(payloadId, 'is not an object');
  const { command, cwd } = value;
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string')) {
    return invalid(payloadId, 'has no command');
  }
  if (typeof cwd !== 'string') return invalid(payloadId, 'has no cwd');
  const process = optionalString(value, 'process_id', payloadId);
  const input = optionalString(value, 'interaction_input', payloadId);
  const limits = { yield_time_ms: null, max_output_tokens: null };
  const operation = startOperation(
    graph,
    tool,
    kind.type === 'write_stdin'
      ? { type: 'write_stdin', stdin: input ?? '', ...limits }
      : { type: 'exec_command', command, display_command: command.join(' '), cwd, ...limits },
    payloadId,
  );
  if (process === null) return;
  const thread = graph.threads.get(tool.thread_id)!;
  if (kind.type === 'write_stdin') {
    joinSession(graph, thread, operation, process);
  } else {
    graph.processOfOperation.set(operation.operation_id, process);
    openSession(graph, thread, operation, process);
  }
}

interface ProcessEnd {
  process: string | null;
  result: TerminalResult;
}

function readProcessEnd(value: unknown): ProcessEnd | string {
  if (!isObject(value)) return 'is not an object';
  const exitCode = value['exit_code'];
  if (!Number.isInteger(exitCode) || Math.abs(exitCode as number) > 0x8000_0000) return 'has no exit_code';
  const output = value['aggregated_output'];
  if (output !== undefined && typeof output !== 'string') return 'has an aggregated_output that is no string';
  const process = value['process_id'] ?? null;
  if (process !== null && typeof process !== 'string') return 'has a process_id that is no string';
  return {
    process,
    result: {
      exit_code: exitCode as number,
      stdout: output ?? '',
      stderr: '',
      formatted_output: null,
      original_token_count: null,
      chunk_id: null,
    },
  };
}

function endOperation(
  graph: TraceGraph,
  operation: TerminalOperation,
  status: ExecutionStatus,
  payload: { id: string; text: PayloadText } | undefined,
): void {
  if (payload !== undefined) {
    addUnique(operation.raw_payload_ids, payload.id);
    const end = readProcessEnd(payload.text.value);
    if (typeof end !== 'string') {
      operation.result = end.result;
      if (end.process !== null) learnProcess(graph, operation, end.process);
    } else if (operation.kind === 'exec_command') {
      invalid(payload.id, end);
    } else {
      operation.result = readDispatchResult(payload.text, payload.id);
    }
  }
  graph.closeWindow(operation.execution, status);
}

function learnProcess(graph: TraceGraph, operation: TerminalOperation, process: string): void {
  const known = graph.processOfOperation.get(operation.operation_id);
  if (known !== undefined) {
    if (known === process) return;
    graph.problem('TERMINAL', `${operation.operation_id} changed its process from ${known} to ${process}`);
    return;
  }
  const tool = graph.tools.get(operation.tool_call_id)!;
  const thread = graph.threads.get(tool.thread_id)!;
  if (operation.kind === 'write_stdin') {
    joinSession(graph, thread, operation, process);
  } else {
    graph.processOfOperation.set(operation.operation_id, process);
    openSession(graph, thread, operation, process);
  }
}

export function observeTerminalEnd(
  graph: TraceGraph,
  tool: ToolCall,
  observed: PayloadText,
  payloadId: string,
  status: ExecutionStatus,
): void {
  const operation =
    tool.terminal_operation_id === null
      ? undefined
      : graph.terminalOperations.get(tool.terminal_operation_id);
  if (operation !== undefined) endOperation(graph, operation, status, { id: payloadId, text: observed });
}

/** A write that the runtime did not observe ends with its tool call. */
export function endTerminalByResult(
  graph: TraceGraph,
  tool: ToolCall,
  status: ExecutionStatus,
  reference: PayloadReference | null,
): void {
  if (tool.terminal_operation_id === null || tool.raw_runtime_payload_ids.length > 0) return;
  const operation = graph.terminalOperations.get(tool.terminal_operation_id);
  if (operation === undefined) return;
  const text = reference === null ? undefined : graph.attempt(() => graph.readPayload(reference));
  graph.attempt(() =>
    endOperation(
      graph,
      operation,
      status,
      reference === null || text === undefined ? undefined : { id: reference.raw_payload_id, text },
    ),
  );
}

function textResult(text: string): TerminalResult {
  return {
    exit_code: null,
    stdout: text,
    stderr: '',
    formatted_output: text,
    original_token_count: null,
    chunk_id: null,
  };
}

/** What a tool call answered, read as the output of a terminal. */
function readDispatchResult(payload: PayloadText, payloadId: string): TerminalResult {
  const { value } = payload;
  const type = isObject(value) ? value['type'] : undefined;
  if (isObject(value) && type === 'error' && typeof value['error'] === 'string') {
    return { ...textResult(''), stderr: value['error'], formatted_output: value['error'] };
  }
  if (isObject(value) && type === 'direct_response' && 'response_item' in value) {
    return textResult(directText(value['response_item'], payload));
  }
  if (isObject(value) && type === 'code_mode_response' && 'value' in value) {
    return codeModeResult(value['value'], payload);
  }
  return invalid(payloadId, 'is neither the end of a process nor the result of a tool call');
}

function directText(item: unknown, payload: PayloadText): string {
  const output = isObject(item) ? item['output'] : undefined;
  if (output === undefined) return renderExact(payload.at(['response_item']));
  if (typeof output === 'string') return output;
  if (!Array.isArray(output)) return renderExact(payload.at(['response_item', 'output']));
  return output
    .map((part: unknown) => (isObject(part) ? part['text'] : undefined))
    .filter((text) => typeof text === 'string')
    .join('\n');
}

function codeModeResult(value: unknown, payload: PayloadText): TerminalResult {
  if (typeof value === 'string') return textResult(value);
  const exact = payload.at(['value']);
  const whole = textResult(renderExact(exact));
  if (!isObject(value) || exact.type !== 'object' || typeof value['output'] !== 'string') return whole;
  const chunkId = value['chunk_id'] ?? null;
  const exitCode = exact.members.get('exit_code');
  const exitText = exitCode?.type === 'literal' ? exitCode.text : exitCode === undefined ? 'null' : '';
  const tokens = readCount(exact.members.get('original_token_count'));
  if (chunkId !== null && typeof chunkId !== 'string') return whole;
  if (exitText !== 'null' && !/^-?\d+$/.test(exitText)) return whole;
  if (tokens === undefined) return whole;
  return {
    ...textResult(value['output']),
    exit_code: exitText === 'null' ? null : Number(exitText),
    original_token_count: tokens,
    chunk_id: chunkId,
  };
}

/** The host knows which process a write went to: the operation moves to that session. */
export function resolveStdinTarget(graph: TraceGraph, payload: EventOfType<'stdin_target_resolved'>): void {
  const tool = graph.tools.get(payload.tool_call_id);
  const target = graph.tools.get(payload.exec_tool_call_id);
  if (tool === undefined || target === undefined) {
    const missing = tool === undefined ? payload.tool_call_id : payload.exec_tool_call_id;
    throw new TraceProblem(
      'UNKNOWN_REFERENCE',
      `a stdin target names the tool call ${missing}, which was never started`,
    );
  }
  if (tool.terminal_operation_id === null || target.terminal_operation_id === null) return;
  const operation = graph.terminalOperations.get(tool.terminal_operation_id);
  const terminalId = graph.terminalOperations.get(target.terminal_operation_id)?.terminal_id ?? null;
  if (operation === undefined || terminalId === null || operation.terminal_id === terminalId) return;
  const session = graph.terminalSessions.get(terminalId);
  if (session === undefined) return;
  if (operation.terminal_id !== null) {
    const left = graph.terminalSessions.get(operation.terminal_id);
    if (left !== undefined) {
      left.operation_ids = left.operation_ids.filter((id) => id !== operation.operation_id);
      if (left.operation_ids.length === 0) graph.terminalSessions.delete(left.terminal_id);
    }
  }
  session.operation_ids.push(operation.operation_id);
  operation.terminal_id = terminalId;
}
