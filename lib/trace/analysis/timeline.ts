import type { InteractionKind, TraceAnchor, TraceState } from '../state.js';
import { spanIdOf, type SpanKind, type TimelineSpan } from './span.js';
import { collectSpans } from './spans.js';

/** Something that went from one agent to another. */
export interface TimelineInteraction {
  id: string;
  kind: InteractionKind;
  /** The span it came from (a tool call, or the thread of a message); null when it is not known. */
  sourceSpanId: string | null;
  targetSpanId: string | null;
  startedAtMs: number;
  endedAtMs: number | null;
}

export interface Timeline {
  /** The first and the last time that is known, Unix milliseconds. */
  startedAtMs: number;
  endedAtMs: number;
  /** By the order in which they started. */
  spans: TimelineSpan[];
  /** The same spans by `spanId`. */
  byId: ReadonlyMap<string, TimelineSpan>;
  /** Spans without a parent, by the order in which they started. */
  rootSpanIds: string[];
  interactions: TimelineInteraction[];
}

/**
 * Lays the graph out in time: what ran when, as part of what, how it ended, and what it has to do with the rest.
 * Takes any state, of damaged and of unfinished bundles too: what is named and not known is left out.
 */
export function buildTimeline(state: TraceState): Timeline {
  const spans = collectSpans(state);
  spans.sort((a, b) => a.startedSeq - b.startedSeq || depthOf(a.kind) - depthOf(b.kind));
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  for (const span of spans) {
    if (span.parentSpanId !== null && !byId.has(span.parentSpanId)) span.parentSpanId = null;
    span.links = span.links.filter((link) => byId.has(link.spanId));
  }
  breakCycles(spans, byId);
  const rootSpanIds: string[] = [];
  for (const span of spans) {
    if (span.parentSpanId === null) rootSpanIds.push(span.spanId);
    else byId.get(span.parentSpanId)!.childSpanIds.push(span.spanId);
  }
  const { startedAtMs, endedAtMs } = boundsOf(state, spans);
  for (const span of spans) span.shownUntilMs = Math.max(span.startedAtMs, span.endedAtMs ?? endedAtMs);
  return { startedAtMs, endedAtMs, spans, byId, rootSpanIds, interactions: interactionsOf(state, byId) };
}

const depths: readonly SpanKind[] = ['thread', 'turn', 'inference', 'tool_call', 'wait', 'code_cell'];

/** Of spans that started with one event, the outer one comes first. */
function depthOf(kind: SpanKind): number {
  const depth = depths.indexOf(kind);
  return depth < 0 ? depths.length : depth;
}

/** A damaged trace may say that two things are part of each other: then the first to be looked at is a root. */
function breakCycles(spans: readonly TimelineSpan[], byId: ReadonlyMap<string, TimelineSpan>): void {
  const done = new Set<TimelineSpan>();
  for (const span of spans) {
    const path = new Set<TimelineSpan>();
    for (let at: TimelineSpan | undefined = span; at !== undefined && !done.has(at);) {
      if (path.has(at)) {
        at.parentSpanId = null;
        break;
      }
      path.add(at);
      at = at.parentSpanId === null ? undefined : byId.get(at.parentSpanId);
    }
    for (const each of path) done.add(each);
  }
}

function boundsOf(
  state: TraceState,
  spans: readonly TimelineSpan[],
): { startedAtMs: number; endedAtMs: number } {
  let first = Infinity;
  let last = -Infinity;
  const see = (time: number | null | undefined): void => {
    if (time === null || time === undefined || !Number.isFinite(time)) return;
    if (time < first) first = time;
    if (time > last) last = time;
  };
  // A bundle without a manifest and events has the time 0, which is none.
  if (state.started_at_unix_ms !== 0) see(state.started_at_unix_ms);
  see(state.ended_at_unix_ms);
  for (const span of spans) {
    see(span.startedAtMs);
    see(span.endedAtMs);
  }
  for (const item of Object.values(state.conversation_items)) see(item.first_seen_at_unix_ms);
  for (const event of state.extensions?.protocol_events ?? []) see(event.at_unix_ms);
  return first === Infinity ? { startedAtMs: 0, endedAtMs: 0 } : { startedAtMs: first, endedAtMs: last };
}

function interactionsOf(state: TraceState, byId: ReadonlyMap<string, TimelineSpan>): TimelineInteraction[] {
  const spanOf = (anchor: TraceAnchor): string | null => {
    const candidates = anchorSpans(state, anchor);
    return candidates.find((spanId) => byId.has(spanId)) ?? null;
  };
  return Object.values(state.interaction_edges).map((edge) => ({
    id: edge.edge_id,
    kind: edge.kind,
    sourceSpanId: spanOf(edge.source),
    targetSpanId: spanOf(edge.target),
    startedAtMs: edge.started_at_unix_ms,
    endedAtMs: edge.ended_at_unix_ms,
  }));
}

function anchorSpans(state: TraceState, anchor: TraceAnchor): string[] {
  switch (anchor.type) {
    case 'thread':
      return [spanIdOf('thread', anchor.thread_id)];
    case 'tool_call':
      return [spanIdOf('tool_call', anchor.tool_call_id), spanIdOf('wait', anchor.tool_call_id)];
    case 'conversation_item': {
      const item = state.conversation_items[anchor.item_id];
      if (item === undefined) return [];
      const producers = item.produced_by.flatMap((producer) =>
        producer.type === 'inference' ? [spanIdOf('inference', producer.inference_call_id)] : [],
      );
      const turn = item.codex_turn_id === null ? [] : [spanIdOf('turn', item.codex_turn_id)];
      return [...producers, ...turn, spanIdOf('thread', item.thread_id)];
    }
  }
}
