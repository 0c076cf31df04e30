/**
 * Every code a rejected host call can carry. These are the host's own mistakes or the host's own
 * machine; what a script did is data and is reported in an outcome (see `CellErrorCode`).
 */
export type CodeModeErrorCode =
  /** An option has a wrong type or value, or its name is not known (the nearest valid name is given). */
  | 'INVALID_OPTION'
  /** The source handed to `exec` is not a string. */
  | 'INVALID_SOURCE'
  /** A tool definition is malformed. */
  | 'INVALID_TOOL'
  /** Two tool names give the same global name, or the global name cannot be offered. */
  | 'TOOL_NAME_COLLISION'
  /** `storedValues` holds a value that is not JSON. */
  | 'INVALID_STORED_VALUES'
  /** A cell id is not a string. */
  | 'INVALID_CELL_ID'
  /** A model's tool call is neither `exec` nor `wait`, or has no usable shape. */
  | 'INVALID_TOOL_CALL'
  /** The cell is being observed by another `exec` or `wait`. */
  | 'CELL_BUSY'
  /** The cell is being terminated by another call. */
  | 'CELL_TERMINATING'
  /** The session was closed. */
  | 'SESSION_CLOSED'
  /** The service was closed. */
  | 'SERVICE_CLOSED'
  /** The call's AbortSignal fired before the call had an outcome to give. */
  | 'ABORTED'
  /** No isolate could be created (threads or memory of the machine are exhausted). */
  | 'ISOLATE_UNAVAILABLE'
  /** The native addon could not be loaded; the message says what was tried and what to do. */
  | 'ADDON_UNAVAILABLE'
  /** A trace bundle cannot be read, or strict reduction refused it. Only from `codecell/trace`. */
  | 'INVALID_TRACE';

const brand = Symbol.for('codecell.CodeModeError');

/** The one error class that `codecell` throws and rejects with. Tell errors apart by `code`. */
export class CodeModeError extends Error {
  readonly code: CodeModeErrorCode;

  constructor(code: CodeModeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CodeModeError';
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for a CodeModeError of this or another copy of the package. */
  static is(value: unknown): value is CodeModeError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}
