import { isMainThread } from 'node:worker_threads';
import type { Cell } from './cell.js';
import { CodeModeError } from './errors.js';
import {
  NATIVE_EVENT_STRIDE,
  NativeEventKind,
  type NativeAddon,
  type NativeEngine,
  type NativeEngineStats,
} from './native/addon.js';
import { loadAddon } from './native/load.js';
import {
  resolveServiceOptions,
  resolveSessionOptions,
  type ResolvedServiceOptions,
  type ServiceOptions,
  type SessionOptions,
} from './options.js';
import { CodeModeSession, type SessionHost } from './session.js';

/** Numbers of the moment. */
export interface ServiceStats extends NativeEngineStats {
  /** Open sessions. */
  sessions: number;
}

/**
 * Owns the pool of isolates. One is enough for a process; two share nothing but V8 itself.
 *
 * Throws a CodeModeError: `INVALID_OPTION`, or `ADDON_UNAVAILABLE` when the native addon cannot be loaded.
 */
export class CodeModeService implements AsyncDisposable {
  readonly #options: ResolvedServiceOptions;
  readonly #addon: NativeAddon;
  readonly #engine: NativeEngine;
  readonly #host: SessionHost;
  readonly #sessions = new Set<CodeModeSession>();
  /** Cells whose native end has not come, by their number. */
  readonly #cells = new Map<number, Cell>();
  #lastCellNumber = 0;
  #closing: Promise<void> | null = null;

  constructor(options?: ServiceOptions | null) {
    this.#options = resolveServiceOptions(options);
    this.#addon = loadAddon();
    const { warmIsolates, maxCells, quarantineMs } = this.#options;
    const poolOptions = { warmIsolates, maxCells, quarantineMs, mainThread: isMainThread };
    this.#engine = this.#addon.createEngine(poolOptions, (events) => this.#handleBatch(events));
    this.#host = {
      addon: this.#addon,
      engine: this.#engine,
      nextCellNumber: () => ++this.#lastCellNumber,
      addCell: (number, cell) => void this.#cells.set(number, cell),
      removeSession: (session) => void this.#sessions.delete(session),
    };
  }

  /**
   * Opens a session: a tool set and stored values of its own.
   *
   * Throws a CodeModeError: `INVALID_OPTION`, `INVALID_TOOL`, `TOOL_NAME_COLLISION`, `INVALID_STORED_VALUES`, or
   * `SERVICE_CLOSED`.
   */
  createSession(options?: SessionOptions | null): CodeModeSession {
    if (this.#closing !== null) throw new CodeModeError('SERVICE_CLOSED', 'the service was closed');
    const session = new CodeModeSession(this.#host, resolveSessionOptions(this.#options, options));
    this.#sessions.add(session);
    return session;
  }

  stats(): ServiceStats {
    return { ...this.#engine.stats(), sessions: this.#sessions.size };
  }

  /** Closes every session, then stops the pool. Resolves when all of it has stopped; may be called again. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()));
    this.#engine.close();
  }

  /** One crossing from the addon: everything that happened since the last one, in order per cell. Never throws. */
  #handleBatch(events: unknown[]): void {
    const startedAt = performance.now();
    for (let i = 0; i < events.length; i += NATIVE_EVENT_STRIDE) {
      const kind = events[i] as NativeEventKind;
      const number = events[i + 1] as number;
      const cell = this.#cells.get(number);
      if (cell === undefined) continue;
      if (kind === NativeEventKind.Ended) this.#cells.delete(number);
      try {
        cell.handleEvent(kind, events[i + 2], events[i + 3], events[i + 4], startedAt);
      } catch (error) {
        // The host's callbacks are guarded where they are called, so this is a mistake of ours: other cells go on.
        process.emitWarning(error instanceof Error ? error : String(error), 'CodecellInternalError');
      }
    }
  }
}
