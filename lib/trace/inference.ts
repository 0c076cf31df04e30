import { closeCellsOfTurn } from './code-cells.js';
import { currentHistory, reconcileAll, reconcileAppended, reconcileResponse } from './conversation.js';
import { TraceProblem } from './errors.js';
import type { EventOfType, TraceEvent } from './events.js';
import type { ThreadRecord, TraceGraph } from './graph.js';
import { normalizeItems } from './items.js';
import { compareKeys, isObject } from './json-text.js';
import type { ExecutionStatus, InferenceCall, PayloadReference, TokenUsage } from './state.js';

export function startInference(graph: TraceGraph, payload: EventOfType<'inference_started'>): void {
  const id = payload.inference_call_id;
  if (graph.inferences.has(id))
    throw new TraceProblem('DUPLICATE_START', `the inference ${id} was started twice`);
  const thread =
    graph.threads.get(payload.thread_id) ?? graph.thread(payload.thread_id, `the inference ${id}`);
  graph.turn(payload.codex_turn_id, payload.thread_id, `the inference ${id}`);
  const requestItems = graph.attempt(() => reduceRequest(graph, thread, payload)) ?? [];
  thread.replacement =
    thread.replacement === undefined || isIncremental.has(requestItems) ? thread.replacement : undefined;
  const call: InferenceCall = {
    inference_call_id: id,
    thread_id: payload.thread_id,
    codex_turn_id: payload.codex_turn_id,
    execution: graph.openWindow(),
    model: payload.model,
    provider_name: payload.provider_name,
    response_id: null,
    upstream_request_id: null,
    request_item_ids: requestItems,
    response_item_ids: [],
    tool_call_ids_started_by_response: [],
    usage: null,
    raw_request_payload_id: payload.request_payload.raw_payload_id,
    raw_response_payload_id: null,
  };
  graph.inferences.set(id, call);
  thread.latestInference = call;
  graph.running(payload.codex_turn_id).inferences.add(call);
}

/** Request lists that continue a response instead of repeating the history. */
const isIncremental = new WeakSet<string[]>();

function reduceRequest(
  graph: TraceGraph,
  thread: ThreadRecord,
  event: EventOfType<'inference_started'>,
): string[] {
  const reference = event.request_payload;
  const payload = graph.readPayload(reference);
  const input = isObject(payload.value) ? payload.value['input'] : undefined;
  if (!isObject(payload.value) || !Array.isArray(input)) {
    throw new TraceProblem('PAYLOAD', `the request payload ${reference.raw_payload_id} has no input`);
  }
  const items = normalizeItems(input, payload, reference, ['input'], noteIn(graph));
  const history = currentHistory(thread);
  const previousId = payload.value['previous_response_id'];
  if (typeof previousId === 'string') {
    const previous = findResponse(thread, previousId);
    if (previous !== undefined) {
      const prefix = [...previous.request_item_ids, ...previous.response_item_ids];
      const result = reconcileAppended(graph, thread, event.codex_turn_id, items, prefix, history);
      isIncremental.add(result);
      return result;
    }
    graph.problem(
      'PREVIOUS_RESPONSE',
      `the request of ${event.inference_call_id} continues the response ${previousId}, which is not in the trace`,
    );
  }
  return reconcileAll(graph, thread, event.codex_turn_id, items, thread.replacement ?? history);
}

/** In lenient mode an item that cannot be understood is noted and left out. */
export function noteIn(graph: TraceGraph): ((problem: TraceProblem) => void) | undefined {
  if (graph.strict) return undefined;
  return (problem) => graph.note('error', problem.problem, problem.message);
}

const endStatus: Record<'inference_completed' | 'inference_failed' | 'inference_cancelled', ExecutionStatus> =
  {
    inference_completed: 'completed',
    inference_failed: 'failed',
    inference_cancelled: 'cancelled',
  };

export function endInference(
  graph: TraceGraph,
  payload:
    EventOfType<'inference_completed'> | EventOfType<'inference_failed'> | EventOfType<'inference_cancelled'>,
): void {
  const call = graph.inferences.get(payload.inference_call_id);
  if (call === undefined) {
    throw new TraceProblem(
      'UNKNOWN_REFERENCE',
      `an end names the inference ${payload.inference_call_id}, which was never started`,
    );
  }
  const reference =
    payload.type === 'inference_completed' ? payload.response_payload : payload.partial_response_payload;
  if (reference !== null) graph.attempt(() => reduceResponse(graph, call, reference));
  if (payload.type === 'inference_completed') {
    call.response_id = payload.response_id;
    rememberResponse(graph, call);
  }
  call.upstream_request_id = payload.upstream_request_id ?? call.upstream_request_id;
  if (reference !== null) call.raw_response_payload_id = reference.raw_payload_id;
  const { execution } = call;
  // The first end counts, also when it was the end of the turn.
  if (execution.status !== 'running') return;
  graph.closeWindow(execution, endStatus[payload.type]);
  graph.running(call.codex_turn_id).inferences.delete(call);
}

function rememberResponse(graph: TraceGraph, call: InferenceCall): void {
  if (call.response_id === null) return;
  const thread = graph.threads.get(call.thread_id)!;
  const known = thread.byResponse.get(call.response_id);
  if (known === undefined) thread.byResponse.set(call.response_id, new Set([call]));
  else known.add(call);
}

/** When a provider gives one id to two responses, the format takes the inference with the smaller id. */
function findResponse(thread: ThreadRecord, responseId: string): InferenceCall | undefined {
  let found: InferenceCall | undefined;
  for (const call of thread.byResponse.get(responseId) ?? []) {
    if (call.response_id !== responseId) continue;
    if (found === undefined || compareKeys(call.inference_call_id, found.inference_call_id) < 0) found = call;
  }
  return found;
}

function reduceResponse(graph: TraceGraph, call: InferenceCall, reference: PayloadReference): void {
  const payload = graph.readPayload(reference);
  const output = isObject(payload.value) ? payload.value['output_items'] : undefined;
  if (!isObject(payload.value) || !Array.isArray(output)) {
    throw new TraceProblem('PAYLOAD', `the response payload ${reference.raw_payload_id} has no output_items`);
  }
  const thread = graph.threads.get(call.thread_id)!;
  const items = normalizeItems(output, payload, reference, ['output_items'], noteIn(graph));
  call.response_item_ids = reconcileResponse(graph, thread, call.codex_turn_id, items, {
    type: 'inference',
    inference_call_id: call.inference_call_id,
  });
  for (const id of call.response_item_ids) {
    let holders = graph.responsesByItem.get(id);
    if (holders === undefined) graph.responsesByItem.set(id, (holders = new Set()));
    holders.add(call);
  }
  const usage = readUsage(payload.value['token_usage']);
  if (usage !== null) call.usage = usage;
}

function readUsage(value: unknown): TokenUsage | null {
  if (!isObject(value)) return null;
  const count = (name: string): number | null => {
    const member = value[name];
    return typeof member === 'number' && Number.isInteger(member) ? Math.max(0, member) : null;
  };
  const input = count('input_tokens');
  const cached = count('cached_input_tokens');
  const output = count('output_tokens');
  const reasoning = count('reasoning_output_tokens');
  if (input === null || cached === null || output === null || reasoning === null) return null;
  return {
    input_tokens: input,
    cached_input_tokens: cached,
    cache_write_input_tokens: count('cache_write_input_tokens') ?? 0,
    output_tokens: output,
    reasoning_output_tokens: reasoning,
  };
}

const statusAtTurnEnd: Partial<Record<ExecutionStatus, ExecutionStatus>> = {
  completed: 'cancelled',
  cancelled: 'cancelled',
  failed: 'failed',
  aborted: 'aborted',
};

/** Inferences that a turn leaves behind end with it. */
export function closeInferencesOfTurn(graph: TraceGraph, turnId: string, status: ExecutionStatus): void {
  const closed = statusAtTurnEnd[status];
  if (closed === undefined) return;
  const inferences = graph.runningByTurn.get(turnId)?.inferences;
  for (const call of inferences ?? []) graph.closeWindow(call.execution, closed);
  inferences?.clear();
}

export function endTurn(
  graph: TraceGraph,
  event: TraceEvent,
  payload: EventOfType<'codex_turn_ended'>,
): void {
  const turn = graph.turns.get(payload.codex_turn_id);
  if (turn === undefined) {
    throw new TraceProblem(
      'UNKNOWN_REFERENCE',
      `an end names the turn ${payload.codex_turn_id}, which was never started`,
    );
  }
  if (event.thread_id !== null && event.thread_id !== turn.thread_id) {
    graph.problem(
      'THREAD_MISMATCH',
      `the end of turn ${turn.codex_turn_id} names the thread ${event.thread_id} instead of ${turn.thread_id}`,
    );
  }
  if (turn.execution.ended_seq !== null)
    graph.warn('DUPLICATE_START', `the turn ${turn.codex_turn_id} ended twice`);
  graph.closeWindow(turn.execution, payload.status);
  closeCellsOfTurn(graph, turn.codex_turn_id, payload.status);
  closeInferencesOfTurn(graph, turn.codex_turn_id, payload.status);
}
