import type { CellRuntimeStatus, ExecutionStatus } from '../state.js';

export type SpanKind =
  | 'thread'
  | 'turn'
  | 'inference'
  /** A tool call, `exec` included; the cell that an `exec` started is a span of its own. */
  | 'tool_call'
  /** A tool call by which the model waited on a cell. */
  | 'wait'
  | 'code_cell'
  /** A terminal that outlives the calls that use it. */
  | 'terminal'
  | 'compaction_request'
  /** The moment a compacted history was put in place. */
  | 'compaction';

export type SpanStatus = ExecutionStatus | CellRuntimeStatus;

/**
 * What a status comes to: `ok`; `failed`; `stopped` by somebody (cancelled, aborted, terminated); `unfinished`: the
 * trace has no end of it.
 */
export type SpanOutcome = 'ok' | 'failed' | 'stopped' | 'unfinished';

export type SpanLinkKind =
  /** From a call to the inference that asked for it. */
  | 'requested_by'
  /** From an inference to a call whose output it was the first to read. */
  | 'reads'
  /** From a wait to its cell. */
  | 'observes'
  /** From a wait to the cell that it asked to terminate. */
  | 'terminates'
  /** From a thread to the call that spawned it. */
  | 'spawned_by'
  /** From a terminal to a call that used it. */
  | 'used_by';

export interface SpanLink {
  kind: SpanLinkKind;
  spanId: string;
}

/** One interval. Times are Unix milliseconds. */
export interface TimelineSpan {
  /** Unique within the timeline: the kind, `:` and the graph id. */
  spanId: string;
  kind: SpanKind;
  /** The id in the graph. */
  id: string;
  /** A few words: the tool's name, the model, the path of the agent. */
  label: string;
  /** One line that tells this one from others of its label (a command, an input), or null. Not shortened. */
  detail: string | null;
  threadId: string;
  turnId: string | null;
  /** What it is part of; null for what belongs to nothing known. */
  parentSpanId: string | null;
  /** By the order in which they started. */
  childSpanIds: string[];
  startedAtMs: number;
  startedSeq: number;
  /** Null when the trace has no end of it. */
  endedAtMs: number | null;
  endedSeq: number | null;
  /** Milliseconds, never negative; null when the trace has no end of it. */
  durationMs: number | null;
  /** When it ended, or the end of what is known, for drawing; never before `startedAtMs`. */
  shownUntilMs: number;
  status: SpanStatus;
  outcome: SpanOutcome;
  /** Of a command that has ended. */
  exitCode: number | null;
  links: SpanLink[];
}

/** The `spanId` of something of the graph. */
export function spanIdOf(kind: SpanKind, id: string): string {
  return `${kind}:${id}`;
}

/** What a status comes to, given whether the trace has an end. */
export function outcomeOf(status: SpanStatus, ended: boolean): SpanOutcome {
  switch (status) {
    case 'failed':
      return 'failed';
    case 'cancelled':
    case 'aborted':
    case 'terminated':
      return 'stopped';
    case 'completed':
      return ended ? 'ok' : 'unfinished';
    case 'starting':
    case 'running':
    case 'yielded':
      return 'unfinished';
  }
}
