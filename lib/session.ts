import { abortedError, Cell, type CellInfo } from './cell.js';
import { missingOutcome } from './cell-end.js';
import type { CellEvent } from './cell-events.js';
import { withChannels } from './diagnostics-channels.js';
import { CodeModeError } from './errors.js';
import type { Engine, EngineValues } from './host/engine.js';
import {
  handleModelCall,
  type ExecAndWait,
  type ModelCall,
  type ModelCallOptions,
  type ModelCallResult,
} from './model-call.js';
import { modelToolSpecs, type ModelToolSpecs, type ToolSpecOptions } from './model/specs.js';
import type { NativeCellOptions, NativeToolManifest } from './native/addon.js';
import {
  checkCellId,
  checkSource,
  resolveExecOptions,
  resolveTerminateOptions,
  resolveWaitOptions,
  type ExecOptions,
  type ResolvedExecOptions,
  type ResolvedSessionOptions,
  type TerminateOptions,
  type WaitOptions,
} from './options.js';
import type { ObservedModelCall, ObservedWait } from './observer.js';
import type { CellErrorCode, Outcome } from './outcome.js';
import { storedValuesFromJson } from './stored-values.js';

/** What a session needs of its service. */
export interface SessionHost {
  engine: Engine;
  nextCellNumber: () => number;
  addCell: (number: number, cell: Cell) => void;
  /** Resolves when nothing of the session runs any more. */
  removeSession: (session: CodeModeSession) => Promise<void> | undefined;
}

/** A cell that was started without being observed yet. */
export interface StartedCell extends AsyncIterable<CellEvent> {
  readonly cellId: string;
  /**
   * The first observation, as `exec` gives it; it begins with the first call, and every call gives the same promise.
   * Rejects with `CELL_BUSY` when a `wait` is observing the cell; it can then be called again.
   */
  outcome(): Promise<Outcome>;
  /** The cell's events from now on. */
  [Symbol.asyncIterator](): AsyncIterableIterator<CellEvent>;
}

/** A tool set and stored values: one conversation. Made by `service.createSession()`. */
export class CodeModeSession implements AsyncDisposable {
  readonly #host: SessionHost;
  readonly #options: ResolvedSessionOptions;
  /** Those of an exec without limits of its own. */
  readonly #cellOptions: NativeCellOptions;
  readonly #manifest: NativeToolManifest;
  readonly #store: EngineValues;
  /** Cells whose outcome was not taken, by id. */
  readonly #cells = new Map<string, Cell>();
  readonly #forget = (cellId: string) => void this.#cells.delete(cellId);
  #lastCellId = 0;
  #closing: Promise<void> | null = null;

  /** @internal */
  constructor(host: SessionHost, options: ResolvedSessionOptions) {
    this.#host = host;
    this.#options = options;
    const { profile, remoteImages, limits } = options;
    this.#cellOptions = { profile, remoteImages, ...limits };
    this.#manifest = host.engine.createManifest(
      options.toolSet.tools.map(({ globalName, description, namespace, shortName }) => ({
        globalName,
        description,
        namespace: namespace ?? '',
        shortName,
      })),
    );
    this.#store = host.engine.createValues();
    for (const [key, json] of options.storedValues) this.#store.set(key, json);
  }

  /**
   * Runs a script and observes it until it ends, yields, or its yield time is over. What the script did is in the
   * outcome; a rejection is the host's own mistake: `INVALID_SOURCE`, `INVALID_OPTION`, `ABORTED` (the signal had
   * fired before anything started), `SESSION_CLOSED`.
   */
  exec(source: string, options?: ExecOptions | null): Promise<Outcome> {
    try {
      return this.#exec(source, options, null).firstOutcome();
    } catch (error) {
      return rejected(error);
    }
  }

  /** Starts a script without observing it. Throws what `exec` rejects with. */
  start(source: string, options?: ExecOptions | null): StartedCell {
    const cell = this.#exec(source, options, null);
    return {
      cellId: cell.cellId,
      outcome: () => cell.firstOutcome(),
      [Symbol.asyncIterator]: () => cell.events(),
    };
  }

  /**
   * Observes a cell until it ends, yields, or the yield time is over; with `terminate: true`, ends it. The outcome of
   * a settled cell is given once; after that, and for an unknown id, the outcome is `missing`. Rejects with
   * `INVALID_CELL_ID`, `INVALID_OPTION`, `CELL_BUSY`, `CELL_TERMINATING`, `ABORTED` or `SESSION_CLOSED`.
   */
  async wait(cellId: string, options?: WaitOptions | null): Promise<Outcome> {
    return this.#wait(cellId, options, null);
  }

  /**
   * Ends a cell: resolves when V8 has stopped running its script (or its thread was quarantined, which a diagnostic
   * says) and its tool calls and notifications were cancelled. A cell that had finished gives its real outcome.
   * An observation that is pending gets the same outcome. Rejects as `wait` does.
   */
  async terminate(cellId: string, options?: TerminateOptions | null): Promise<Outcome> {
    this.#requireOpen();
    checkCellId(cellId);
    const { callId, signal } = resolveTerminateOptions(options);
    if (signal?.aborted) throw abortedError(`terminate of exec cell ${cellId} was aborted`);
    return this.#observeCell(cellId, { callId, yieldTimeMs: null, terminate: true, modelCall: null }, signal);
  }

  /** The cells that run, and those whose outcome nobody took yet, in order of their start. */
  cells(): CellInfo[] {
    return [...this.#cells.values()].map((cell) => cell.info);
  }

  /** A cell's events from now on; for a settled cell its `settled` event, for an unknown id nothing. */
  events(cellId: string): AsyncIterableIterator<CellEvent> {
    return this.#cells.get(checkCellId(cellId))?.events() ?? noEvents();
  }

  /** The committed stored values, to be kept and given to `createSession({ storedValues })`. Works when closed, too. */
  storedValues(): Record<string, unknown> {
    return storedValuesFromJson(this.#store.entries());
  }

  /** The specifications of `exec` and `wait` to hand to a model. */
  toolSpecs(options?: ToolSpecOptions): ModelToolSpecs {
    const { toolSet, remoteImages } = this.#options;
    return modelToolSpecs(toolSet, options, { remoteImages });
  }

  /**
   * Serves a model's call of `exec` or `wait` and gives what to send back: header, output cut to its token budget,
   * and errors as text the model can act on. Rejects only for what is not the model's doing: `INVALID_TOOL_CALL`
   * (a name that is neither `exec` nor `wait`), `INVALID_OPTION`, `ABORTED`, `SESSION_CLOSED`.
   */
  async handleToolCall(call: ModelCall, options?: ModelCallOptions | null): Promise<ModelCallResult> {
    this.#requireOpen();
    const operations: ExecAndWait = {
      session: this,
      exec: (source, execOptions, modelCall) => this.#exec(source, execOptions, modelCall).firstOutcome(),
      wait: (cellId, waitOptions, modelCall) => this.#wait(cellId, waitOptions, modelCall),
    };
    return handleModelCall(operations, this.#options, call, options);
  }

  /**
   * Terminates the session's cells and resolves when all have ended; observations that are pending get `terminated`
   * outcomes. Later calls reject with `SESSION_CLOSED`. May be called again.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#cells.values()].map((cell) => cell.shutDown()));
    this.#cells.clear();
    this.#host.engine.release(this.#manifest, this.#store);
    await this.#host.removeSession(this);
  }

  #requireOpen(): void {
    if (this.#closing !== null) throw new CodeModeError('SESSION_CLOSED', 'the session was closed');
  }

  #exec(source: string, options: ExecOptions | null | undefined, modelCall: ObservedModelCall | null): Cell {
    try {
      this.#requireOpen();
      checkSource(source);
      return this.#startCell(source, resolveExecOptions(this.#options, options), modelCall);
    } catch (error) {
      const callId = typeof options?.callId === 'string' ? options.callId : undefined;
      this.#options.observers?.emit('execRefused', { session: this, callId, source, modelCall }, error);
      throw error;
    }
  }

  async #wait(
    cellId: string,
    options: WaitOptions | null | undefined,
    modelCall: ObservedModelCall | null,
  ): Promise<Outcome> {
    this.#requireOpen();
    checkCellId(cellId);
    const { callId, yieldTimeMs, terminate, signal } = resolveWaitOptions(options);
    if (signal?.aborted) throw abortedError(`wait for exec cell ${cellId} was aborted`);
    return this.#observeCell(cellId, { callId, yieldTimeMs, terminate, modelCall }, signal);
  }

  #observeCell(
    cellId: string,
    request: Pick<ObservedWait, 'callId' | 'yieldTimeMs' | 'terminate' | 'modelCall'>,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    const cell = this.#cells.get(cellId);
    const observe = async () => {
      if (cell === undefined) return missingOutcome(cellId);
      return request.terminate
        ? cell.terminate(signal)
        : cell.observe(request.yieldTimeMs ?? Infinity, signal);
    };
    const { observers } = this.#options;
    if (observers === null) return observe();
    const observed = cell?.observation?.cell ?? null;
    return observers.wait(
      { session: this, cellId, cell: observed, startedAt: Date.now(), ...request },
      observe,
    );
  }

  /**
   * The isolate thread is called first: waking it takes longer than what the host has to note down, and no event of
   * the cell is handled before this has returned.
   */
  #startCell(source: string, exec: ResolvedExecOptions, modelCall: ObservedModelCall | null): Cell {
    if (exec.signal?.aborted) throw abortedError('exec was aborted before it started');
    const number = this.#host.nextCellNumber();
    const failure = this.#startNative(number, source, exec);
    const { observers, isObserved, profile, toolSet, invokeTool, onNotify } = this.#options;
    const { callId, onOutput, limits, signal, yieldTimeMs } = exec;
    const cellId = String(++this.#lastCellId);
    const startedAt = Date.now();
    const hub = isObserved ? withChannels(observers) : null;
    const observation = hub && {
      hub,
      cell: { session: this, cellId, execCallId: callId, source, profile, startedAt, modelCall },
    };
    const cell = new Cell({
      engine: this.#host.engine,
      number,
      cellId,
      callId,
      profile,
      tools: toolSet.tools,
      invokeTool,
      onNotify,
      onOutput,
      limits,
      signal,
      yieldTimeMs,
      startedAt,
      observation,
      onTaken: this.#forget,
    });
    this.#cells.set(cellId, cell);
    observation?.hub.emit('cellStarted', observation.cell);
    if (failure === null) this.#host.addCell(number, cell);
    else cell.failBeforeStart(failure.code, failure.message);
    return cell;
  }

  /** Null, or why the cell cannot run. */
  #startNative(
    number: number,
    source: string,
    exec: ResolvedExecOptions,
  ): { code: CellErrorCode; message: string } | null {
    const tooLarge = sourceTooLarge(source, exec.limits.sourceBytes);
    if (tooLarge !== null) return { code: 'SOURCE_LIMIT', message: tooLarge };
    try {
      this.#host.engine.start(number, source, this.#manifest, this.#store, this.#nativeOptions(exec));
      return null;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { code: 'ISOLATE_UNAVAILABLE', message: `the cell could not be started: ${reason}` };
    }
  }

  #nativeOptions({ limits }: ResolvedExecOptions): NativeCellOptions {
    if (limits === this.#options.limits) return this.#cellOptions;
    return { ...this.#cellOptions, ...limits };
  }
}

function sourceTooLarge(source: string, limit: number): string | null {
  if (limit === 0 || source.length * 3 <= limit) return null;
  const size = Buffer.byteLength(source);
  if (size <= limit) return null;
  return `the source is ${size} bytes, more than the ${limit} bytes a source may have (limits.sourceBytes)`;
}

async function rejected(reason: unknown): Promise<never> {
  throw reason;
}

async function* noEvents(): AsyncGenerator<CellEvent, undefined> {}
