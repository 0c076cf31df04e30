import { callback, describeValue, invalidOption } from './option-reader.js';
import type { CellError, CellMetrics, ContentItem, Diagnostic, Outcome } from './outcome.js';
import type { ModelCallResult } from './model-call.js';
import type { Profile } from './options.js';
import type { CodeModeSession } from './session.js';
import type { ToolKind } from './tools/definition.js';

/**
 * Sees what sessions do, from outside. Every method is optional and is called synchronously and in order while the
 * session works, so it should only note what happened. What an observer throws, or rejects with, changes nothing for
 * the session: the first failure of each observer is reported with `process.emitWarning`.
 *
 * The objects that describe a cell, a call or a wait are the same ones in every call about it, so they can be the
 * keys of a Map.
 */
export interface SessionObserver {
  /** `handleToolCall` was given a well-formed call. What it causes refers to it as `modelCall`. */
  modelCallStarted?(call: ObservedModelCall): void;
  modelCallEnded?(call: ObservedModelCall, end: ModelCallEnd): void;
  /** An exec was given up before it got a cell id. `exec` rejects with `error`. */
  execRefused?(exec: RefusedExec, error: unknown): void;
  /** A cell got its id; none of its script has run. */
  cellStarted?(cell: ObservedCell): void;
  /**
   * What the first observation gave: the answer to the exec. It comes before `cellEnded` when the cell ends while it is
   * observed, and after it when the cell had ended before.
   */
  firstOutcome?(cell: ObservedCell, outcome: Outcome): void;
  cellYielded?(cell: ObservedCell, yielded: CellYield): void;
  outputAppended?(cell: ObservedCell, item: ContentItem): void;
  /** The script called notify(). */
  notified?(cell: ObservedCell, text: string): void;
  /** The cell was asked to stop. Its end follows, whatever that turns out to be. */
  terminateRequested?(cell: ObservedCell, request: TerminateRequest): void;
  /** The cell settled. Every nested call that began has ended by then. */
  cellEnded?(cell: ObservedCell, end: CellEnd): void;
  /** A `wait` or `terminate` began. */
  waitStarted?(wait: ObservedWait): void;
  waitEnded?(wait: ObservedWait, end: WaitEnd): void;
  /** A nested call arrived at the host. It may have to wait for its turn (`limits.pendingToolCalls`). */
  toolCallStarted?(call: ObservedToolCall): void;
  /**
   * Runs the host's tool: must call `run` once, synchronously, for instance with a context made active around it.
   * When it does not, or throws, the tool is run all the same. Not called for a call that is refused or cancelled
   * before its turn.
   */
  runTool?(call: ObservedToolCall, run: () => void): void;
  toolCallEnded?(call: ObservedToolCall, end: ToolCallEnd): void;
}

/** Something that records sessions, such as a trace recorder or one of its threads. */
export interface TraceSource {
  /** The observer of one session. */
  sessionObserver(): SessionObserver;
}

/** A model's call of `exec` or `wait`, as `handleToolCall` got it. */
export interface ObservedModelCall {
  readonly session: CodeModeSession;
  readonly name: 'exec' | 'wait';
  readonly callId: string | undefined;
  readonly input: unknown;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** `result` is null when `handleToolCall` rejects, with `error`. */
export type ModelCallEnd = { result: ModelCallResult; error: null } | { result: null; error: unknown };

export interface RefusedExec {
  readonly session: CodeModeSession;
  readonly callId: string | undefined;
  /** As it was given: not a string when that is what was wrong. */
  readonly source: unknown;
  readonly modelCall: ObservedModelCall | null;
}

export interface ObservedCell {
  readonly session: CodeModeSession;
  /** Unique in its session. */
  readonly cellId: string;
  /** The `callId` given to the exec, if any. */
  readonly execCallId: string | undefined;
  readonly source: string;
  readonly profile: Profile;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** The model's call that started the cell, when it came through `handleToolCall`. */
  readonly modelCall: ObservedModelCall | null;
}

export interface CellYield {
  /** The script called yield_control(), or the yield time was over. */
  cause: 'script' | 'time';
  /** Whether an observation was there to end; without one, a yield of the script has no effect. */
  observed: boolean;
}

export interface TerminateRequest {
  /** `terminate` (or `wait` with `terminate: true`), the signal of the exec, or the end of the session. */
  cause: 'terminate' | 'signal' | 'close';
}

export interface CellEnd {
  status: 'completed' | 'failed' | 'terminated';
  error: CellError | null;
  metrics: CellMetrics;
  diagnostics: readonly Diagnostic[];
  /** The thread did not stop and was set aside. */
  quarantined: boolean;
  /** What those who observe the cell at its end get; null when nobody does, and the outcome waits to be taken. */
  outcome: Outcome | null;
}

export interface ObservedWait {
  readonly session: CodeModeSession;
  readonly cellId: string;
  /** Null when the session has no such cell. */
  readonly cell: ObservedCell | null;
  /** The `callId` given to the wait, if any. */
  readonly callId: string | undefined;
  /** Milliseconds; null for a terminate, which lasts until the end. */
  readonly yieldTimeMs: number | null;
  readonly terminate: boolean;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly modelCall: ObservedModelCall | null;
}

/** `outcome` is null when the wait rejects, with `error`. */
export type WaitEnd = { outcome: Outcome; error: null } | { outcome: null; error: unknown };

/** The tool of a nested call. */
export interface ObservedTool {
  readonly name: string;
  readonly toolName: string;
  readonly namespace: string | null;
  readonly globalName: string;
  readonly kind: ToolKind;
}

export interface ObservedToolCall {
  readonly cell: ObservedCell;
  /** `tool-1`, `tool-2`, ... per cell, in call order. */
  readonly id: string;
  readonly tool: ObservedTool;
  /** JSON text of the input; undefined when the script gave none. */
  readonly inputJson: string | undefined;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

export interface ToolCallEnd {
  status: 'completed' | 'failed' | 'cancelled';
  /** JSON text of the result, for a completed call. */
  resultJson: string | undefined;
  /** For a failed call. */
  error: ToolCallError | undefined;
  /** From the call's arrival, milliseconds. */
  durationMs: number;
}

export interface ToolCallError {
  message: string;
  name: string | undefined;
  code: string | undefined;
  /** JSON text of the error's `data`. */
  dataJson: string | undefined;
}

/** The names that an observer may have functions under. */
const METHODS: readonly (keyof SessionObserver)[] = [
  'modelCallStarted',
  'modelCallEnded',
  'execRefused',
  'cellStarted',
  'firstOutcome',
  'cellYielded',
  'outputAppended',
  'notified',
  'terminateRequested',
  'cellEnded',
  'waitStarted',
  'waitEnded',
  'toolCallStarted',
  'runTool',
  'toolCallEnded',
];

/** Every method of an observer that only sees. */
export type ObserverEvent = Exclude<keyof SessionObserver, 'runTool'>;

type Arguments<Name extends ObserverEvent> = Parameters<Required<SessionObserver>[Name]>;
type Handler = (a: unknown, b: unknown) => unknown;

interface Listener {
  observer: SessionObserver;
  handle: Handler;
}

/** Observers that were reported as failing. */
const reported = new WeakSet<SessionObserver>();

/** Calls the observers of a session, and keeps what they throw from it. Absent (null) when there are none. [host] */
export class ObserverHub {
  readonly #observers: readonly SessionObserver[];
  readonly #runners: readonly SessionObserver[];
  /** Who listens to what, found out once: an event that nobody listens to costs next to nothing. */
  readonly #handlers: Record<ObserverEvent, Listener[]>;

  constructor(observers: readonly SessionObserver[]) {
    this.#observers = observers;
    this.#runners = observers.filter((observer) => observer.runTool !== undefined);
    const listeners = (name: keyof SessionObserver): Listener[] =>
      observers
        .filter((observer) => observer[name] !== undefined)
        .map((observer) => ({ observer, handle: (observer[name] as Handler).bind(observer) }));
    this.#handlers = Object.fromEntries(METHODS.map((name) => [name, listeners(name)])) as Record<
      ObserverEvent,
      Listener[]
    >;
  }

  /** The same observers and one more. */
  with(observer: SessionObserver): ObserverHub {
    return new ObserverHub([...this.#observers, observer]);
  }

  emit<Name extends ObserverEvent>(name: Name, a: Arguments<Name>[0], b?: Arguments<Name>[1]): void {
    const listeners = this.#handlers[name];
    for (let i = 0; i < listeners.length; i++) {
      const { observer, handle } = listeners[i] as Listener;
      try {
        const answer = handle(a, b);
        // An async method: a promise that rejects unheard would end the process.
        if (answer !== undefined) Promise.resolve(answer).catch((error: unknown) => report(observer, error));
      } catch (error) {
        report(observer, error);
      }
    }
  }

  /** Runs a tool inside of every observer's `runTool`, the first one outermost. Gives what the tool gave, or throws it. */
  runTool(call: ObservedToolCall, tool: () => unknown): unknown {
    if (this.#runners.length === 0) return tool();
    let answer: { value: unknown } | { thrown: unknown } | null = null;
    const runFrom = (index: number): void => {
      const observer = this.#runners[index];
      if (answer !== null) return;
      if (observer === undefined) {
        try {
          answer = { value: tool() };
        } catch (thrown) {
          answer = { thrown };
        }
        return;
      }
      try {
        observer.runTool?.(call, () => runFrom(index + 1));
      } catch (error) {
        report(observer, error);
      }
      runFrom(index + 1);
    };
    runFrom(0);
    const given = answer as unknown as { value: unknown } | { thrown: unknown };
    if ('thrown' in given) throw given.thrown;
    return given.value;
  }

  /** Runs a wait between its two events. */
  async wait(wait: ObservedWait, run: () => Promise<Outcome>): Promise<Outcome> {
    this.emit('waitStarted', wait);
    try {
      const outcome = await run();
      this.emit('waitEnded', wait, { outcome, error: null });
      return outcome;
    } catch (error) {
      this.emit('waitEnded', wait, { outcome: null, error });
      throw error;
    }
  }
}

/** A cell with those who observe it. */
export interface CellObservation {
  hub: ObserverHub;
  cell: ObservedCell;
}

/** The option `observers`. Other properties than the methods are the observer's own business. */
export function resolveObservers(given: unknown): readonly SessionObserver[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw invalidOption(`observers must be an array; got ${describeValue(given)}`);
  const observers: readonly unknown[] = given;
  return observers.map((observer, index) => {
    const path = `observers[${index}]`;
    if (typeof observer !== 'object' || observer === null) {
      throw invalidOption(`${path} must be an object; got ${describeValue(observer)}`);
    }
    const methods = observer as Record<string, unknown>;
    for (const name of METHODS) callback(methods[name], `${path}.${name}`);
    return observer;
  });
}

/** The option `trace`: the observer it gives. */
export function resolveTrace(given: unknown): readonly SessionObserver[] {
  if (given === undefined || given === null) return [];
  const source = given as TraceSource;
  if (typeof given !== 'object' || typeof source.sessionObserver !== 'function') {
    throw invalidOption(`trace must be a trace recorder or one of its threads; got ${describeValue(given)}`);
  }
  return [source.sessionObserver()];
}

function report(observer: SessionObserver, error: unknown): void {
  if (reported.has(observer)) return;
  reported.add(observer);
  let reason: string;
  try {
    reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  } catch {
    reason = 'a value that has no text';
  }
  process.emitWarning(
    `an observer failed; further failures of it are not reported: ${reason}`,
    'CodecellObserverWarning',
  );
}
