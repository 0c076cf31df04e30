import type { Cell } from './cell.js';
import { CodeModeError } from './errors.js';
import { createEngine } from './host/create-engine.js';
import type { Engine, EngineStats } from './host/engine.js';
import { NativeEventKind, type NativeEventHandler } from './native/addon.js';
import {
  resolveServiceOptions,
  resolveSessionOptions,
  type ResolvedServiceOptions,
  type ServiceOptions,
  type SessionOptions,
} from './options.js';
import type { Limits } from './limits.js';
import type { Outcome } from './outcome.js';
import { CodeModeSession, type SessionHost } from './session.js';
import { planTerminationCheck, terminationState, type TerminationState } from './termination-check.js';

/** Numbers of the moment. */
export interface ServiceStats extends EngineStats {
  /** Open sessions. */
  sessions: number;
  /** Whether an endless loop could be stopped when that was tested in this process. */
  termination: TerminationState;
}

const noStats: EngineStats = {
  warmIsolates: 0,
  liveCells: 0,
  queuedCells: 0,
  threads: 0,
  quarantinedThreads: 0,
  cachedSources: 0,
  processes: 0,
  lostProcesses: 0,
};

/**
 * Owns the pool of isolates. One is enough for a process; two share nothing but V8 itself.
 *
 * Throws a CodeModeError: `INVALID_OPTION`, `ADDON_UNAVAILABLE` when the native addon cannot be loaded, or
 * `ISOLATE_UNAVAILABLE` when the machine has nothing left to run it with.
 */
export class CodeModeService implements AsyncDisposable {
  readonly #options: ResolvedServiceOptions;
  /** The engine of all sessions; null when each has its own. */
  readonly #engine: Engine | null;
  readonly #sessions = new Map<CodeModeSession, Engine>();
  /** Cells whose native end has not come, by their number. */
  readonly #cells = new Map<number, Cell>();
  #lastCellNumber = 0;
  #closing: Promise<void> | null = null;

  constructor(options?: ServiceOptions | null) {
    this.#options = resolveServiceOptions(options);
    const { isolation, hostProcess, terminationCheck } = this.#options;
    const isPerSession = isolation === 'process' && hostProcess.scope === 'session';
    this.#engine = isPerSession ? null : this.#createEngine();
    const engine = this.#engine;
    if (terminationCheck && engine !== null) {
      planTerminationCheck({
        activity: () => (this.#cells.size > 0 ? -1 : this.#lastCellNumber),
        isClosed: () => this.#closing !== null,
        run: (source, limits) => this.#runApart(engine, source, limits),
      });
    }
  }

  /**
   * Opens a session: a tool set and stored values of its own.
   *
   * Throws a CodeModeError: `INVALID_OPTION`, `INVALID_TOOL`, `TOOL_NAME_COLLISION`, `INVALID_STORED_VALUES`, or
   * `SERVICE_CLOSED`.
   */
  createSession(options?: SessionOptions | null): CodeModeSession {
    if (this.#closing !== null) throw new CodeModeError('SERVICE_CLOSED', 'the service was closed');
    const resolved = resolveSessionOptions(this.#options, options);
    const engine = this.#engine ?? this.#createEngine();
    const session = new CodeModeSession(this.#hostOf(engine), resolved);
    this.#sessions.set(session, engine);
    return session;
  }

  stats(): ServiceStats {
    const engines = this.#engine === null ? [...this.#sessions.values()] : [this.#engine];
    const total: ServiceStats = {
      ...noStats,
      sessions: this.#sessions.size,
      termination: terminationState(),
    };
    for (const engine of engines) {
      const stats = engine.stats();
      for (const key of Object.keys(noStats) as (keyof EngineStats)[]) total[key] += stats[key];
    }
    return total;
  }

  /** Closes every session, then stops the pool. Resolves when all of it has stopped; may be called again. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** In a session that nobody sees. */
  async #runApart(engine: Engine, source: string, limits: Limits): Promise<Outcome> {
    const resolved = {
      ...resolveSessionOptions(this.#options, { limits }),
      observers: null,
      isObserved: false,
    };
    const session = new CodeModeSession(this.#hostOf(engine), resolved);
    try {
      return await session.exec(source, { yieldTimeMs: Infinity });
    } finally {
      await session.close();
    }
  }

  #hostOf(engine: Engine): SessionHost {
    return {
      engine,
      nextCellNumber: () => ++this.#lastCellNumber,
      addCell: (number, cell) => void this.#cells.set(number, cell),
      removeSession: (closed) => {
        this.#sessions.delete(closed);
        return this.#engine === null ? engine.close() : undefined;
      },
    };
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((session) => session.close()));
    await this.#engine?.close();
  }

  #createEngine(): Engine {
    const { isolation, warmIsolates, maxCells, maxHeapMb, quarantineMs, loopUnrolling, hostProcess } =
      this.#options;
    const options = { warmIsolates, maxCells, maxHeapMb, quarantineMs, loopUnrolling };
    return createEngine(isolation, options, hostProcess, this.#handleEvent);
  }

  /** An event of an engine. Never throws. */
  readonly #handleEvent: NativeEventHandler = (kind, number, a, b, c, batchStartedAt) => {
    const cell = this.#cells.get(number);
    if (cell === undefined) return;
    if (kind === NativeEventKind.Ended) this.#cells.delete(number);
    try {
      cell.handleEvent(kind, a, b, c, batchStartedAt);
    } catch (error) {
      // The host's callbacks are guarded where they are called, so this is a mistake of ours: other cells go on.
      process.emitWarning(error instanceof Error ? error : String(error), 'CodecellInternalError');
    }
  };
}
