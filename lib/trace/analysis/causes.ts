import type { ConversationItem, ToolCall, TraceState } from '../state.js';
import { CallCauses, inferenceProducerOf } from './call-causes.js';
import { describeEntity, type EntityDescription } from './descriptions.js';
import type { TraceEntity } from './entities.js';

/** How something is related to another thing: `<this> <relation> <entity>`. */
export interface CausalRelation {
  relation: string;
  entity: TraceEntity;
}

export interface CausalHop extends EntityDescription {
  entity: TraceEntity;
  /** How this came out of the next hop; null for the last. */
  cause: string | null;
  /** What else it has to do with. */
  also: CausalRelation[];
}

export interface CausalChain {
  /** From what was asked about to what it goes back to; at least one. */
  hops: CausalHop[];
  /**
   * Where the chain ends: at the call of the model that caused it; at something from outside (a user's message, the
   * session's start); or where the trace tells no more.
   */
  end: 'model_call' | 'outside' | 'unknown';
}

interface Step {
  relation: string;
  entity: TraceEntity;
}

/** Follows something of the graph back to what caused it. */
export function causalChain(state: TraceState, entity: TraceEntity): CausalChain {
  const causes = new CallCauses(state);
  const hops: CausalHop[] = [];
  const seen = new Set<string>();
  let at: TraceEntity | undefined = entity;
  let from: TraceEntity | undefined;
  while (at !== undefined && !seen.has(`${at.kind}:${at.id}`)) {
    seen.add(`${at.kind}:${at.id}`);
    const step = nextStep(state, causes, at, from);
    const known = step !== undefined && !seen.has(`${step.entity.kind}:${step.entity.id}`) ? step : undefined;
    hops.push({
      ...describeEntity(state, at),
      entity: at,
      cause: known?.relation ?? null,
      also: alsoOf(state, causes, at, known?.entity),
    });
    from = at;
    at = known?.entity;
  }
  return { hops, end: endOf(state, hops.at(-1)!.entity) };
}

function endOf(state: TraceState, { kind, id }: TraceEntity): CausalChain['end'] {
  if (kind === 'inference') return 'model_call';
  if (kind === 'thread') return state.threads[id]?.origin.type === 'root' ? 'outside' : 'unknown';
  if (kind !== 'item') return 'unknown';
  const item = state.conversation_items[id];
  const fromOutside = item !== undefined && item.call_id === null && item.role !== 'assistant';
  return fromOutside ? 'outside' : 'unknown';
}

function nextStep(
  state: TraceState,
  causes: CallCauses,
  { kind, id }: TraceEntity,
  from: TraceEntity | undefined,
): Step | undefined {
  switch (kind) {
    case 'item':
      return itemStep(state, state.conversation_items[id]);
    case 'tool_call':
      return toolStep(state, causes, state.tool_calls[id], from?.kind === 'item');
    case 'code_cell': {
      const execId = causes.execOf(id);
      if (execId !== undefined) return step('was started by', 'tool_call', execId);
      const sourceId = state.code_cells[id]?.source_item_id;
      return sourceId === undefined ? undefined : step('was started by', 'item', sourceId);
    }
    case 'turn':
      return turnStep(state, id);
    case 'thread': {
      const origin = state.threads[id]?.origin;
      if (origin?.type !== 'spawned') return undefined;
      return Object.hasOwn(state.interaction_edges, origin.spawn_edge_id)
        ? step('was spawned by', 'interaction', origin.spawn_edge_id)
        : step('was spawned in', 'thread', origin.parent_thread_id);
    }
    case 'terminal': {
      const operationId = state.terminal_sessions[id]?.created_by_operation_id;
      return operationId === undefined ? undefined : step('was opened by', 'terminal_operation', operationId);
    }
    case 'terminal_operation': {
      const toolId = state.terminal_operations[id]?.tool_call_id;
      return toolId === undefined ? undefined : step('was run by', 'tool_call', toolId);
    }
    case 'compaction':
      return inTurn(state.compactions[id]?.codex_turn_id);
    case 'compaction_request':
      return inTurn(state.compaction_requests[id]?.codex_turn_id);
    case 'interaction': {
      const source = state.interaction_edges[id]?.source;
      if (source?.type === 'tool_call') return step('was sent by', 'tool_call', source.tool_call_id);
      if (source?.type === 'conversation_item') return step('was sent as', 'item', source.item_id);
      return source === undefined ? undefined : step('was sent by', 'thread', source.thread_id);
    }
    case 'payload':
      return payloadStep(state, id);
    case 'inference':
      return undefined;
  }
}

function step(relation: string, kind: TraceEntity['kind'], id: string): Step {
  return { relation, entity: { kind, id } };
}

function inTurn(turnId: string | undefined): Step | undefined {
  return turnId === undefined ? undefined : step('happened in', 'turn', turnId);
}

function itemStep(state: TraceState, item: ConversationItem | undefined): Step | undefined {
  if (item === undefined) return undefined;
  for (const edge of Object.values(state.interaction_edges)) {
    if (edge.target.type === 'conversation_item' && edge.target.item_id === item.item_id) {
      return step('was brought by', 'interaction', edge.edge_id);
    }
  }
  const producers = item.produced_by;
  const cell = producers.find((producer) => producer.type === 'code_cell');
  if (cell !== undefined) return step('is output of', 'code_cell', cell.code_cell_id);
  const tool = producers.find((producer) => producer.type === 'tool');
  if (tool !== undefined) return step('is output of', 'tool_call', tool.tool_call_id);
  const inferenceId = inferenceProducerOf(item);
  if (inferenceId !== undefined) return step('was written by', 'inference', inferenceId);
  const compaction = producers.find((producer) => producer.type === 'compaction');
  if (compaction !== undefined) return step('was put in place by', 'compaction', compaction.compaction_id);
  if (item.call_id === null || item.role !== 'tool') return undefined;
  // An answer to a call of which no tool call was recorded.
  const call = Object.values(state.conversation_items).find(
    (other) =>
      other.thread_id === item.thread_id && other.call_id === item.call_id && other.role === 'assistant',
  );
  return call === undefined ? undefined : step('answers', 'item', call.item_id);
}

function toolStep(
  state: TraceState,
  causes: CallCauses,
  call: ToolCall | undefined,
  forItsOutput: boolean,
): Step | undefined {
  if (call === undefined) return undefined;
  if (call.requester.type === 'code_cell') {
    if (Object.hasOwn(state.code_cells, call.requester.code_cell_id)) {
      return step('was called by', 'code_cell', call.requester.code_cell_id);
    }
    return inTurn(call.started_by_codex_turn_id ?? undefined);
  }
  const [observed] = causes.waitsOn(call.tool_call_id);
  if (forItsOutput && observed !== undefined) {
    return step('handed over output of', 'code_cell', observed.cellId);
  }
  const [itemId] = call.model_visible_call_item_ids;
  if (itemId !== undefined) return step('was asked for by', 'item', itemId);
  const inferenceId = causes.inferenceOfCall(call);
  if (inferenceId !== undefined) return step('was asked for by', 'inference', inferenceId);
  return inTurn(call.started_by_codex_turn_id ?? undefined);
}

function turnStep(state: TraceState, turnId: string): Step | undefined {
  const turn = state.codex_turns[turnId];
  if (turn === undefined) return undefined;
  const input = Object.values(state.conversation_items)
    .filter((item) => item.codex_turn_id === turnId && item.role === 'user' && item.produced_by.length === 0)
    .toSorted((a, b) => (a.accepted_seq ?? Infinity) - (b.accepted_seq ?? Infinity))[0];
  if (input !== undefined) return step('answers', 'item', input.item_id);
  return step('belongs to', 'thread', turn.thread_id);
}

function payloadStep(state: TraceState, id: string): Step | undefined {
  for (const tool of Object.values(state.tool_calls)) {
    if (tool.raw_invocation_payload_id === id) return step('is the input of', 'tool_call', tool.tool_call_id);
    if (tool.raw_result_payload_id === id) return step('is the result of', 'tool_call', tool.tool_call_id);
    if (tool.raw_runtime_payload_ids.includes(id)) return step('tells of', 'tool_call', tool.tool_call_id);
  }
  for (const cell of Object.values(state.code_cells)) {
    if (cell.raw_result_payload_id === id || cell.raw_initial_response_payload_id === id) {
      return step('is a response of', 'code_cell', cell.code_cell_id);
    }
  }
  for (const call of Object.values(state.inference_calls)) {
    if (call.raw_request_payload_id === id)
      return step('is the request of', 'inference', call.inference_call_id);
    if (call.raw_response_payload_id === id)
      return step('is the response of', 'inference', call.inference_call_id);
  }
  for (const request of Object.values(state.compaction_requests)) {
    if (request.raw_request_payload_id === id || request.raw_response_payload_id === id) {
      return step('belongs to', 'compaction_request', request.compaction_request_id);
    }
  }
  for (const edge of Object.values(state.interaction_edges)) {
    if (edge.carried_raw_payload_ids.includes(id)) return step('was carried by', 'interaction', edge.edge_id);
  }
  return undefined;
}

/** Relations beside the chain; `next` is told by the chain. */
function alsoOf(
  state: TraceState,
  causes: CallCauses,
  { kind, id }: TraceEntity,
  next: TraceEntity | undefined,
): CausalRelation[] {
  const also: CausalRelation[] = [];
  const call = kind === 'tool_call' ? state.tool_calls[id] : undefined;
  if (call !== undefined) {
    const inferenceId = causes.inferenceOfCall(call);
    if (next?.kind === 'code_cell' && inferenceId !== undefined) {
      also.push({ relation: 'was asked for by', entity: { kind: 'inference', id: inferenceId } });
    }
    for (const { cellId, terminate } of causes.waitsOn(id)) {
      if (next?.id === cellId) continue;
      also.push({
        relation: terminate ? 'terminates' : 'waits on',
        entity: { kind: 'code_cell', id: cellId },
      });
    }
  }
  const inference = kind === 'inference' ? state.inference_calls[id] : undefined;
  if (inference !== undefined) {
    const newest = inference.request_item_ids.at(-1);
    if (newest !== undefined) also.push({ relation: 'answers', entity: { kind: 'item', id: newest } });
    also.push({ relation: 'is part of', entity: { kind: 'turn', id: inference.codex_turn_id } });
  }
  return also;
}
