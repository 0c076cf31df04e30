import { TraceProblem } from './errors.js';
import type { CellResponse, EventOfType, TraceEvent } from './events.js';
import { addProducer, type ItemRecord, type ThreadRecord, type TraceGraph } from './graph.js';
import { compareKeys } from './json-text.js';
import type { CellRuntimeStatus, CodeCell, ExecutionStatus, ToolCall } from './state.js';

/** A runtime cell id stands for a cell only within its thread; the cell itself is named by the model's call. */
export function startCell(
  graph: TraceGraph,
  event: TraceEvent,
  payload: EventOfType<'code_cell_started'>,
): void {
  const cellId = `code_cell:${payload.model_visible_call_id}`;
  const threadId = graph.threadOfEvent(event);
  if (threadId === null) {
    throw new TraceProblem('NO_CONTEXT', `the start of ${cellId} has neither a thread nor a turn`);
  }
  const thread = graph.threads.get(threadId);
  let cells = graph.runtimeCells.get(threadId);
  if (cells === undefined) graph.runtimeCells.set(threadId, (cells = new Map<string, string>()));
  const bound = cells.get(payload.runtime_cell_id);
  if (bound !== undefined && bound !== cellId) {
    graph.problem(
      'CELL_REBOUND',
      `the runtime cell ${payload.runtime_cell_id} of thread ${threadId} is ${bound} and cannot become ${cellId}`,
    );
  }
  if (graph.cells.has(cellId) || graph.pendingCells.has(cellId)) {
    throw new TraceProblem('DUPLICATE_START', `${cellId} was started twice`);
  }
  cells.set(payload.runtime_cell_id, cellId);
  graph.pendingCells.set(cellId, {
    cellId,
    callId: payload.model_visible_call_id,
    runtimeCellId: payload.runtime_cell_id,
    threadId,
    turnId: event.codex_turn_id,
    source: payload.source_js,
    seq: event.seq,
    time: event.wall_time_unix_ms,
    nestedToolCallIds: [],
    responses: [],
  });
  const source = thread?.byCall
    .get(payload.model_visible_call_id)
    ?.calls.find((record) => record.item.kind === 'custom_tool_call');
  if (thread !== undefined && source !== undefined) {
    materializeCell(graph, thread, payload.model_visible_call_id, source);
  }
}

/** The cell id of a runtime cell; undefined when no cell was started under that id. */
export function findCellId(graph: TraceGraph, threadId: string, runtimeCellId: string): string | undefined {
  return graph.runtimeCells.get(threadId)?.get(runtimeCellId);
}

/** A pending cell enters the state, as of its start, once the conversation holds the call that asked for it. */
export function materializeCell(
  graph: TraceGraph,
  thread: ThreadRecord,
  callId: string,
  source: ItemRecord,
): void {
  const cellId = `code_cell:${callId}`;
  const pending = graph.pendingCells.get(cellId);
  if (pending === undefined || pending.threadId !== thread.thread.thread_id) return;
  let { turnId } = pending;
  if (turnId === null) {
    graph.problem('NO_CONTEXT', `the start of ${cellId} has no turn`);
    turnId = source.item.codex_turn_id ?? '';
  }
  graph.turn(turnId, pending.threadId, `the start of ${cellId}`);
  graph.pendingCells.delete(cellId);
  const cell: CodeCell = {
    code_cell_id: cellId,
    model_visible_call_id: callId,
    thread_id: pending.threadId,
    codex_turn_id: turnId,
    source_item_id: source.item.item_id,
    output_item_ids: [],
    runtime_cell_id: pending.runtimeCellId,
    execution: {
      started_at_unix_ms: pending.time,
      started_seq: pending.seq,
      ended_at_unix_ms: null,
      ended_seq: null,
      status: 'running',
    },
    runtime_status: 'starting',
    initial_response_at_unix_ms: null,
    initial_response_seq: null,
    initial_response_status: null,
    raw_initial_response_payload_id: null,
    raw_result_payload_id: null,
    yielded_at_unix_ms: null,
    yielded_seq: null,
    source_js: pending.source,
    // Calls made before the cell could be shown come in the order of their ids.
    nested_tool_call_ids: pending.nestedToolCallIds.sort(compareKeys),
    wait_tool_call_ids: [],
  };
  graph.cells.set(cellId, cell);
  graph.running(turnId).cells.add(cell);
  for (const record of thread.byCall.get(callId)?.outputs ?? []) {
    if (record.item.kind === 'custom_tool_call_output' && !record.linkedToCell) linkCellOutput(cell, record);
  }
  for (const respond of pending.responses) respond();
}

export function linkCellOutput(cell: CodeCell, record: ItemRecord): void {
  record.linkedToCell = true;
  cell.output_item_ids.push(record.item.item_id);
  addProducer(record.item, { type: 'code_cell', code_cell_id: cell.code_cell_id });
}

/** The `exec` calls of the model and the cells they started, as far as both are known. */
export function execCalls(graph: TraceGraph): Map<ToolCall, string> {
  const calls = new Map<ToolCall, string>();
  for (const cell of graph.cells.values()) {
    const tool = graph.toolsByCall.get(cell.model_visible_call_id);
    if (tool?.thread_id !== cell.thread_id || tool.requester.type !== 'model') continue;
    if (tool.kind.type === 'other' && tool.kind.name === 'exec') calls.set(tool, cell.code_cell_id);
  }
  return calls;
}

const executionStatus: Record<CellRuntimeStatus, ExecutionStatus> = {
  starting: 'running',
  running: 'running',
  yielded: 'running',
  completed: 'completed',
  failed: 'failed',
  terminated: 'cancelled',
};

export function cellResponded(graph: TraceGraph, event: TraceEvent, payload: CellResponse): void {
  const what = payload.type === 'code_cell_ended' ? 'the end' : 'the initial response';
  const threadId = graph.threadOfEvent(event);
  if (threadId === null) {
    throw new TraceProblem('NO_CONTEXT', `${what} of a cell has neither a thread nor a turn`);
  }
  const cellId = findCellId(graph, threadId, payload.runtime_cell_id);
  if (cellId === undefined) {
    throw new TraceProblem(
      'UNKNOWN_REFERENCE',
      `${what} names the runtime cell ${payload.runtime_cell_id} of thread ${threadId}, which was never started`,
    );
  }
  const { seq, wall_time_unix_ms: time } = event;
  const payloadId = payload.response_payload?.raw_payload_id ?? null;
  const apply = (): void => {
    const cell = graph.cells.get(cellId);
    if (cell === undefined) return;
    if (payload.type === 'code_cell_ended') endCell(graph, cell, payload.status, seq, time, payloadId);
    else initialResponse(cell, payload.status, seq, time, payloadId);
  };
  const pending = graph.pendingCells.get(cellId);
  if (pending === undefined) apply();
  else pending.responses.push(apply);
}

function initialResponse(
  cell: CodeCell,
  status: CellRuntimeStatus,
  seq: number,
  time: number,
  payloadId: string | null,
): void {
  if (cell.initial_response_status === null) {
    cell.initial_response_at_unix_ms = time;
    cell.initial_response_seq = seq;
    cell.initial_response_status = status;
  }
  cell.raw_initial_response_payload_id ??= payloadId;
  cell.runtime_status = status;
  if (status === 'yielded') {
    cell.yielded_at_unix_ms = time;
    cell.yielded_seq = seq;
  }
}

function endCell(
  graph: TraceGraph,
  cell: CodeCell,
  status: CellRuntimeStatus,
  seq: number,
  time: number,
  payloadId: string | null,
): void {
  if (cell.execution.ended_seq !== null) graph.warn('DUPLICATE_START', `${cell.code_cell_id} ended twice`);
  cell.initial_response_at_unix_ms ??= time;
  cell.initial_response_seq ??= seq;
  cell.raw_result_payload_id = payloadId;
  cell.runtime_status = status;
  cell.execution.ended_at_unix_ms = time;
  cell.execution.ended_seq = seq;
  cell.execution.status = executionStatus[status];
  if (cell.execution.status !== 'running') graph.running(cell.codex_turn_id).cells.delete(cell);
  else graph.running(cell.codex_turn_id).cells.add(cell);
}

/** Cells that a turn leaves behind end with it, unless the turn completed. */
export function closeCellsOfTurn(graph: TraceGraph, turnId: string, status: ExecutionStatus): void {
  if (status === 'completed' || status === 'running') return;
  const cells = graph.runningByTurn.get(turnId)?.cells;
  for (const cell of cells ?? []) {
    cell.initial_response_at_unix_ms ??= graph.location.time;
    cell.initial_response_seq ??= graph.location.seq;
    cell.runtime_status = status === 'failed' ? 'failed' : 'terminated';
    graph.closeWindow(cell.execution, status === 'failed' ? 'failed' : 'cancelled');
  }
  cells?.clear();
}
