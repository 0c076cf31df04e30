import type { Timeline, TimelineSpan } from '../analysis/index.js';
import { itemText } from '../analysis/index.js';
import type { CellWait, ConversationItem, TraceState } from '../state.js';
import type { ViewRow, ViewRowKind, ViewStatus } from './document.js';
import { preview } from './payload-text.js';

/** What a row shows. */
export type RowSubject =
  | { type: 'span'; span: TimelineSpan }
  /** A cell together with the `exec` call that started it; either may be missing from a damaged trace. */
  | { type: 'cell'; id: string; span: TimelineSpan | undefined; exec: TimelineSpan | undefined }
  | { type: 'item'; item: ConversationItem };

export interface BuiltRow {
  row: ViewRow;
  subject: RowSubject;
  /** `seq` of its first and last event; 0 when the trace does not tell. */
  seqs: { first: number; last: number | null };
}

interface Draft extends BuiltRow {
  key: string;
  parentKey: string | undefined;
  /** Orders the children of one row. */
  order: number;
  children: Draft[];
}

export interface RowTable {
  rows: BuiltRow[];
  /** Row by span id, and by `item:` and item id; the `exec` call of a cell leads to the cell's row. */
  index: Map<string, number>;
  /** Unix milliseconds of the first and the last known moment. */
  startedAt: number;
  endedAt: number;
}

export function itemKey(itemId: string): string {
  return `item:${itemId}`;
}

function cellKey(cellId: string): string {
  return `code_cell:${cellId}`;
}

/** The messages that have a row of their own: what users, agents and the model said. */
export function isMessage(item: ConversationItem): boolean {
  if (item.kind !== 'message') return false;
  return item.agent_message !== undefined || item.role === 'user' || item.role === 'assistant';
}

/** Lays the graph out as rows: threads, their turns, and in each turn what happened, in the order of the log. */
export function buildRows(state: TraceState, timeline: Timeline): RowTable {
  return new RowBuilder(state, timeline).build();
}

const kinds: Record<TimelineSpan['kind'], ViewRowKind> = {
  thread: 'thread',
  turn: 'turn',
  inference: 'inference',
  tool_call: 'tool',
  wait: 'wait',
  code_cell: 'cell',
  terminal: 'terminal',
  compaction_request: 'compaction',
  compaction: 'compaction',
};

const statuses: Record<TimelineSpan['outcome'], ViewStatus> = {
  ok: 'completed',
  failed: 'failed',
  stopped: 'cancelled',
  unfinished: 'running',
};

class RowBuilder {
  readonly #state: TraceState;
  readonly #timeline: Timeline;
  readonly #drafts = new Map<string, Draft>();
  readonly #aliases = new Map<string, string>();
  readonly #waits = new Map<string, CellWait>();
  #firstRequests: Map<string, number> | undefined;

  constructor(state: TraceState, timeline: Timeline) {
    this.#state = state;
    this.#timeline = timeline;
    for (const waits of Object.values(state.extensions?.cell_waits ?? {})) {
      for (const wait of waits) this.#waits.set(wait.tool_call_id, wait);
    }
  }

  build(): RowTable {
    const { spans } = this.#timeline;
    // A cell takes the place of the `exec` call that started it.
    for (const span of spans) if (span.kind === 'code_cell') this.#addCell(span);
    this.#addCellsWithoutSource();
    const turns = new Map<string, number>();
    for (const span of spans) {
      if (span.kind === 'code_cell' || this.#aliases.has(span.spanId)) continue;
      // A terminal that one call opened and closed is told by that call.
      if (span.kind === 'terminal' && span.links.length < 2) continue;
      if (span.kind !== 'turn') {
        this.#addSpan(span, span.label, this.#note(span));
        continue;
      }
      const ordinal = (turns.get(span.threadId) ?? 0) + 1;
      turns.set(span.threadId, ordinal);
      this.#addSpan(span, `turn ${ordinal}`, '');
    }
    for (const item of Object.values(this.#state.conversation_items)) this.#addMessage(item);
    return this.#flatten();
  }

  #add(draft: Omit<Draft, 'children'>): void {
    this.#drafts.set(draft.key, { ...draft, children: [] });
  }

  #addSpan(span: TimelineSpan, label: string, note: string): void {
    const parent = span.parentSpanId === null ? undefined : this.#timeline.byId.get(span.parentSpanId);
    const kind = span.kind === 'tool_call' && parent?.kind === 'code_cell' ? 'nested' : kinds[span.kind];
    this.#add({
      key: span.spanId,
      // Threads stand beside each other: edges tell which one spawned which.
      parentKey: span.kind === 'thread' ? undefined : (span.parentSpanId ?? undefined),
      order: span.startedSeq,
      subject: { type: 'span', span },
      seqs: { first: span.startedSeq, last: span.endedSeq },
      row: {
        kind,
        id: span.id,
        parent: -1,
        depth: 0,
        label,
        note,
        start: span.startedAtMs,
        end: span.endedAtMs,
        status: statuses[span.outcome],
        statusText: span.status,
        ...this.#incomplete(span),
      },
    });
  }

  #incomplete(span: TimelineSpan): { incomplete?: string } {
    const { extensions } = this.#state;
    const standIns = {
      thread: extensions?.incomplete.threads,
      turn: extensions?.incomplete.codex_turns,
    }[span.kind as string];
    if (standIns?.includes(span.id) === true) {
      return { incomplete: `The start of this ${span.kind} is not in the trace.` };
    }
    if (span.endedSeq !== null || span.kind === 'terminal') return {};
    const closed = extensions?.abandoned_tool_calls[span.id];
    if (closed === undefined) return { incomplete: 'The end is not in the trace.' };
    const by = closed.closed_by === 'codex_turn_ended' ? 'turn' : 'session';
    return { incomplete: `The end is not in the trace; the ${by} ended at event ${closed.seq}.` };
  }

  #note(span: TimelineSpan): string {
    switch (span.kind) {
      case 'thread': {
        const model = this.#state.threads[span.id]?.default_model ?? null;
        return [span.detail, model].filter((text) => text !== null).join(' · ');
      }
      case 'inference':
        return this.#inferenceNote(span);
      case 'wait':
        return this.#waitNote(span);
      default:
        return preview(span.detail ?? '');
    }
  }

  /** What the model answered: the tools it asked for, or a message. */
  #inferenceNote(span: TimelineSpan): string {
    const call = this.#state.inference_calls[span.id];
    const asked = this.#state.extensions?.tool_call_ids_requested_by_response[span.id];
    const tools = (asked ?? call?.tool_call_ids_started_by_response ?? []).flatMap((toolId) => {
      const tool =
        this.#timeline.byId.get(`tool_call:${toolId}`) ?? this.#timeline.byId.get(`wait:${toolId}`);
      // The namespace is told by the call's own row.
      return tool === undefined ? [] : [tool.label.replace(/^.*\./, '')];
    });
    if (tools.length > 3) return `→ ${tools.slice(0, 3).join(', ')} and ${tools.length - 3} more`;
    if (tools.length > 0) return `→ ${tools.join(', ')}`;
    const kindsOfItems = (call?.response_item_ids ?? []).map(
      (itemId) => this.#state.conversation_items[itemId]?.kind,
    );
    return kindsOfItems.includes('message') ? '→ message' : '';
  }

  #waitNote(span: TimelineSpan): string {
    const link = span.links.find(({ kind }) => kind === 'observes' || kind === 'terminates');
    const cell = link === undefined ? undefined : this.#timeline.byId.get(link.spanId);
    if (cell === undefined) return preview(span.detail ?? '');
    const about = `for ${cell.label}`;
    if (link?.kind === 'terminates') return `${about}, to terminate it`;
    return this.#waits.get(span.id)?.outcome === 'yielded' ? `${about}, still running` : about;
  }

  #addCell(span: TimelineSpan): void {
    const cell = this.#state.code_cells[span.id];
    const parent = span.parentSpanId === null ? undefined : this.#timeline.byId.get(span.parentSpanId);
    const exec = parent?.kind === 'tool_call' ? parent : undefined;
    if (exec !== undefined) this.#aliases.set(exec.spanId, span.spanId);
    const outer = exec ?? span;
    const yieldedAt = cell?.yielded_at_unix_ms ?? null;
    this.#add({
      key: span.spanId,
      parentKey: outer === exec ? (exec.parentSpanId ?? undefined) : (span.parentSpanId ?? undefined),
      order: outer.startedSeq,
      subject: { type: 'cell', id: span.id, span, exec },
      seqs: { first: outer.startedSeq, last: span.endedSeq },
      row: {
        kind: 'cell',
        id: span.id,
        parent: -1,
        depth: 0,
        label: `exec ${span.label}`,
        note: preview(cell?.source_js ?? ''),
        start: Math.min(outer.startedAtMs, span.startedAtMs),
        end: span.endedAtMs,
        status: statuses[span.outcome],
        statusText: span.status,
        ...(yieldedAt === null ? {} : { yieldedAt }),
        ...(span.endedSeq === null
          ? { incomplete: `The end is not in the trace: the cell was last seen ${span.status}.` }
          : {}),
      },
    });
  }

  /** Cells that ran while the model's `exec` call never appeared in the conversation. */
  #addCellsWithoutSource(): void {
    for (const [id, cell] of Object.entries(this.#state.extensions?.cells_without_source ?? {})) {
      const key = cellKey(id);
      if (this.#drafts.has(key)) continue;
      const execId = `tool_call:${id.replace(/^code_cell:/, '')}`;
      const exec = this.#timeline.byId.get(execId);
      if (exec !== undefined) this.#aliases.set(execId, key);
      const known = [
        exec,
        ...cell.nested_tool_call_ids.map((each) => this.#timeline.byId.get(`tool_call:${each}`)),
      ];
      const first = known.find((span) => span !== undefined);
      if (first === undefined) continue;
      this.#add({
        key,
        parentKey: exec?.parentSpanId ?? `thread:${cell.thread_id}`,
        order: exec?.startedSeq ?? cell.started_seq,
        subject: { type: 'cell', id, span: undefined, exec },
        seqs: { first: cell.started_seq, last: exec?.endedSeq ?? null },
        row: {
          kind: 'cell',
          id,
          parent: -1,
          depth: 0,
          label: `exec cell ${cell.runtime_cell_id}`,
          note: '',
          start: first.startedAtMs,
          end: exec?.endedAtMs ?? null,
          status: exec === undefined ? 'running' : statuses[exec.outcome],
          statusText: exec?.status ?? 'unknown',
          incomplete: 'The call that started this cell is not in the conversation: its source is not known.',
        },
      });
    }
  }

  #addMessage(item: ConversationItem): void {
    if (!isMessage(item)) return;
    const producer = item.produced_by.find((each) => each.type === 'inference');
    const inference =
      producer === undefined ? undefined : this.#timeline.byId.get(`inference:${producer.inference_call_id}`);
    const at = item.accepted_at_unix_ms ?? item.first_seen_at_unix_ms;
    // An item without a place in the log stands after the inference that wrote it, or before the first that read it.
    const order =
      item.accepted_seq ??
      (inference === undefined
        ? (this.#firstRequest(item.item_id) ?? 1) - 0.5
        : (inference.endedSeq ?? inference.startedSeq) + 0.5);
    const author = item.agent_message;
    const text = itemText(item);
    const turnKey = `turn:${item.codex_turn_id}`;
    const turn = this.#drafts.get(turnKey);
    // What the user asked for names the turn; instructions that a host adds are in angle brackets.
    if (item.role === 'user' && turn?.row.note === '' && !text.startsWith('<')) turn.row.note = preview(text);
    this.#add({
      key: itemKey(item.item_id),
      parentKey: turn === undefined ? `thread:${item.thread_id}` : turnKey,
      order,
      subject: { type: 'item', item },
      seqs: { first: item.accepted_seq ?? 0, last: null },
      row: {
        kind: 'message',
        id: item.item_id,
        parent: -1,
        depth: 0,
        label: author === undefined ? item.role : `${author.author} → ${author.recipient}`,
        note: preview(text),
        start: at,
        end: at,
        status: 'completed',
        statusText: 'message',
      },
    });
  }

  /** `seq` of the first inference whose request holds an item. */
  #firstRequest(itemId: string): number | undefined {
    if (this.#firstRequests === undefined) {
      const first = (this.#firstRequests = new Map<string, number>());
      for (const call of Object.values(this.#state.inference_calls)) {
        const seq = call.execution.started_seq;
        for (const id of call.request_item_ids) first.set(id, Math.min(first.get(id) ?? Infinity, seq));
      }
    }
    return this.#firstRequests.get(itemId);
  }

  #flatten(): RowTable {
    const roots: Draft[] = [];
    for (const draft of this.#drafts.values()) {
      // Calls of a cell hang below it, also when the timeline does not know it.
      const parent = this.#drafts.get(this.#nestedIn(draft) ?? draft.parentKey ?? '');
      (parent?.children ?? roots).push(draft);
    }
    const { startedAtMs: startedAt, endedAtMs: endedAt } = this.#timeline;
    const index = new Map<string, number>();
    const rows: BuiltRow[] = [];
    const visit = (drafts: Draft[], parent: number, depth: number) => {
      drafts.sort((a, b) => a.order - b.order);
      for (const draft of drafts) {
        const at = rows.length;
        const { row, subject, seqs, key, children } = draft;
        row.parent = parent;
        row.depth = depth;
        row.start -= startedAt;
        if (row.end !== null) row.end -= startedAt;
        if (row.yieldedAt !== undefined) row.yieldedAt -= startedAt;
        rows.push({ row, subject, seqs });
        index.set(key, at);
        visit(children, at, depth + 1);
      }
    };
    visit(roots, -1, 0);
    for (const [alias, key] of this.#aliases) {
      const at = index.get(key);
      if (at !== undefined) index.set(alias, at);
    }
    return { rows, index, startedAt, endedAt };
  }

  #nestedIn(draft: Draft): string | undefined {
    if (draft.subject.type !== 'span' || draft.subject.span.kind !== 'tool_call') return undefined;
    const requester = this.#state.tool_calls[draft.subject.span.id]?.requester;
    if (requester?.type !== 'code_cell') return undefined;
    const key = cellKey(requester.code_cell_id);
    if (!this.#drafts.has(key)) return undefined;
    draft.row.kind = 'nested';
    return key;
  }
}
