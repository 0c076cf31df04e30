import { CodeModeError } from '../errors.js';

/** What is wrong with a trace bundle. Each `TraceDiagnostic` and each `TraceError` carries one of these. */
export type TraceProblemCode =
  /** `manifest.json` is missing, is not JSON or lacks a field. */
  | 'MANIFEST'
  /** The manifest or an event has a schema version that cannot be read. */
  | 'SCHEMA_VERSION'
  /** `trace.jsonl` is missing or cannot be read. */
  | 'LOG'
  /** A line of the log is not a well-formed event. */
  | 'LOG_LINE'
  /** The last line of the log is cut off. */
  | 'TORN_LINE'
  /** An event has a type that the format does not know. */
  | 'UNKNOWN_EVENT'
  /** An event has a known type that has no meaning for the state (`other`). */
  | 'UNSUPPORTED_EVENT'
  /** Events are missing, repeated or out of order. */
  | 'SEQUENCE'
  /** An event belongs to another rollout than the manifest says. */
  | 'ROLLOUT_MISMATCH'
  /** An event follows `recording_completed`. */
  | 'AFTER_RECORDING'
  /** A payload file is missing, is not JSON or lacks what its event needs. */
  | 'PAYLOAD'
  /** A payload path leaves the bundle. */
  | 'PAYLOAD_PATH'
  /** Something was started (or installed) twice. */
  | 'DUPLICATE_START'
  /** An event names something that was never started. */
  | 'UNKNOWN_REFERENCE'
  /** An event names another thread than the one its turn belongs to. */
  | 'THREAD_MISMATCH'
  /** An event lacks the thread or the turn it needs. */
  | 'NO_CONTEXT'
  /** A call id was used for two different calls. */
  | 'CALL_ID_CONFLICT'
  /** A model item has a type, role or shape that the format does not know. */
  | 'ITEM_UNSUPPORTED'
  /** A request continues a response that is not in the trace, or does not fit what came before. */
  | 'PREVIOUS_RESPONSE'
  /** A runtime cell id was given to two cells. */
  | 'CELL_REBOUND'
  /** The arguments of a `wait` call do not name a cell. */
  | 'WAIT_ARGUMENTS'
  /** A terminal observation contradicts an earlier one. */
  | 'TERMINAL'
  /** One interaction edge was observed with two meanings. */
  | 'EDGE_CONFLICT'
  /** An agent's activity does not fit the tool that caused it. */
  | 'ACTIVITY_KIND'
  /** A tool call was given a second MCP correlation. */
  | 'MCP_DUPLICATE';

/** One located finding about a bundle. */
export interface TraceDiagnostic {
  /** `error`: strict mode refuses the bundle for it; `warning`: suspicious, yet accepted by strict mode. */
  severity: 'error' | 'warning';
  code: TraceProblemCode;
  message: string;
  /** `seq` of the event, when it has one. */
  seq?: number;
  /** One-based line of `trace.jsonl`. */
  line?: number;
}

/** Thrown in strict mode (and for a bundle of which nothing can be read): what is wrong, and where. */
export class TraceError extends CodeModeError {
  declare readonly code: 'INVALID_TRACE';
  /** What is wrong. */
  readonly problem: TraceProblemCode;
  /** `seq` of the event, when it has one. */
  readonly seq: number | undefined;
  /** One-based line of `trace.jsonl`, when the problem has one. */
  readonly line: number | undefined;

  constructor(
    problem: TraceProblemCode,
    message: string,
    location: { seq?: number | undefined; line?: number | undefined } = {},
    options?: ErrorOptions,
  ) {
    const place = [
      location.line === undefined ? '' : `line ${location.line}`,
      location.seq === undefined ? '' : `seq ${location.seq}`,
    ].filter((part) => part !== '');
    super('INVALID_TRACE', place.length === 0 ? message : `${message} (${place.join(', ')})`, options);
    this.name = 'TraceError';
    this.problem = problem;
    this.seq = location.seq;
    this.line = location.line;
  }
}

/** A problem found while looking at one event; the reducer adds the location. */
export class TraceProblem extends Error {
  constructor(
    readonly problem: TraceProblemCode,
    message: string,
  ) {
    super(message);
  }
}
