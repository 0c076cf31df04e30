import { agentActivity, addResultToEdges, rememberAgentArguments } from './agents.js';
import { findCellId } from './code-cells.js';
import { TraceProblem } from './errors.js';
import type { EventOfType, TraceEvent, ToolRequester } from './events.js';
import { addUnique, type TraceGraph } from './graph.js';
import { isObject } from './json-text.js';
import { linkKnownItems } from './links.js';
import type { ToolCall } from './state.js';
import {
  endTerminalByResult,
  observeTerminalEnd,
  observeTerminalStart,
  startStdinOperation,
} from './terminals.js';

export function findTool(graph: TraceGraph, toolCallId: string, what: string): ToolCall {
  const tool = graph.tools.get(toolCallId);
  if (tool === undefined) {
    throw new TraceProblem(
      'UNKNOWN_REFERENCE',
      `${what} names the tool call ${toolCallId}, which was never started`,
    );
  }
  return tool;
}

export function startTool(
  graph: TraceGraph,
  event: TraceEvent,
  payload: EventOfType<'tool_call_started'>,
): void {
  const id = payload.tool_call_id;
  if (graph.tools.has(id)) throw new TraceProblem('DUPLICATE_START', `the tool call ${id} was started twice`);
  const callId = payload.model_visible_call_id;
  const sameCall = callId === null ? undefined : graph.toolsByCall.get(callId);
  if (sameCall !== undefined) {
    graph.problem(
      'DUPLICATE_START',
      `the call ${callId} of the model already started ${sameCall.tool_call_id}`,
    );
  }
  const turnId = event.codex_turn_id;
  let threadId = event.thread_id;
  if (threadId === null) {
    if (turnId === null)
      throw new TraceProblem('NO_CONTEXT', `the start of ${id} has neither a thread nor a turn`);
    const turn = graph.turns.get(turnId);
    if (turn === undefined) {
      throw new TraceProblem(
        'UNKNOWN_REFERENCE',
        `the start of ${id} names the turn ${turnId}, which was never started`,
      );
    }
    threadId = turn.thread_id;
  }
  const thread = graph.thread(threadId, `the start of ${id}`);
  if (turnId !== null) graph.turn(turnId, threadId, `the start of ${id}`);
  const tool: ToolCall = {
    tool_call_id: id,
    mcp_call_id: null,
    model_visible_call_id: callId,
    code_mode_runtime_tool_id: payload.code_mode_runtime_tool_id,
    thread_id: threadId,
    started_by_codex_turn_id: turnId,
    execution: graph.openWindow(),
    requester: resolveRequester(graph, threadId, payload.requester),
    kind: payload.kind,
    model_visible_call_item_ids: [],
    model_visible_output_item_ids: [],
    terminal_operation_id: null,
    summary: payload.summary,
    raw_invocation_payload_id: payload.invocation_payload?.raw_payload_id ?? null,
    raw_result_payload_id: null,
    raw_runtime_payload_ids: [],
  };
  graph.tools.set(id, tool);
  if (callId !== null && sameCall === undefined) {
    graph.toolsByCall.set(callId, tool);
    linkKnownItems(graph, thread, tool, callId);
  }
  if (tool.requester.type === 'code_cell') joinCell(graph, tool.requester.code_cell_id, id);
  const reference = payload.invocation_payload;
  if (reference === null) return;
  const invocation = graph.attempt(() => graph.readPayload(reference));
  if (invocation === undefined) return;
  if (payload.kind.type === 'write_stdin') {
    graph.attempt(() => startStdinOperation(graph, thread, tool, invocation, reference.raw_payload_id));
  }
  graph.attempt(() => rememberAgentArguments(graph, tool, invocation.value));
  graph.attempt(() => linkWait(graph, tool, invocation.value, reference.raw_payload_id));
}

function resolveRequester(
  graph: TraceGraph,
  threadId: string,
  requester: ToolRequester,
): ToolCall['requester'] {
  if (requester.type === 'model') return { type: 'model' };
  let cellId = findCellId(graph, threadId, requester.runtime_cell_id);
  if (cellId === undefined) {
    graph.problem(
      'UNKNOWN_REFERENCE',
      `a nested tool call names the runtime cell ${requester.runtime_cell_id} of thread ${threadId}, which was never started`,
    );
    cellId = `code_cell:unknown:${requester.runtime_cell_id}`;
  }
  return { type: 'code_cell', code_cell_id: cellId };
}

function joinCell(graph: TraceGraph, cellId: string, toolCallId: string): void {
  // A tool call starts once, so it cannot be in the list already.
  (graph.cells.get(cellId)?.nested_tool_call_ids ?? graph.pendingCells.get(cellId)?.nestedToolCallIds)?.push(
    toolCallId,
  );
}

/** The cell that a `wait` waits for; undefined for every other tool. */
export function readWait(
  invocation: unknown,
  payloadId: string,
): { cellId: string; terminate: boolean } | undefined {
  if (!isObject(invocation) || invocation['tool_name'] !== 'wait') return undefined;
  const fail = (reason: string): never => {
    throw new TraceProblem('WAIT_ARGUMENTS', `the wait of payload ${payloadId} ${reason}`);
  };
  const payload = invocation['payload'];
  const text = isObject(payload) ? payload['arguments'] : undefined;
  if (typeof text !== 'string') return fail('has no arguments');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return fail('has arguments that are not JSON');
  }
  const cellId = isObject(parsed) ? parsed['cell_id'] : undefined;
  if (typeof cellId !== 'string') return fail('names no cell_id');
  return { cellId, terminate: isObject(parsed) && parsed['terminate'] === true };
}

function linkWait(graph: TraceGraph, tool: ToolCall, invocation: unknown, payloadId: string): void {
  const wait = readWait(invocation, payloadId);
  if (wait === undefined) return;
  const cellId = findCellId(graph, tool.thread_id, wait.cellId);
  const cell = cellId === undefined ? undefined : graph.cells.get(cellId);
  cell?.wait_tool_call_ids.push(tool.tool_call_id);
}

export function correlateMcp(
  graph: TraceGraph,
  payload: EventOfType<'mcp_tool_call_correlation_assigned'>,
): void {
  const tool = findTool(graph, payload.tool_call_id, 'an MCP correlation');
  if (tool.mcp_call_id !== null) {
    throw new TraceProblem(
      'MCP_DUPLICATE',
      `the tool call ${payload.tool_call_id} already has an MCP call id`,
    );
  }
  tool.mcp_call_id = payload.mcp_call_id;
}

export function runtimeStarted(graph: TraceGraph, payload: EventOfType<'tool_call_runtime_started'>): void {
  const tool = findTool(graph, payload.tool_call_id, 'a runtime start');
  addUnique(tool.raw_runtime_payload_ids, payload.runtime_payload.raw_payload_id);
  const observed = graph.attempt(() => graph.readPayload(payload.runtime_payload));
  if (observed === undefined) return;
  // Bundles of the first schema version name no kind here: it is the tool's own.
  const kind = (payload.kind as typeof payload.kind | null) ?? tool.kind;
  // The runtime knows better: what was dispatched by name may turn out to be an MCP tool.
  tool.kind = kind;
  const id = payload.runtime_payload.raw_payload_id;
  observeTerminalStart(graph, tool, kind, observed, id);
  agentActivity(graph, tool, kind, observed, id, 'started');
}

export function runtimeEnded(graph: TraceGraph, payload: EventOfType<'tool_call_runtime_ended'>): void {
  const tool = findTool(graph, payload.tool_call_id, 'a runtime end');
  addUnique(tool.raw_runtime_payload_ids, payload.runtime_payload.raw_payload_id);
  const observed = graph.attempt(() => graph.readPayload(payload.runtime_payload));
  if (observed === undefined) return;
  const id = payload.runtime_payload.raw_payload_id;
  observeTerminalEnd(graph, tool, observed, id, payload.status);
  agentActivity(graph, tool, tool.kind, observed, id, 'ended');
}

export function endTool(graph: TraceGraph, payload: EventOfType<'tool_call_ended'>): void {
  const tool = findTool(graph, payload.tool_call_id, 'an end');
  if (tool.execution.ended_seq !== null) {
    graph.warn('DUPLICATE_START', `the tool call ${tool.tool_call_id} ended twice`);
  }
  graph.closeWindow(tool.execution, payload.status);
  const reference = payload.result_payload;
  tool.raw_result_payload_id = reference?.raw_payload_id ?? null;
  if (reference !== null) addResultToEdges(graph, tool, reference.raw_payload_id);
  endTerminalByResult(graph, tool, payload.status, reference);
}
