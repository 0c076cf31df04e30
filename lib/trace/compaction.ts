import { createItem, currentHistory, reconcileAll } from './conversation.js';
import { TraceProblem } from './errors.js';
import type { EventOfType, TraceEvent } from './events.js';
import type { TraceGraph } from './graph.js';
import { noteIn } from './inference.js';
import { normalizeItems } from './items.js';
import { compareKeys, isObject } from './json-text.js';

export function startCompactionRequest(
  graph: TraceGraph,
  payload: EventOfType<'compaction_request_started'>,
): void {
  const id = payload.compaction_request_id;
  if (graph.compactionRequests.has(id)) {
    throw new TraceProblem('DUPLICATE_START', `the compaction request ${id} was started twice`);
  }
  graph.thread(payload.thread_id, `the compaction request ${id}`);
  graph.turn(payload.codex_turn_id, payload.thread_id, `the compaction request ${id}`);
  graph.compactionRequests.set(id, {
    compaction_request_id: id,
    compaction_id: payload.compaction_id,
    thread_id: payload.thread_id,
    codex_turn_id: payload.codex_turn_id,
    execution: graph.openWindow(),
    model: payload.model,
    provider_name: payload.provider_name,
    raw_request_payload_id: payload.request_payload.raw_payload_id,
    raw_response_payload_id: null,
  });
  const requests = graph.requestsByCompaction.get(payload.compaction_id);
  if (requests === undefined) graph.requestsByCompaction.set(payload.compaction_id, [id]);
  else requests.push(id);
}

export function endCompactionRequest(
  graph: TraceGraph,
  payload: EventOfType<'compaction_request_completed'> | EventOfType<'compaction_request_failed'>,
): void {
  const request = graph.compactionRequests.get(payload.compaction_request_id);
  if (request === undefined) {
    throw new TraceProblem(
      'UNKNOWN_REFERENCE',
      `an end names the compaction request ${payload.compaction_request_id}, which was never started`,
    );
  }
  if (request.compaction_id !== payload.compaction_id) {
    graph.problem(
      'UNKNOWN_REFERENCE',
      `the compaction request ${payload.compaction_request_id} belongs to ${request.compaction_id}, not to ${payload.compaction_id}`,
    );
  }
  const completed = payload.type === 'compaction_request_completed';
  request.raw_response_payload_id = completed ? payload.response_payload.raw_payload_id : null;
  graph.closeWindow(request.execution, completed ? 'completed' : 'failed');
}

/** The history of a thread is replaced; what replaces it is new, even where it repeats. */
export function installCompaction(
  graph: TraceGraph,
  event: TraceEvent,
  payload: EventOfType<'compaction_installed'>,
): void {
  const id = payload.compaction_id;
  const { thread_id: threadId, codex_turn_id: turnId } = event;
  if (threadId === null || turnId === null) {
    throw new TraceProblem(
      'NO_CONTEXT',
      `the compaction ${id} has no ${threadId === null ? 'thread' : 'turn'}`,
    );
  }
  if (graph.compactions.has(id))
    throw new TraceProblem('DUPLICATE_START', `the compaction ${id} was installed twice`);
  const thread = graph.thread(threadId, `the compaction ${id}`);
  graph.turn(turnId, threadId, `the compaction ${id}`);
  const reference = payload.checkpoint_payload;
  const checkpoint = graph.readPayload(reference);
  const read = (name: 'input_history' | 'replacement_history') => {
    const list = isObject(checkpoint.value) ? checkpoint.value[name] : undefined;
    if (!Array.isArray(list)) {
      throw new TraceProblem('PAYLOAD', `the checkpoint ${reference.raw_payload_id} has no ${name}`);
    }
    return () => normalizeItems(list, checkpoint, reference, [name], noteIn(graph));
  };
  const input = read('input_history');
  const replacement = read('replacement_history');
  const inputIds = reconcileAll(graph, thread, turnId, input(), currentHistory(thread));
  const producer = { type: 'compaction', compaction_id: id } as const;
  const create = (item: Parameters<typeof createItem>[3]): string =>
    createItem(graph, thread, turnId, item, [producer], true).item.item_id;
  const marker = create({
    providerId: null,
    role: 'assistant',
    channel: null,
    kind: 'compaction_marker',
    agentMessage: null,
    parts: [],
    callId: null,
    keys: [`compaction_marker ${id}`],
  });
  const replacementIds = replacement().map(create);
  thread.replacement = replacementIds;
  graph.compactions.set(id, {
    compaction_id: id,
    thread_id: threadId,
    codex_turn_id: turnId,
    installed_at_unix_ms: graph.location.time,
    marker_item_id: marker,
    request_ids: [...(graph.requestsByCompaction.get(id) ?? [])].sort(compareKeys),
    input_item_ids: inputIds,
    replacement_item_ids: replacementIds,
  });
}
