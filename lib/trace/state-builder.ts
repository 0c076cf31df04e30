import type { targetedEdge as buildEdge } from './agents.js';
import { execCalls } from './code-cells.js';
import { TraceProblem } from './errors.js';
import type { ExtensionCollector } from './extensions.js';
import type { TraceGraph } from './graph.js';
import { compareKeys } from './json-text.js';
import type { ConversationItem, InteractionEdge, ToolCall, TraceState } from './state.js';

/** A record without a prototype, so that any id is a plain key. Keys are in the order of their bytes. */
function toRecord<Value, Entry>(
  map: ReadonlyMap<string, Value>,
  copy: (value: Value) => Entry,
): Record<string, Entry> {
  const record = Object.create(null) as Record<string, Entry>;
  for (const key of [...map.keys()].sort(compareKeys)) record[key] = copy(map.get(key)!);
  return record;
}

/** A copy of plain data; what the caller does to it cannot reach the reducer. */
function copyOf<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as Value;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) copy[name] = copyOf((value as Record<string, unknown>)[name]);
  return copy as Value;
}

const itemMembers: readonly (keyof ConversationItem)[] = [
  'item_id',
  'responses_item_id',
  'accepted_at_unix_ms',
  'accepted_seq',
  'thread_id',
  'codex_turn_id',
  'first_seen_at_unix_ms',
  'role',
  'channel',
  'kind',
  'agent_message',
  'body',
  'call_id',
  'produced_by',
];

const toolMembers: readonly (keyof ToolCall)[] = [
  'tool_call_id',
  'mcp_call_id',
  'model_visible_call_id',
  'code_mode_runtime_tool_id',
  'started_code_cell_id',
  'thread_id',
  'started_by_codex_turn_id',
  'execution',
  'requester',
  'kind',
  'model_visible_call_item_ids',
  'model_visible_output_item_ids',
  'terminal_operation_id',
  'summary',
  'raw_invocation_payload_id',
  'raw_result_payload_id',
  'raw_runtime_payload_ids',
];

/** Copies the members that are there, in the order of the format. */
function inOrder<Value extends object>(value: Value, members: readonly (keyof Value)[]): Value {
  const copy: Partial<Value> = {};
  for (const name of members) if (value[name] !== undefined) copy[name] = copyOf(value[name]);
  return copy as Value;
}

/** The graph as plain data. Nothing of it is shared with the reducer. */
export function buildState(
  graph: TraceGraph,
  targetedEdge: typeof buildEdge,
  extensions: ExtensionCollector | undefined,
): TraceState {
  const edges = new Map(graph.edges);
  const started = execCalls(graph);
  const unresolved: string[] = [];
  for (const [id, pending] of graph.pendingEdges) {
    // A child that never showed its task is still known to have been spawned.
    if (pending.edge.kind !== 'spawn_agent' || !graph.threads.has(pending.targetThreadId)) {
      unresolved.push(id);
      continue;
    }
    addFallback(
      graph,
      edges,
      targetedEdge(pending, { type: 'thread', thread_id: pending.targetThreadId }, []),
    );
  }
  const state: TraceState = {
    schema_version: 2,
    trace_id: graph.traceId,
    rollout_id: graph.rolloutId,
    started_at_unix_ms: graph.startedAt,
    ended_at_unix_ms: graph.endedAt,
    status: graph.status,
    recording_complete: graph.recordingCompleted,
    root_thread_id: graph.rootThreadId,
    threads: toRecord(graph.threads, ({ thread, items }) => ({
      ...copyOf(thread),
      conversation_item_ids: items.filter((record) => record.listed).map((record) => record.item.item_id),
    })),
    codex_turns: toRecord(graph.turns, copyOf),
    conversation_items: toRecord(graph.items, (record) => inOrder(record.item, itemMembers)),
    inference_calls: toRecord(graph.inferences, copyOf),
    code_cells: toRecord(graph.cells, copyOf),
    tool_calls: toRecord(graph.tools, (tool) => {
      const cellId = started.get(tool);
      return inOrder(cellId === undefined ? tool : { ...tool, started_code_cell_id: cellId }, toolMembers);
    }),
    terminal_sessions: toRecord(graph.terminalSessions, copyOf),
    terminal_operations: toRecord(graph.terminalOperations, copyOf),
    compactions: toRecord(graph.compactions, copyOf),
    compaction_requests: toRecord(graph.compactionRequests, copyOf),
    interaction_edges: toRecord(edges, copyOf),
    raw_payloads: toRecord(graph.payloads, copyOf),
  };
  if (extensions !== undefined) state.extensions = extensions.build(state, unresolved);
  return state;
}

function addFallback(graph: TraceGraph, edges: Map<string, InteractionEdge>, edge: InteractionEdge): void {
  const known = edges.get(edge.edge_id);
  if (known === undefined) {
    edges.set(edge.edge_id, edge);
  } else if (known.target.type !== 'thread') {
    if (graph.strict) {
      throw new TraceProblem(
        'EDGE_CONFLICT',
        `the interaction ${edge.edge_id} was observed between other ends before`,
      );
    }
  }
}
