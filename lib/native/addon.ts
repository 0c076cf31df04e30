/**
 * The addon's interface as the rest of lib/ uses it. This folder is the only importer of the native module; what
 * exactly crosses is in binding.ts. Strings cross as JSON text or plain text, never as objects.
 */

/** An immutable tool set, shared by every cell of a session. Opaque. */
export interface NativeToolManifest {
  readonly toolCount: number;
}

export interface NativeToolEntry {
  globalName: string;
  description: string;
  /** Empty when the tool has no namespace. */
  namespace: string;
  /** The identifier under which `tools/<namespace>.js` exports it. */
  shortName: string;
}

/** A session's committed stored values. Cells read a snapshot of it and commit into it natively. */
export interface NativeValueStore {
  /** Sets a committed value; `json` is its JSON text. Gives the number of that commit: 1, 2, ... per store. */
  set(key: string, json: string): number;
  /**
   * The newest values of the keys that were written after the commit `version`, as [key, JSON text, number of the
   * commit], in order of first commit, and the number of the last commit.
   */
  changesSince(version: number): { version: number; changes: [string, string, number][] };
  /** Committed values as [key, JSON text] pairs, in order of first commit. */
  entries(): [string, string][];
}

export interface NativeCellOptions {
  profile: 'default' | 'codex';
  /** Whether image() accepts http(s) URLs. */
  remoteImages: boolean;
  /** Limits; 0 means none. */
  heapMb: number;
  cpuMs: number;
  wallMs: number;
  idleMs: number;
  pauseWallWhileWaiting: boolean;
  outputBytes: number;
  outputItems: number;
  toolCalls: number;
  toolInputBytes: number;
  storedBytes: number;
}

export enum NativeEventKind {
  /** a: undefined. An isolate thread took the cell. */
  Started = 0,
  /** a: text, c: its bytes as UTF-8. */
  Text = 1,
  /** a: image URL, b: detail, c: the URL's bytes as UTF-8. */
  Image = 2,
  /** a: audio URL, c: its bytes as UTF-8. */
  Audio = 3,
  /** a: call number (1, 2, ... per cell), b: index of the tool in the manifest, c: input as JSON text, or undefined for no input. */
  ToolCall = 4,
  /** a: text. */
  Notify = 5,
  /** The script called yield_control(). */
  Yield = 6,
  /** a: NativeEnd. Always the last event of a cell; V8 has stopped (or was quarantined). */
  Ended = 7,
}

/**
 * Takes one event; they come in batches, in order per cell. `batchStartedAt` is when the batch began to be handled,
 * milliseconds of the clock. Must not throw.
 */
export type NativeEventHandler = (
  kind: NativeEventKind,
  cell: number,
  a: unknown,
  b: unknown,
  c: unknown,
  batchStartedAt: number,
) => void;

export interface NativeEnd {
  status: 'completed' | 'failed' | 'terminated';
  code?: string;
  message?: string;
  text?: string;
  stack?: string;
  line?: number;
  column?: number;
  quarantined: boolean;
  /** [code, message] pairs. */
  diagnostics: [string, string][];
  /** Numbers of the nested calls whose answer the script never got. Absent when that is not known. */
  unansweredCalls?: number[];
  queueMs: number;
  startMs: number;
  compileMs: number;
  runMs: number;
  wallMs: number;
  cpuMs: number;
  heapUsedBytes: number;
  outputBytes: number;
}

/** The measurements of a cell that no isolate ran. */
export const noRun: Readonly<
  Pick<
    NativeEnd,
    'queueMs' | 'startMs' | 'compileMs' | 'runMs' | 'wallMs' | 'cpuMs' | 'heapUsedBytes' | 'outputBytes'
  >
> = {
  queueMs: 0,
  startMs: 0,
  compileMs: 0,
  runMs: 0,
  wallMs: 0,
  cpuMs: 0,
  heapUsedBytes: 0,
  outputBytes: 0,
};

export interface NativeEngineStats {
  warmIsolates: number;
  liveCells: number;
  queuedCells: number;
  threads: number;
  quarantinedThreads: number;
  /** Sources whose compiled code is kept because they were run again. */
  cachedSources: number;
}

export interface NativeEngine {
  /** Starts (or queues) a cell under a number that the caller never reuses. */
  start: (
    cell: number,
    source: string,
    manifest: NativeToolManifest,
    store: NativeValueStore,
    options: NativeCellOptions,
  ) => void;
  /** Answers a nested call with JSON text. Ignored when the cell has ended. */
  resolve: (cell: number, call: number, json: string) => void;
  /** Rejects a nested call. `name`, `code` (string) and `data` (JSON text) decorate the error in the default profile. */
  reject: (
    cell: number,
    call: number,
    message: string,
    name?: string,
    code?: string,
    dataJson?: string,
  ) => void;
  /**
   * Asks a cell to stop. `terminated` when no code is given, else `failed` with that code and
   * message. Returns false when the cell had already settled. An Ended event follows in any case.
   */
  stop: (cell: number, code?: string, message?: string) => boolean;
  stats: () => NativeEngineStats;
  /** Holds events back, or lets them come again. Meanwhile cells that produce many wait. */
  pause: (paused: boolean) => void;
  /** Stops every cell and all threads. Events of stopped cells are still delivered. */
  close: () => void;
}

export interface NativeEngineOptions {
  warmIsolates: number;
  maxCells: number;
  /** Heap limits of all cells that run, together, MiB; 0 means no bound. With host processes, of one process. */
  maxHeapMb: number;
  /** Milliseconds. */
  quarantineMs: number;
  /** Leaves V8's flags alone. */
  loopUnrolling: boolean;
}

export interface NativeAddon {
  createEngine(
    options: NativeEngineOptions,
    onEvent: NativeEventHandler,
    onBatchEnd?: () => void,
  ): NativeEngine;
  /**
   * Says what the process is about to exit with. Where threads were given up, V8 cannot be taken down; the addon then
   * ends the process itself, with this code, when Node comes to that.
   */
  setExitCode(code: number): void;
  createManifest(tools: NativeToolEntry[]): NativeToolManifest;
  createValueStore(): NativeValueStore;
  readonly v8Version: string;
  /** Whether this is the thread whose end ends the process. */
  readonly isMainThread: boolean;
  /** The ABI (process.versions.modules) that the addon was compiled for. */
  readonly nodeAbi: string;
}
