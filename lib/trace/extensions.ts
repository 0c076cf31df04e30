import { findCellId } from './code-cells.js';
import { TraceProblem } from './errors.js';
import type { EventOfType, TraceEvent } from './events.js';
import type { TraceGraph } from './graph.js';
import type { CellWait, TraceExtensions, TraceState } from './state.js';
import { readWait } from './tool-calls.js';

/** Collects what the format has no place for. Only in lenient mode, and always beside the graph. */
export class ExtensionCollector {
  readonly #graph: TraceGraph;
  readonly #schemaVersion: number;
  readonly #waits = new Map<string, CellWait[]>();
  readonly #waitOfTool = new Map<string, { cellId: string; wait: CellWait }>();
  readonly #openWaits = new Map<string, Set<CellWait>>();
  readonly #malformedWaits: string[] = [];
  readonly #inferenceErrors = new Map<string, string>();
  readonly #compactionErrors = new Map<string, string>();
  readonly #protocolEvents: TraceExtensions['protocol_events'] = [];
  readonly #unknownEvents: { seq: number; type: string }[] = [];
  #rolloutEndSeq: number | undefined;

  constructor(graph: TraceGraph, schemaVersion: number) {
    this.#graph = graph;
    this.#schemaVersion = schemaVersion;
  }

  unknownEvent(seq: number, type: string): void {
    this.#unknownEvents.push({ seq, type });
  }

  /** Takes note of an event before it is applied, so that nothing is lost when applying it fails. */
  observe(event: TraceEvent): void {
    const { payload } = event;
    switch (payload.type) {
      case 'tool_call_started':
        return this.#toolStarted(event, payload);
      case 'tool_call_ended':
        return this.#toolEnded(event, payload.tool_call_id);
      case 'code_cell_ended':
        return this.#cellEnded(event, payload.runtime_cell_id);
      case 'inference_failed':
        this.#inferenceErrors.set(payload.inference_call_id, payload.error);
        return;
      case 'inference_cancelled':
        this.#inferenceErrors.set(payload.inference_call_id, payload.reason);
        return;
      case 'compaction_request_failed':
        this.#compactionErrors.set(payload.compaction_request_id, payload.error);
        return;
      case 'protocol_event_observed':
        this.#protocolEvents.push({
          seq: event.seq,
          at_unix_ms: event.wall_time_unix_ms,
          type: payload.event_type,
          raw_payload_id: payload.event_payload.raw_payload_id,
        });
        return;
      case 'rollout_ended':
        this.#rolloutEndSeq = event.seq;
        return;
      default:
    }
  }

  #toolStarted(event: TraceEvent, payload: EventOfType<'tool_call_started'>): void {
    const reference = payload.invocation_payload;
    if (reference === null || this.#graph.tools.has(payload.tool_call_id)) return;
    let wait: ReturnType<typeof readWait>;
    try {
      wait = readWait(this.#graph.readPayload(reference).value, reference.raw_payload_id);
    } catch (error) {
      if (!(error instanceof TraceProblem)) throw error;
      if (error.problem === 'WAIT_ARGUMENTS') this.#malformedWaits.push(payload.tool_call_id);
      return;
    }
    const threadId = this.#graph.threadOfEvent(event);
    if (wait === undefined || threadId === null) return;
    const cellId = findCellId(this.#graph, threadId, wait.cellId);
    if (cellId === undefined) return;
    const entry: CellWait = {
      tool_call_id: payload.tool_call_id,
      terminate: wait.terminate,
      started_seq: event.seq,
      ended_seq: null,
      outcome: 'running',
    };
    push(this.#waits, cellId, entry);
    this.#waitOfTool.set(payload.tool_call_id, { cellId, wait: entry });
    const open = this.#openWaits.get(cellId);
    if (open === undefined) this.#openWaits.set(cellId, new Set([entry]));
    else open.add(entry);
  }

  #toolEnded(event: TraceEvent, toolCallId: string): void {
    const known = this.#waitOfTool.get(toolCallId);
    if (known === undefined) return;
    const { wait, cellId } = known;
    wait.ended_seq = event.seq;
    this.#openWaits.get(cellId)?.delete(wait);
    if (wait.outcome !== 'running') return;
    const cell = this.#graph.cells.get(cellId);
    wait.outcome = cell !== undefined && cell.execution.status !== 'running' ? 'ended' : 'yielded';
  }

  #cellEnded(event: TraceEvent, runtimeCellId: string): void {
    const threadId = this.#graph.threadOfEvent(event);
    const cellId = threadId === null ? undefined : findCellId(this.#graph, threadId, runtimeCellId);
    if (cellId === undefined) return;
    // The end of a cell is recorded by the wait that saw it, before that wait's own end.
    for (const wait of this.#openWaits.get(cellId) ?? []) wait.outcome = 'ended';
  }

  build(state: Omit<TraceState, 'extensions'>, unresolvedEdges: readonly string[]): TraceExtensions {
    const graph = this.#graph;
    return {
      source_schema_version: this.#schemaVersion,
      incomplete: {
        threads: [...graph.incomplete.threads],
        codex_turns: [...graph.incomplete.turns],
      },
      cell_waits: toRecord([...this.#waits].map(([id, waits]) => [id, waits.map((wait) => ({ ...wait }))])),
      cell_notifications: toRecord(
        Object.values(state.code_cells)
          .filter((cell) => cell.output_item_ids.length > 1)
          .map((cell) => [cell.code_cell_id, cell.output_item_ids.slice(1)]),
      ),
      cells_without_source: toRecord(
        [...graph.pendingCells.values()].map((cell) => [
          cell.cellId,
          {
            thread_id: cell.threadId,
            runtime_cell_id: cell.runtimeCellId,
            started_seq: cell.seq,
            nested_tool_call_ids: [...cell.nestedToolCallIds],
          },
        ]),
      ),
      tool_call_ids_requested_by_response: this.#requestedTools(state),
      inference_errors: toRecord([...this.#inferenceErrors]),
      compaction_errors: toRecord([...this.#compactionErrors]),
      protocol_events: this.#protocolEvents.map((event) => ({ ...event })),
      abandoned_tool_calls: this.#abandonedTools(state),
      malformed_waits: [...this.#malformedWaits],
      unknown_events: this.#unknownEvents.map((event) => ({ ...event })),
      unresolved_edges: [...unresolvedEdges],
    };
  }

  /** Of the inferences whose list in the state misses a tool that started before the response was complete. */
  #requestedTools(state: Omit<TraceState, 'extensions'>): Record<string, string[]> {
    const entries: [string, string[]][] = [];
    for (const call of Object.values(state.inference_calls)) {
      const known = new Set(call.tool_call_ids_started_by_response);
      const all = new Set(known);
      for (const itemId of call.response_item_ids) {
        const item = state.conversation_items[itemId];
        if (item?.kind !== 'function_call' && item?.kind !== 'custom_tool_call') continue;
        const tool = item.call_id === null ? undefined : this.#graph.toolsByCall.get(item.call_id);
        if (tool?.thread_id === call.thread_id) all.add(tool.tool_call_id);
      }
      if (all.size > known.size) entries.push([call.inference_call_id, [...all]]);
    }
    return toRecord(entries);
  }

  #abandonedTools(state: Omit<TraceState, 'extensions'>): TraceExtensions['abandoned_tool_calls'] {
    const entries: [string, TraceExtensions['abandoned_tool_calls'][string]][] = [];
    for (const tool of Object.values(state.tool_calls)) {
      if (tool.execution.ended_seq !== null) continue;
      const turn =
        tool.started_by_codex_turn_id === null ? undefined : state.codex_turns[tool.started_by_codex_turn_id];
      const turnEnd = turn?.execution.ended_seq ?? null;
      if (turn !== undefined && turnEnd !== null && turn.execution.status !== 'completed') {
        entries.push([tool.tool_call_id, { closed_by: 'codex_turn_ended', seq: turnEnd }]);
      } else if (this.#rolloutEndSeq !== undefined) {
        entries.push([tool.tool_call_id, { closed_by: 'rollout_ended', seq: this.#rolloutEndSeq }]);
      }
    }
    return toRecord(entries);
  }
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** A record without a prototype, so that any id is a plain key. */
function toRecord<Value>(entries: readonly (readonly [string, Value])[]): Record<string, Value> {
  const record = Object.create(null) as Record<string, Value>;
  for (const [key, value] of entries) record[key] = value;
  return record;
}
