import { nearestName } from '../../suggest.js';
import type { TraceState } from '../state.js';

export type EntityKind =
  | 'tool_call'
  | 'code_cell'
  | 'inference'
  | 'item'
  | 'turn'
  | 'thread'
  | 'terminal'
  | 'terminal_operation'
  | 'compaction'
  | 'compaction_request'
  | 'interaction'
  | 'payload';

/** Something of the graph that has an id. */
export interface TraceEntity {
  kind: EntityKind;
  id: string;
}

/** Where each kind lies in the state. Of ids that two kinds share, the first kind here is meant. */
const places: readonly (readonly [EntityKind, keyof TraceState])[] = [
  ['tool_call', 'tool_calls'],
  ['code_cell', 'code_cells'],
  ['inference', 'inference_calls'],
  ['item', 'conversation_items'],
  ['turn', 'codex_turns'],
  ['thread', 'threads'],
  ['terminal', 'terminal_sessions'],
  ['terminal_operation', 'terminal_operations'],
  ['compaction', 'compactions'],
  ['compaction_request', 'compaction_requests'],
  ['interaction', 'interaction_edges'],
  ['payload', 'raw_payloads'],
];

/** The shortest beginning of an id that stands for it. */
const MIN_PREFIX = 4;

/** Every id of the graph with what it is. */
export function* entitiesOf(state: TraceState): Generator<TraceEntity> {
  for (const [kind, place] of places) {
    for (const id of Object.keys(state[place] as object)) yield { kind, id };
  }
}

/**
 * What of the graph a text names: an id, another name of it (the model's call id, the provider's ids of items and
 * responses, the runtime's ids of cells and nested calls, the id of an MCP call), or the beginning of an id, of four
 * characters at least. Several when the text is ambiguous, none when nothing has that name.
 */
export function findEntities(state: TraceState, name: string): TraceEntity[] {
  for (const [kind, place] of places) {
    if (Object.hasOwn(state[place] as object, name)) return [{ kind, id: name }];
  }
  for (const found of otherNames(state, name)) if (found.length > 0) return found;
  if (name.length < MIN_PREFIX) return [];
  return [...entitiesOf(state)].filter(({ id }) => id.startsWith(name));
}

/** Ids like a text that names nothing, the nearest first; at most five. */
export function nearIds(state: TraceState, name: string): string[] {
  const ids = [...new Set([...entitiesOf(state)].map(({ id }) => id))];
  const holding = name.length < 3 ? [] : ids.filter((id) => id.includes(name));
  const near = nearestName(name, ids);
  return [...new Set([...(near === undefined ? [] : [near]), ...holding])].slice(0, 5);
}

/** By kind of name, in the order in which they are tried. */
function* otherNames(state: TraceState, name: string): Generator<TraceEntity[]> {
  const tools = Object.values(state.tool_calls);
  const toolsWith = (test: (tool: (typeof tools)[number]) => boolean): TraceEntity[] =>
    tools.filter(test).map((tool) => ({ kind: 'tool_call', id: tool.tool_call_id }));
  yield toolsWith((tool) => tool.model_visible_call_id === name);
  const items = Object.values(state.conversation_items);
  const itemsWith = (test: (item: (typeof items)[number]) => boolean): TraceEntity[] =>
    items.filter(test).map((item) => ({ kind: 'item', id: item.item_id }));
  yield itemsWith((item) => item.call_id === name && item.role === 'assistant');
  yield itemsWith((item) => item.call_id === name);
  yield itemsWith((item) => item.responses_item_id === name);
  yield Object.values(state.inference_calls)
    .filter((call) => call.response_id === name || call.upstream_request_id === name)
    .map((call) => ({ kind: 'inference', id: call.inference_call_id }));
  yield toolsWith((tool) => tool.mcp_call_id === name);
  yield toolsWith((tool) => tool.code_mode_runtime_tool_id === name);
  const runtimeId = name.replace(/^cell[ :]/, '');
  yield Object.values(state.code_cells)
    .filter((cell) => cell.runtime_cell_id === runtimeId)
    .map((cell) => ({ kind: 'code_cell', id: cell.code_cell_id }));
  yield Object.values(state.raw_payloads)
    .filter((payload) => payload.path === name)
    .map((payload) => ({ kind: 'payload', id: payload.raw_payload_id }));
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/**
 * For each id of the graph the shortest beginning that names it alone, with eight digits of its UUID at least. Ids
 * without a UUID stay whole.
 */
export function shortIds(state: TraceState): Map<string, string> {
  const ids = [...new Set([...entitiesOf(state)].map(({ id }) => id))].sort();
  return new Map(
    ids.map((id, index) => {
      const start = uuid.exec(id)?.index;
      if (start === undefined) return [id, id];
      const shared = Math.max(sharedLength(id, ids[index - 1]), sharedLength(id, ids[index + 1]));
      const length = Math.max(start + 8, shared + 1);
      // A cut does not end with a separator.
      return [id, id.slice(0, id[length - 1] === '-' ? length + 1 : length)];
    }),
  );
}

function sharedLength(a: string, b: string | undefined): number {
  if (b === undefined) return 0;
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}
