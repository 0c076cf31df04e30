import type { ConversationItem, TraceState } from '../state.js';
import type { TraceEntity } from './entities.js';
import { itemText } from './payload-content.js';
import { toolDetail, toolName } from './tool-names.js';

/** A payload file that tells more. */
export interface PayloadPlace {
  /** What it holds: `request`, `result`, ... */
  role: string;
  rawPayloadId: string;
  /** Relative to the bundle. */
  path: string;
}

export interface EntityDescription {
  /** A few words: `model call of gpt-5`, `cell 1`. */
  title: string;
  /** What it says or does: a text, a source, a command. May have many lines. Null when nothing is known. */
  detail: string | null;
  /** Unix milliseconds, or null when the trace does not tell. */
  atMs: number | null;
  /** `seq` of the event by which it started or was taken into the history, or null when the trace does not tell. */
  seq: number | null;
  status: string | null;
  payloads: PayloadPlace[];
}

/** Says what something of the graph is. What the state does not hold is described as unknown. */
export function describeEntity(state: TraceState, entity: TraceEntity): EntityDescription {
  return describeKnown(state, entity) ?? { ...nothing, title: `unknown ${entity.kind.replaceAll('_', ' ')}` };
}

const nothing = { detail: null, atMs: null, seq: null, status: null, payloads: [] };

function describeKnown(state: TraceState, { kind, id }: TraceEntity): EntityDescription | undefined {
  switch (kind) {
    case 'tool_call': {
      const call = state.tool_calls[id];
      if (call === undefined) return undefined;
      const payloads = placesOf(state, [
        ['input', call.raw_invocation_payload_id],
        ['result', call.raw_result_payload_id],
        ...call.raw_runtime_payload_ids.map((payloadId) => ['runtime', payloadId] as const),
      ]);
      const nested = call.requester.type === 'code_cell' ? 'nested call' : 'call';
      return {
        title: `${nested} of ${toolName(call)}`,
        detail: toolDetail(state, call),
        ...started(call.execution),
        payloads,
      };
    }
    case 'code_cell': {
      const cell = state.code_cells[id];
      if (cell === undefined) return undefined;
      return {
        title: cell.runtime_cell_id === null ? 'cell' : `cell ${cell.runtime_cell_id}`,
        detail: cell.source_js,
        ...started(cell.execution),
        status: cell.runtime_status,
        payloads: placesOf(state, [
          ['first response', cell.raw_initial_response_payload_id],
          ['end', cell.raw_result_payload_id],
        ]),
      };
    }
    case 'inference': {
      const call = state.inference_calls[id];
      if (call === undefined) return undefined;
      return {
        title: `model call of ${call.model}`,
        detail: state.extensions?.inference_errors[id] ?? null,
        ...started(call.execution),
        payloads: placesOf(state, [
          ['request', call.raw_request_payload_id],
          ['response', call.raw_response_payload_id],
        ]),
      };
    }
    case 'item': {
      const item = state.conversation_items[id];
      return item === undefined ? undefined : describeItem(state, item);
    }
    case 'turn': {
      const turn = state.codex_turns[id];
      return turn && { ...nothing, title: 'turn', ...started(turn.execution) };
    }
    case 'thread': {
      const thread = state.threads[id];
      if (thread === undefined) return undefined;
      return {
        ...nothing,
        title: thread.agent_path === '' ? 'thread' : `thread ${thread.agent_path}`,
        ...started(thread.execution),
      };
    }
    default:
      return describeOther(state, { kind, id });
  }
}

function describeOther(state: TraceState, { kind, id }: TraceEntity): EntityDescription | undefined {
  switch (kind) {
    case 'terminal': {
      const session = state.terminal_sessions[id];
      return session && { ...nothing, title: 'terminal', ...started(session.execution) };
    }
    case 'terminal_operation': {
      const operation = state.terminal_operations[id];
      if (operation === undefined) return undefined;
      const { request } = operation;
      return {
        title: operation.kind === 'exec_command' ? 'command' : 'input to a terminal',
        detail: request.type === 'exec_command' ? request.display_command : JSON.stringify(request.stdin),
        ...started(operation.execution),
        payloads: placesOf(
          state,
          operation.raw_payload_ids.map((payloadId) => ['payload', payloadId]),
        ),
      };
    }
    case 'compaction': {
      const compaction = state.compactions[id];
      if (compaction === undefined) return undefined;
      const sizes = [compaction.input_item_ids.length, compaction.replacement_item_ids.length];
      return {
        ...nothing,
        title: 'compaction',
        detail: `${sizes[0]} items became ${sizes[1]}`,
        atMs: compaction.installed_at_unix_ms,
      };
    }
    case 'compaction_request': {
      const request = state.compaction_requests[id];
      if (request === undefined) return undefined;
      return {
        title: `compaction request to ${request.model}`,
        detail: state.extensions?.compaction_errors[id] ?? null,
        ...started(request.execution),
        payloads: placesOf(state, [
          ['request', request.raw_request_payload_id],
          ['response', request.raw_response_payload_id],
        ]),
      };
    }
    case 'interaction': {
      const edge = state.interaction_edges[id];
      if (edge === undefined) return undefined;
      return {
        ...nothing,
        title: edge.kind.replaceAll('_', ' '),
        atMs: edge.started_at_unix_ms,
        payloads: placesOf(
          state,
          edge.carried_raw_payload_ids.map((payloadId) => ['carried', payloadId]),
        ),
      };
    }
    case 'payload': {
      const payload = state.raw_payloads[id];
      if (payload === undefined) return undefined;
      return {
        ...nothing,
        title: `payload: ${payload.kind.type.replaceAll('_', ' ')}`,
        payloads: [{ role: 'payload', rawPayloadId: id, path: payload.path }],
      };
    }
    default:
      return undefined;
  }
}

function started({
  started_at_unix_ms: atMs,
  started_seq: seq,
  status,
}: {
  started_at_unix_ms: number;
  started_seq: number;
  status: string;
}): { atMs: number; seq: number; status: string } {
  return { atMs, seq, status };
}

function describeItem(state: TraceState, item: ConversationItem): EntityDescription {
  const text = itemText(item);
  return {
    title: itemTitle(item),
    detail: text === '' ? null : text,
    atMs: item.accepted_at_unix_ms ?? item.first_seen_at_unix_ms,
    seq: itemSeq(state, item),
    status: null,
    payloads: itemPayloads(state, item),
  };
}

function itemTitle(item: ConversationItem): string {
  switch (item.kind) {
    case 'message':
      if (item.agent_message !== undefined) return `message from ${item.agent_message.author}`;
      return `${item.role} message`;
    case 'reasoning':
      return 'reasoning';
    case 'function_call':
    case 'custom_tool_call':
      return item.call_id === null ? 'call' : `call ${item.call_id}`;
    case 'function_call_output':
    case 'custom_tool_call_output':
      return item.call_id === null ? 'output' : `output for ${item.call_id}`;
    case 'compaction_marker':
      return 'compaction marker';
  }
}

/** When an item became part of the conversation; null when the trace does not tell. */
export function itemSeq(state: TraceState, item: ConversationItem): number | null {
  if (item.accepted_seq !== undefined) return item.accepted_seq;
  for (const producer of item.produced_by) {
    if (producer.type === 'inference') {
      return state.inference_calls[producer.inference_call_id]?.execution.ended_seq ?? null;
    }
    if (producer.type === 'tool') {
      return state.tool_calls[producer.tool_call_id]?.execution.ended_seq ?? null;
    }
  }
  return null;
}

function itemPayloads(state: TraceState, item: ConversationItem): PayloadPlace[] {
  const places: (readonly [string, string | null | undefined])[] = item.body.parts.flatMap((part) =>
    part.type === 'json' || part.type === 'payload_ref' ? [['seen in', part.raw_payload_id] as const] : [],
  );
  for (const producer of item.produced_by) {
    if (producer.type === 'inference') {
      places.push(['response', state.inference_calls[producer.inference_call_id]?.raw_response_payload_id]);
    } else if (producer.type === 'tool') {
      places.push(['result', state.tool_calls[producer.tool_call_id]?.raw_result_payload_id]);
    }
  }
  return placesOf(state, places);
}

function placesOf(
  state: TraceState,
  ids: readonly (readonly [role: string, id: string | null | undefined])[],
): PayloadPlace[] {
  const places = new Map<string, PayloadPlace>();
  for (const [role, rawPayloadId] of ids) {
    const path = rawPayloadId == null ? undefined : state.raw_payloads[rawPayloadId]?.path;
    if (rawPayloadId == null || path === undefined || places.has(rawPayloadId)) continue;
    places.set(rawPayloadId, { role, rawPayloadId, path });
  }
  return [...places.values()];
}
