import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { callback, describeValue, invalidOption, readOptions, wholeNumber } from '../../option-reader.js';
import type { ObservedTool, SessionObserver } from '../../observer.js';
import type { ToolKind } from '../state.js';
import { EventLog, type TraceRecorderStats } from './event-log.js';
import { TextRules, type Redact } from './text-rules.js';
import type { ThreadLog, ThreadStatus } from './thread-log.js';
import { readThread, TraceThread, type ThreadOptions } from './threads.js';

export interface TraceRecorderOptions extends ThreadOptions {
  /** Where the bundle's folder is made. */
  directory: string;
  /** Gives back what may be recorded of a text; called for every text of every payload, and for those in the log. */
  redact?: Redact | null | undefined;
  /** The kind of a nested tool's calls, where it is more than its name. */
  toolKind?: ((tool: ObservedTool) => ToolKind | null | undefined) | null | undefined;
  /** Longer texts are cut, characters. Default 262,144. */
  maxTextLength?: number | null | undefined;
  /** Larger payloads are replaced by a note, characters. Default 16,777,216. */
  maxPayloadLength?: number | null | undefined;
  /** While more than this waits to be written, what starts is not recorded. Characters. Default 67,108,864. */
  maxQueuedLength?: number | null | undefined;
}

const OPTIONS = [
  'directory',
  'redact',
  'toolKind',
  'maxTextLength',
  'maxPayloadLength',
  'maxQueuedLength',
  'threadId',
  'model',
  'providerName',
  'nickname',
  'metadata',
];

/**
 * Records one trace bundle, in a folder of its own. Throws `INVALID_OPTION`; whatever goes wrong with the files later
 * is in `stats()` and, once, a process warning.
 */
export function createTraceRecorder(options: TraceRecorderOptions): TraceRecorder {
  return new TraceRecorder(options);
}

/** Writes a trace bundle while sessions run. Made by `createTraceRecorder`. */
export class TraceRecorder implements AsyncDisposable {
  readonly traceId = randomUUID();
  /** The bundle's folder. */
  readonly path: string;
  /** The thread of the root agent. */
  readonly root: TraceThread;
  readonly #log: EventLog;
  readonly #threads: ThreadLog[] = [];
  #closing: Promise<void> | null = null;

  /** @internal */
  constructor(given: TraceRecorderOptions) {
    const options = readOptions(given, 'createTraceRecorder options', OPTIONS);
    const directory = options['directory'];
    if (typeof directory !== 'string' || directory === '') {
      throw invalidOption(`directory must be the path of a folder; got ${describeValue(directory)}`);
    }
    const toolKind = callback<(tool: ObservedTool) => ToolKind | null | undefined>(
      options['toolKind'],
      'toolKind',
    );
    const most = 2 ** 29;
    const rules = new TextRules({
      redact: callback<Redact>(options['redact'], 'redact'),
      maxTextLength: wholeNumber(options['maxTextLength'], 'maxTextLength', 2 ** 18, 64, most),
      maxPayloadLength: wholeNumber(options['maxPayloadLength'], 'maxPayloadLength', 2 ** 24, 1024, most),
    });
    const maxQueuedLength = wholeNumber(
      options['maxQueuedLength'],
      'maxQueuedLength',
      2 ** 26,
      1024,
      2 ** 40,
    );
    const { threadId, metadata } = readThread(options);
    const { traceId } = this;
    this.path = join(resolve(directory), `trace-${traceId}-${threadId}`);
    this.#log = new EventLog({ folder: this.path, traceId, rolloutId: threadId, rules, maxQueuedLength });
    const started = JSON.stringify({
      type: 'rollout_started',
      trace_id: traceId,
      root_thread_id: threadId,
    });
    this.#log.note((time) => this.#log.event(time, null, null, started), null, null, 0);
    const context = { log: this.#log, threads: this.#threads, kindOf: guardedKind(toolKind) };
    this.root = new TraceThread(context, threadId, '/root', { session_source: 'codecell', ...metadata });
  }

  /** Records a session as part of the root thread. `createSession({ trace: recorder })` calls it. */
  sessionObserver(): SessionObserver {
    return this.root.sessionObserver();
  }

  stats(): TraceRecorderStats {
    return this.#log.stats;
  }

  /** Resolves when all that was recorded up to now is on disk, or could not be written. Never rejects. */
  flush(): Promise<void> {
    return this.#log.flush();
  }

  /** Ends what is open and finishes the bundle. Close sessions before. May be called again; never rejects. */
  close(options?: { status?: ThreadStatus } | null): Promise<void> {
    return (this.#closing ??= this.#close(options?.status ?? 'completed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(status: ThreadStatus): Promise<void> {
    const apply = (time: number) => {
      for (const thread of this.#threads) thread.end(time, status);
      this.#log.event(time, null, null, `{"type":"rollout_ended","status":"${status}"}`);
      this.#log.event(time, null, null, '{"type":"recording_completed"}');
    };
    this.#log.note(apply, null, null, 0);
    await this.#log.close();
  }
}

/** A hook that throws says nothing. */
function guardedKind(
  toolKind: ((tool: ObservedTool) => ToolKind | null | undefined) | undefined,
): (tool: ObservedTool) => ToolKind | undefined {
  return (tool) => {
    try {
      return toolKind?.(tool) ?? undefined;
    } catch {
      return undefined;
    }
  };
}
