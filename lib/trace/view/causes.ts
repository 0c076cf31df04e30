import type { SpanLinkKind, Timeline } from '../analysis/index.js';
import type { ConversationItem, TraceAnchor, TraceState } from '../state.js';
import type { ViewCause, ViewEdge } from './document.js';
import { isMessage, itemKey, type RowTable } from './row-builder.js';

/** How a span came of the one that a link leads to. Links that tell of no cause are left out. */
const relations: Partial<Record<SpanLinkKind, string>> = {
  requested_by: 'asked for by',
  reads: 'continues after',
  observes: 'observes',
  terminates: 'terminates',
  spawned_by: 'spawned by',
};

/** Finds out which row led to which, and which edges run between rows. */
export class CauseFinder {
  readonly #state: TraceState;
  readonly #timeline: Timeline;
  readonly #table: RowTable;
  readonly #newItems: Map<string, string[]>;

  constructor(state: TraceState, timeline: Timeline, table: RowTable) {
    this.#state = state;
    this.#timeline = timeline;
    this.#table = table;
    this.#newItems = newRequestItems(state);
  }

  /** Items of an inference's request that its thread had neither seen nor written before. */
  newItems(inferenceId: string): readonly string[] {
    return this.#newItems.get(inferenceId) ?? [];
  }

  /** The row that shows an item, or else the row of what produced it. */
  rowOfItem(itemId: string): number | undefined {
    const item = this.#state.conversation_items[itemId];
    return this.#row(itemKey(itemId)) ?? (item === undefined ? undefined : this.#producer(item));
  }

  #row(key: string): number | undefined {
    return this.#table.index.get(key);
  }

  #toolRow(toolId: string): number | undefined {
    return this.#row(`tool_call:${toolId}`) ?? this.#row(`wait:${toolId}`);
  }

  #producer(item: ConversationItem): number | undefined {
    for (const producer of item.produced_by) {
      const row =
        producer.type === 'inference'
          ? this.#row(`inference:${producer.inference_call_id}`)
          : producer.type === 'tool'
            ? this.#toolRow(producer.tool_call_id)
            : producer.type === 'code_cell'
              ? this.#row(`code_cell:${producer.code_cell_id}`)
              : this.#row(`compaction:${producer.compaction_id}`);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  /** By row, the closest cause first. */
  find(): ViewCause[][] {
    const causes: ViewCause[][] = this.#table.rows.map(() => []);
    const add = (index: number | undefined, row: number | undefined, relation: string) => {
      if (index === undefined || row === undefined || index === row) return;
      const list = causes[index]!;
      if (!list.some((cause) => cause.row === row)) list.push({ row, relation });
    };
    this.#table.rows.forEach(({ row, subject }, index) => {
      if (subject.type === 'item') {
        add(index, this.#producer(subject.item), 'written by');
        return;
      }
      if (row.kind === 'nested') add(index, row.parent, 'called by');
      if (row.kind === 'inference') this.#addInputs(row.id, (from, relation) => add(index, from, relation));
      const spans = subject.type === 'span' ? [subject.span] : [subject.exec, subject.span];
      for (const { kind, spanId } of spans.flatMap((span) => span?.links ?? [])) {
        const relation = relations[kind];
        if (relation !== undefined) add(index, this.#row(spanId), relation);
      }
    });
    for (const compaction of Object.values(this.#state.compactions)) {
      for (const id of compaction.request_ids) {
        const request = this.#row(`compaction_request:${id}`);
        add(this.#row(`compaction:${compaction.compaction_id}`), request, 'result of');
      }
    }
    for (const edge of Object.values(this.#state.interaction_edges)) {
      const relation =
        edge.kind === 'agent_result' ? 'result of' : edge.kind === 'spawn_agent' ? 'spawned by' : 'sent by';
      add(this.#anchor(edge.target), this.#anchor(edge.source), relation);
    }
    return causes;
  }

  /** What a request brought, the newest first: outputs of calls, messages. */
  #addInputs(inferenceId: string, add: (row: number | undefined, relation: string) => void): void {
    for (const itemId of this.newItems(inferenceId).toReversed()) {
      const item = this.#state.conversation_items[itemId];
      if (item === undefined) continue;
      if (isMessage(item)) add(this.#row(itemKey(itemId)), 'answers');
      else if (item.produced_by.length > 0) add(this.#producer(item), 'continues after');
    }
  }

  #anchor(anchor: TraceAnchor): number | undefined {
    if (anchor.type === 'thread') return this.#row(`thread:${anchor.thread_id}`);
    if (anchor.type === 'tool_call') return this.#toolRow(anchor.tool_call_id);
    return this.rowOfItem(anchor.item_id);
  }

  edges(): ViewEdge[] {
    const edges: ViewEdge[] = [];
    for (const edge of Object.values(this.#state.interaction_edges)) {
      const [from, to] = [this.#anchor(edge.source), this.#anchor(edge.target)];
      if (from === undefined || to === undefined || from === to) continue;
      const kind =
        edge.kind === 'spawn_agent' ? 'spawn' : edge.kind === 'agent_result' ? 'result' : 'message';
      const source = this.#table.rows[from]!.row;
      const sent = Math.max(edge.started_at_unix_ms - this.#table.startedAt, source.start);
      const start = Math.min(sent, source.end ?? sent);
      const arrival = this.#table.rows[to]!.row.start;
      edges.push({ kind, from, to, start, end: Math.max(arrival, start), label: edge.kind });
    }
    for (const span of this.#timeline.spans) {
      for (const { kind, spanId } of span.links) {
        if (kind !== 'observes' && kind !== 'terminates') continue;
        const [from, to] = [this.#row(span.spanId), this.#row(spanId)];
        if (from === undefined || to === undefined) continue;
        const start = span.startedAtMs - this.#table.startedAt;
        edges.push({ kind: 'wait', from, to, start, end: start, label: kind });
      }
    }
    return edges;
  }
}

/** What each request brought that its thread had not seen before. */
function newRequestItems(state: TraceState): Map<string, string[]> {
  const known = new Map<string, Set<string>>();
  const result = new Map<string, string[]>();
  const calls = Object.values(state.inference_calls);
  calls.sort((a, b) => a.execution.started_seq - b.execution.started_seq);
  for (const call of calls) {
    let seen = known.get(call.thread_id);
    if (seen === undefined) known.set(call.thread_id, (seen = new Set()));
    const fresh: string[] = [];
    for (const id of call.request_item_ids) {
      if (!seen.has(id)) fresh.push(id);
      seen.add(id);
    }
    for (const id of call.response_item_ids) seen.add(id);
    result.set(call.inference_call_id, fresh);
  }
  return result;
}
