import type { SpanKind, TimelineSpan } from '../analysis/span.js';
import type { Timeline } from '../analysis/timeline.js';
import type { TraceState } from '../state.js';

/** An event of the Chrome trace-event format; times are microseconds. */
export type TraceEventJson =
  | {
      ph: 'M';
      name: 'process_name' | 'process_sort_index' | 'thread_name' | 'thread_sort_index';
      pid: number;
      tid: number;
      args: Record<string, string | number>;
    }
  | {
      ph: 'X';
      name: string;
      cat: string;
      pid: number;
      tid: number;
      ts: number;
      dur: number;
      args: Record<string, unknown>;
    }
  | {
      ph: 'i';
      s: 't';
      name: string;
      cat: string;
      pid: number;
      tid: number;
      ts: number;
      args: Record<string, unknown>;
    }
  | { ph: 's'; name: string; cat: 'cause'; id: number; pid: number; tid: number; ts: number }
  | { ph: 'f'; bp: 'e'; name: string; cat: 'cause'; id: number; pid: number; tid: number; ts: number };

/** A trace for ui.perfetto.dev and chrome://tracing. */
export interface TraceEventFile {
  traceEvents: TraceEventJson[];
  displayTimeUnit: 'ms';
  otherData: Record<string, string | number>;
}

type Track = 'agent' | 'turns' | 'model calls' | 'calls' | 'cells' | 'nested calls' | 'terminals';

const tracks: readonly Track[] = [
  'agent',
  'turns',
  'model calls',
  'calls',
  'cells',
  'nested calls',
  'terminals',
];

/** A row of slices that do not overlap. */
interface Lane {
  tid: number;
  freeAt: number;
}

interface Slice {
  span: TimelineSpan;
  pid: number;
  tid: number;
  /** Microseconds since the start of the trace. */
  start: number;
  end: number;
}

const maximumDetail = 300;

/**
 * The trace as Chrome trace events: a process per agent thread, tracks in it for turns, model calls, calls, cells,
 * nested calls and terminals (several of a kind where they overlap), and flows along what caused what. Times start
 * with the trace.
 */
export function toTraceEvents(state: TraceState, timeline: Timeline): TraceEventFile {
  const builder = new TraceEventBuilder(timeline);
  const slices = new Map<string, Slice>();
  for (const span of timeline.spans) slices.set(span.spanId, builder.place(span));
  const events: TraceEventJson[] = [...builder.metadata(state)];
  for (const slice of slices.values()) events.push(sliceEvent(slice));
  events.push(...flowEvents(timeline, slices));
  return {
    traceEvents: events,
    displayTimeUnit: 'ms',
    otherData: {
      trace_id: state.trace_id,
      rollout_id: state.rollout_id,
      status: state.status,
      started_at_unix_ms: timeline.startedAtMs,
    },
  };
}

class TraceEventBuilder {
  readonly #timeline: Timeline;
  readonly #processes = new Map<string, { pid: number; lanes: Map<Track, Lane[]> }>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** Spans come by their start, so that the first lane that is free is the right one. */
  place(span: TimelineSpan): Slice {
    const start = (span.startedAtMs - this.#timeline.startedAtMs) * 1000;
    const end = (span.shownUntilMs - this.#timeline.startedAtMs) * 1000;
    const process = this.#process(span.threadId);
    const track = this.#trackOf(span);
    let lanes = process.lanes.get(track);
    if (lanes === undefined) process.lanes.set(track, (lanes = []));
    let lane = lanes.find(({ freeAt }) => freeAt <= start);
    if (lane === undefined) {
      // Unique in the file, and in the order of the tracks, with room for more lanes of each.
      const tid = process.pid * 10_000_000 + (tracks.indexOf(track) + 1) * 1_000_000 + lanes.length;
      lane = { tid, freeAt: 0 };
      lanes.push(lane);
    }
    lane.freeAt = end;
    return { span, pid: process.pid, tid: lane.tid, start, end };
  }

  #process(threadId: string) {
    let process = this.#processes.get(threadId);
    if (process === undefined) {
      process = { pid: this.#processes.size + 1, lanes: new Map() };
      this.#processes.set(threadId, process);
    }
    return process;
  }

  #trackOf(span: TimelineSpan): Track {
    if (span.kind !== 'tool_call' && span.kind !== 'wait') return trackOfKind[span.kind];
    const parent = span.parentSpanId === null ? undefined : this.#timeline.byId.get(span.parentSpanId);
    return parent?.kind === 'code_cell' ? 'nested calls' : 'calls';
  }

  *metadata(state: TraceState): Generator<TraceEventJson> {
    for (const [threadId, { pid, lanes }] of this.#processes) {
      const path = state.threads[threadId]?.agent_path ?? '';
      const name = path === '' ? `thread ${threadId}` : path;
      yield { ph: 'M', name: 'process_name', pid, tid: 0, args: { name } };
      yield { ph: 'M', name: 'process_sort_index', pid, tid: 0, args: { sort_index: pid } };
      for (const [track, trackLanes] of lanes) {
        for (const [index, { tid }] of trackLanes.entries()) {
          const title = index === 0 ? track : `${track} ${index + 1}`;
          yield { ph: 'M', name: 'thread_name', pid, tid, args: { name: title } };
          yield { ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } };
        }
      }
    }
  }
}

const trackOfKind: Record<Exclude<SpanKind, 'tool_call' | 'wait'>, Track> = {
  thread: 'agent',
  turn: 'turns',
  inference: 'model calls',
  compaction: 'model calls',
  compaction_request: 'model calls',
  code_cell: 'cells',
  terminal: 'terminals',
};

function sliceEvent({ span, pid, tid, start, end }: Slice): TraceEventJson {
  const name =
    span.detail === null || span.kind === 'inference' ? span.label : `${span.label}: ${cut(span.detail, 60)}`;
  const args: Record<string, unknown> = {
    id: span.id,
    status: span.status,
    started_seq: span.startedSeq,
    ...(span.endedSeq === null ? {} : { ended_seq: span.endedSeq }),
    ...(span.exitCode === null ? {} : { exit_code: span.exitCode }),
    ...(span.detail === null ? {} : { detail: cut(span.detail, maximumDetail) }),
    ...(span.outcome === 'unfinished' ? { unfinished: true } : {}),
  };
  const place = { cat: span.kind, pid, tid, ts: start, args };
  return span.kind === 'compaction'
    ? { ph: 'i', s: 't', name, ...place }
    : { ph: 'X', name, ...place, dur: end - start };
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}...` : text;
}

/** Arrows from causes to what they caused. */
function* flowEvents(timeline: Timeline, slices: ReadonlyMap<string, Slice>): Generator<TraceEventJson> {
  let id = 0;
  for (const span of timeline.spans) {
    for (const { name, from, to } of causesOf(timeline, span)) {
      const source = slices.get(from);
      const target = slices.get(to);
      if (source === undefined || target === undefined) continue;
      id += 1;
      // A flow belongs to the slice that its time lies in; the end of a slice is outside of it.
      const ts = Math.max(source.start, Math.min(target.start, source.end - 1));
      yield { ph: 's', name, cat: 'cause', id, pid: source.pid, tid: source.tid, ts };
      const end = { pid: target.pid, tid: target.tid, ts: Math.max(ts, target.start) };
      yield { ph: 'f', bp: 'e', name, cat: 'cause', id, ...end };
    }
  }
}

function* causesOf(
  timeline: Timeline,
  span: TimelineSpan,
): Generator<{ name: string; from: string; to: string }> {
  const to = span.spanId;
  const parent = span.parentSpanId === null ? undefined : timeline.byId.get(span.parentSpanId);
  const byCall = parent?.kind === 'tool_call' || parent?.kind === 'wait';
  if (span.kind === 'code_cell' && byCall) yield { name: 'starts', from: parent.spanId, to };
  if (parent?.kind === 'code_cell') yield { name: 'calls', from: parent.spanId, to };
  for (const link of span.links) {
    switch (link.kind) {
      case 'requested_by':
        // The call that started a cell has this arrow already.
        if (span.kind !== 'code_cell' || !byCall) yield { name: 'asks for', from: link.spanId, to };
        break;
      case 'reads':
        yield { name: 'is read by', from: link.spanId, to };
        break;
      case 'spawned_by':
        yield { name: 'spawns', from: link.spanId, to };
        break;
      case 'observes':
      case 'terminates':
        yield {
          name: link.kind === 'observes' ? 'is observed by' : 'is terminated by',
          from: link.spanId,
          to,
        };
        break;
      case 'used_by':
        yield { name: 'uses', from: link.spanId, to };
        break;
    }
  }
}
