/** Output items, in the wire format of the OpenAI Responses API. */
export type ContentItem = TextItem | ImageItem | AudioItem;

export interface TextItem {
  type: 'input_text';
  text: string;
}

export type ImageDetail = 'auto' | 'low' | 'high' | 'original';

export interface ImageItem {
  type: 'input_image';
  image_url: string;
  detail: ImageDetail;
}

export interface AudioItem {
  type: 'input_audio';
  audio_url: string;
}

/** Every code `outcome.error.code` and a diagnostic's `code` can have: what happened to a script. */
export type CellErrorCode =
  /** The script threw, or its top-level await rejected. */
  | 'SCRIPT_ERROR'
  /** The source does not compile. */
  | 'SYNTAX_ERROR'
  /** The script imports a module that does not exist in a cell. */
  | 'UNSUPPORTED_IMPORT'
  /** The script waits for something that can never happen: no tool call and no timer is outstanding. */
  | 'STALLED'
  /** The V8 heap, or array buffers, grew over `heapMb`. */
  | 'HEAP_LIMIT'
  /** The cell used more CPU time than `cpuMs`. */
  | 'CPU_LIMIT'
  /** The cell lived longer than `wallMs`. */
  | 'WALL_LIMIT'
  /** The cell made no progress for longer than `idleMs`. */
  | 'IDLE_LIMIT'
  /** Output grew over `outputBytes` or `outputItems`. */
  | 'OUTPUT_LIMIT'
  /** The script made more than `toolCalls` nested calls and notifications. */
  | 'TOOL_CALL_LIMIT'
  /** One tool input was larger than `toolInputBytes`. */
  | 'TOOL_INPUT_LIMIT'
  /** One tool result was larger than `toolResultBytes`. */
  | 'TOOL_RESULT_LIMIT'
  /** Stored values grew over `storedBytes`. */
  | 'STORE_LIMIT'
  /** The source is larger than `sourceBytes`. */
  | 'SOURCE_LIMIT'
  /** No isolate could be created for the cell. */
  | 'ISOLATE_UNAVAILABLE'
  /** The host process that ran the script ended or was killed. Only with `isolation: 'process'`. */
  | 'HOST_PROCESS_LOST'
  /** No host process could be started, or none stayed. Only with `isolation: 'process'`. */
  | 'HOST_PROCESS_UNAVAILABLE'
  /** The native addon could not be loaded in the host process. Only with `isolation: 'process'`. */
  | 'ADDON_UNAVAILABLE'
  /** The session has no cell of that id. */
  | 'CELL_NOT_FOUND'
  /** The exec's AbortSignal fired; the cell was terminated. */
  | 'ABORTED';

export interface CellError {
  code: CellErrorCode;
  /** The error's message alone. */
  message: string;
  /** What Codex calls error_text: the stack of an error, or the thrown value as text. */
  text: string;
  stack?: string;
  /** 1-based position in `exec_main.mjs`, where one is known. */
  line?: number;
  column?: number;
}

/** Something that would otherwise vanish without a trace. */
export interface Diagnostic {
  code:
    | 'UNHANDLED_REJECTION'
    | 'UNAWAITED_TOOL_FAILURE'
    | 'NOTIFY_FAILED'
    | 'OUTPUT_HANDLER_FAILED'
    | 'QUARANTINED'
    | 'HOST_PROCESS_LOST';
  message: string;
}

export type NestedToolCallStatus = 'running' | 'completed' | 'failed' | 'cancelled';

/** One call of a nested tool, as the outcome lists it. */
export interface NestedToolCall {
  /** `tool-1`, `tool-2`, ... per cell, in call order. */
  id: string;
  /** The tool's `name` as it was defined. */
  name: string;
  /** The host's own name of the tool. */
  toolName: string;
  namespace: string | null;
  status: NestedToolCallStatus;
  /** Milliseconds from the call's arrival at the host to its end (or to now while running). */
  durationMs: number;
  /** The failure's message, when `status` is `failed`. */
  error?: string;
}

/** Times are milliseconds, sizes are bytes. */
export interface CellMetrics {
  /** From `exec` until an isolate thread took the cell. */
  queueMs: number;
  /** From then until the source was about to be compiled (isolate creation, when none was warm). */
  startMs: number;
  compileMs: number;
  /** Time the isolate thread spent running script (waiting for tools and timers not counted). */
  runMs: number;
  /** From `exec` to the cell's end. */
  wallMs: number;
  /** CPU time of the isolate thread. */
  cpuMs: number;
  heapUsedBytes: number;
  outputBytes: number;
  toolCalls: number;
}

interface OutcomeBase {
  cellId: string;
  /** Output since the previous observation of this cell. */
  contentItems: ContentItem[];
  /** Every nested call of the cell up to now. */
  toolCalls: NestedToolCall[];
  diagnostics: Diagnostic[];
  metrics: CellMetrics;
}

export interface CompletedOutcome extends OutcomeBase {
  status: 'completed';
  error: null;
}

export interface FailedOutcome extends OutcomeBase {
  status: 'failed';
  error: CellError;
}

export interface TerminatedOutcome extends OutcomeBase {
  status: 'terminated';
  /** Null for a plain termination; `ABORTED` when the exec's signal fired. */
  error: CellError | null;
}

export interface YieldedOutcome extends OutcomeBase {
  status: 'yielded';
  error: null;
}

/** A `wait` or `terminate` for a cell that the session does not have. */
export interface MissingOutcome extends OutcomeBase {
  status: 'missing';
  error: CellError;
}

export type Outcome = CompletedOutcome | FailedOutcome | TerminatedOutcome | YieldedOutcome | MissingOutcome;
