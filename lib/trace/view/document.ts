/**
 * What a trace page shows, as plain data: made from a reduced bundle in Node, embedded as JSON, drawn in the browser.
 * Rows refer to each other, to conversation items and to details by index. Times are milliseconds since
 * `summary.startedAt`.
 */
export interface ViewDocument {
  summary: ViewSummary;
  /** In the order of display: each row stands after its parent and before its parent's next sibling. */
  rows: ViewRow[];
  /** One for each row. */
  details: ViewDetail[];
  items: ViewItem[];
  edges: ViewEdge[];
  diagnostics: ViewDiagnostic[];
  /** What failed, was stopped or never ended, once each: the innermost row that tells of it. */
  failures: ViewFailure[];
}

export interface ViewFailure {
  row: number;
  /** The first words of why, or ''. */
  reason: string;
}

export interface ViewSummary {
  title: string;
  status: string;
  /** Unix milliseconds. */
  startedAt: number;
  /** From the first to the last known moment, milliseconds. */
  duration: number;
  facts: ViewFact[];
  /** What is incomplete about the recording, in sentences. */
  notes: string[];
}

export type ViewRowKind =
  | 'thread'
  | 'turn'
  | 'message'
  | 'inference'
  | 'cell'
  | 'wait'
  | 'tool'
  | 'nested'
  | 'terminal'
  | 'compaction';

export type ViewStatus = 'running' | 'completed' | 'failed' | 'cancelled';

export interface ViewRow {
  kind: ViewRowKind;
  /** The id of what the row shows, as in the trace. */
  id: string;
  /** Index of the row that holds this one, -1 for a thread. */
  parent: number;
  depth: number;
  label: string;
  /** A few more words, or ''. */
  note: string;
  start: number;
  /** Null when the trace does not say; such a row is drawn up to the end of what holds it. */
  end: number | null;
  status: ViewStatus;
  /** The word for the status, such as `terminated`. */
  statusText: string;
  /** When a cell handed over its first output and went on in the background. */
  yieldedAt?: number;
  /** Why the row is damaged or incomplete. */
  incomplete?: string;
  /** What led to this row, the closest first. */
  causes?: ViewCause[];
}

export interface ViewCause {
  row: number;
  /** How this row came of that one: `called by`, `asked for by`, ... */
  relation: string;
}

export interface ViewFact {
  name: string;
  text: string;
  /** An identifier, shown in a fixed-width font and with a button that copies it. */
  isId?: boolean;
}

export interface ViewDetail {
  facts: ViewFact[];
  blocks: ViewBlock[];
}

/** A part of the details; `closed`: shown when it is opened. */
export type ViewBlock = { closed?: boolean } &
  /** JavaScript source; `errorLines` are one-based. */
  (
    | { type: 'code'; title: string; text: string; errorLines: number[] }
    | { type: 'json' | 'text' | 'error'; title: string; text: string }
    | { type: 'output'; title: string; parts: ViewPart[] }
    /** Conversation items, by index. */
    | { type: 'items'; title: string; items: number[]; note: string }
  );

/** One piece of output or of a message. */
export type ViewPart =
  { type: 'text' | 'json' | 'code' | 'error'; text: string } | { type: 'image'; url: string };

/** One item of a conversation. */
export interface ViewItem {
  id: string;
  /** Role and kind, in words. */
  label: string;
  role: string;
  parts: ViewPart[];
  /** The row that shows the item or what produced it. */
  row?: number;
}

export interface ViewEdge {
  kind: 'spawn' | 'message' | 'result' | 'wait';
  /** Rows. */
  from: number;
  to: number;
  /** When it left and when it arrived. */
  start: number;
  end: number;
  label: string;
}

export interface ViewDiagnostic {
  severity: 'error' | 'warning';
  code: string;
  message: string;
  /** Where in the log, in words. */
  place: string;
  row?: number;
}
