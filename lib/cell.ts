import { CellEventHub, type CellEvent } from './cell-events.js';
import { endError, missingOutcome, noMetrics } from './cell-end.js';
import { clockMs } from './clock.js';
import { armDeadline, onAbort } from './deadline.js';
import { CodeModeError } from './errors.js';
import type { Engine } from './host/engine.js';
import { callSafely, failureText } from './host-callback.js';
import type { ResolvedLimits } from './limits.js';
import { NestedCalls } from './nested-calls.js';
import { NativeEventKind, type NativeEnd } from './native/addon.js';
import type { CellObservation, TerminateRequest } from './observer.js';
import type {
  CellError,
  CellErrorCode,
  CellMetrics,
  ContentItem,
  Diagnostic,
  ImageDetail,
  Outcome,
} from './outcome.js';
import type { OnNotify, OnOutput, Profile } from './options.js';
import type { InvokeTool } from './tools/definition.js';
import type { ResolvedTool } from './tools/tool-set.js';

export interface CellOptions {
  engine: Pick<Engine, 'resolve' | 'reject' | 'stop'>;
  /** The cell's number at the engine: unique in the service. */
  number: number;
  /** The cell's id in its session. */
  cellId: string;
  callId: string | undefined;
  profile: Profile;
  tools: readonly ResolvedTool[];
  invokeTool: InvokeTool | undefined;
  onNotify: OnNotify | undefined;
  onOutput: OnOutput | undefined;
  limits: ResolvedLimits;
  /** Terminates the cell when it fires before the first observation ended. */
  signal: AbortSignal | undefined;
  /** Length of the first observation. */
  yieldTimeMs: number;
  /** Epoch milliseconds. */
  startedAt: number;
  /** Null when nobody observes. */
  observation: CellObservation | null;
  /** The outcome was taken: the session forgets the id. */
  onTaken: (cellId: string) => void;
}

export type CellStatus = 'queued' | 'running' | 'settled';

/** One cell of `session.cells()`. Times are epoch milliseconds. */
export interface CellInfo {
  cellId: string;
  /** `settled` cells wait for someone to take their outcome. */
  status: CellStatus;
  /** When `exec` or `start` was called. */
  startedAt: number;
  /** When the last output item came, or null. */
  lastOutputAt: number | null;
  callId: string | undefined;
  /** Nested calls without an answer. */
  pendingToolCalls: number;
}

/** Someone waiting for an outcome of the cell. */
interface Waiter {
  /** Whether this is the cell's first observation: what it gets answers the exec. */
  isFirst: boolean;
  resolve: (outcome: Outcome) => void;
  /** Removes timers and listeners. */
  release: () => void;
}

interface SettledEnd {
  status: 'completed' | 'failed' | 'terminated';
  error: CellError | null;
  metrics: CellMetrics;
}

/**
 * One exec on the host's side: takes the cell's native events, decides what each observation gets, and settles once.
 *
 *     queued -> running -> ended -> settled -> taken
 *
 * `ended` is V8's end: nested calls are cancelled there. A cell settles when, besides, every notification was
 * answered or cancelled. Its outcome is then held for one observer. [host]
 */
export class Cell {
  readonly cellId: string;
  readonly #options: CellOptions;
  /** Made for the first one. */
  #nestedCalls: NestedCalls | null = null;
  readonly #events = new CellEventHub();
  readonly #createdAt = clockMs();
  #notifications: Set<AbortController> | null = null;
  readonly #diagnostics: Diagnostic[] = [];

  #phase: 'queued' | 'running' | 'ended' | 'settled' | 'taken' = 'queued';
  #items: ContentItem[] = [];
  #lastOutputAt: number | null = null;
  #outputBytes = 0;
  /** When an isolate thread took the cell, milliseconds of the clock. */
  #takenByThreadAt: number | null = null;
  #end: SettledEnd | null = null;

  #observer: Waiter | null = null;
  #terminator: Waiter | null = null;
  /** The cell was asked to stop: by terminate, the exec's signal, or close. */
  #stopping = false;
  /** A terminate call has not been answered. */
  #terminating = false;
  #abortError: CellError | null = null;
  #reason: Error | null = null;
  #firstOutcome: Promise<Outcome> | null = null;
  #releaseSignal: (() => void) | null = null;
  /** Those who wait for the settlement without taking the outcome. */
  #onSettled: (() => void)[] | null = null;

  constructor(options: CellOptions) {
    this.#options = options;
    this.cellId = options.cellId;
    if (options.signal !== undefined) this.#followSignal(options.signal);
  }

  get observation(): CellObservation | null {
    return this.#options.observation;
  }

  get info(): CellInfo {
    return {
      cellId: this.cellId,
      status: this.#phase === 'queued' ? 'queued' : this.#isSettled ? 'settled' : 'running',
      startedAt: this.#options.startedAt,
      lastOutputAt: this.#lastOutputAt,
      callId: this.#options.callId,
      pendingToolCalls: this.#nestedCalls?.pendingCount ?? 0,
    };
  }

  /** Events from now on. */
  events(): AsyncIterableIterator<CellEvent> {
    return this.#events.listen();
  }

  /** The first observation; the same promise on every call, except that one that was refused can be made again. */
  firstOutcome(): Promise<Outcome> {
    if (this.#firstOutcome !== null) return this.#firstOutcome;
    if (this.#observer !== null) return this.#busy();
    return (this.#firstOutcome = this.observe(this.#options.yieldTimeMs, undefined, true));
  }

  /** Waits for the end, a yield, or the deadline, whichever comes first. */
  observe(yieldTimeMs: number, signal?: AbortSignal, isFirst = false): Promise<Outcome> {
    if (this.#phase === 'taken') return Promise.resolve(missingOutcome(this.cellId));
    if (this.#observer !== null) return this.#busy();
    if (this.#phase === 'settled') return Promise.resolve(this.#takeOutcome(isFirst));
    // A terminated cell's end is near, and its last output belongs to that end.
    if (this.#stopping) return this.#observeUntil(Infinity, signal, isFirst);
    if (yieldTimeMs === 0) return Promise.resolve(this.#yieldedOutcome('time', isFirst));
    const { profile } = this.#options;
    const extra = profile === 'codex' && yieldTimeMs >= 10_000 ? 1000 : 0;
    return this.#observeUntil(yieldTimeMs + extra, signal, isFirst);
  }

  /** Stops the cell and waits for its end, whatever that turns out to be. */
  terminate(signal?: AbortSignal): Promise<Outcome> {
    if (this.#phase === 'taken') return Promise.resolve(missingOutcome(this.cellId));
    if (this.#terminating) {
      return rejected('CELL_TERMINATING', `exec cell ${this.cellId} is already terminating`);
    }
    if (this.#phase === 'settled') return Promise.resolve(this.#takeOutcome(false));
    this.#terminating = true;
    const outcome = new Promise<Outcome>((resolve, reject) => {
      const release = onAbort(signal, () => {
        this.#terminator = null;
        reject(
          abortedError(
            `terminate of exec cell ${this.cellId} was aborted; the cell is terminated all the same`,
          ),
        );
      });
      this.#terminator = { isFirst: false, resolve, release };
    });
    this.#stop('terminate');
    return outcome;
  }

  /** Stops the cell without taking its outcome. Resolves when it has settled. */
  shutDown(): Promise<void> {
    if (this.#isSettled) return Promise.resolve();
    const settlement = new Promise<void>((resolve) => (this.#onSettled ??= []).push(resolve));
    this.#stop('close');
    return settlement;
  }

  /** Ends a cell that never reached the engine. */
  failBeforeStart(code: CellErrorCode, message: string): void {
    const error: CellError = { code, message, text: message };
    this.#end = { status: 'failed', error, metrics: this.#metricsSoFar() };
    this.#settle();
  }

  /** One native event. `batchStartedAt` is when its batch began to be handled, milliseconds of the clock. */
  handleEvent(kind: NativeEventKind, a: unknown, b: unknown, c: unknown, batchStartedAt: number): void {
    switch (kind) {
      case NativeEventKind.Started:
        this.#phase = 'running';
        this.#takenByThreadAt = batchStartedAt;
        if (this.#events.hasListeners) this.#events.emit({ type: 'started', cellId: this.cellId });
        return;
      case NativeEventKind.Text:
        return this.#appendItem({ type: 'input_text', text: a as string }, c as number);
      case NativeEventKind.Image: {
        const item: ContentItem = { type: 'input_image', image_url: a as string, detail: b as ImageDetail };
        return this.#appendItem(item, c as number);
      }
      case NativeEventKind.Audio:
        return this.#appendItem({ type: 'input_audio', audio_url: a as string }, c as number);
      case NativeEventKind.ToolCall:
        this.#nestedCalls ??= this.#makeNestedCalls();
        return this.#nestedCalls.begin(a as number, b as number, c as string | undefined, batchStartedAt);
      case NativeEventKind.Notify:
        return this.#notify(a as string);
      case NativeEventKind.Yield:
        if (this.#events.hasListeners) this.#events.emit({ type: 'yieldControl', cellId: this.cellId });
        return this.#yieldToObserver('script');
      case NativeEventKind.Ended:
        return this.#handleEnd(a as NativeEnd, batchStartedAt);
    }
  }

  #makeNestedCalls(): NestedCalls {
    const { engine, number, cellId, callId, profile, tools, invokeTool, limits, observation } = this.#options;
    return new NestedCalls({
      engine,
      cell: number,
      cellId,
      execCallId: callId,
      profile,
      tools,
      invokeTool,
      pendingToolCalls: limits.pendingToolCalls,
      toolResultBytes: limits.toolResultBytes,
      events: this.#events,
      observation,
      stop: (code, message) => void engine.stop(number, code, message),
    });
  }

  #busy(): Promise<never> {
    return rejected('CELL_BUSY', `exec cell ${this.cellId} already has an active observer`);
  }

  get #isSettled(): boolean {
    return this.#phase === 'settled' || this.#phase === 'taken';
  }

  #observeUntil(deadlineMs: number, signal: AbortSignal | undefined, isFirst: boolean): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const stopTimer = armDeadline(deadlineMs, () => this.#yieldToObserver('time'));
      let release = stopTimer;
      if (signal !== undefined) {
        const releaseSignal = onAbort(signal, () => {
          this.#observer = null;
          stopTimer();
          reject(abortedError(`wait for exec cell ${this.cellId} was aborted`));
        });
        release = () => {
          stopTimer();
          releaseSignal();
        };
      }
      this.#observer = { isFirst, resolve, release };
    });
  }

  /** A yield ends the current observation. Without one it has no effect, nor when the cell is being stopped. */
  #yieldToObserver(cause: 'script' | 'time'): void {
    const { observation } = this.#options;
    if (this.#observer === null || this.#stopping) {
      observation?.hub.emit('cellYielded', observation.cell, { cause, observed: false });
      return;
    }
    const observer = this.#observer;
    this.#observer = null;
    observer.release();
    observer.resolve(this.#yieldedOutcome(cause, observer.isFirst));
  }

  #stop(cause: TerminateRequest['cause']): void {
    const { observation } = this.#options;
    observation?.hub.emit('terminateRequested', observation.cell, { cause });
    this.#stopping = true;
    if (this.#phase === 'ended') this.#cancelNotifications();
    else this.#options.engine.stop(this.#options.number);
  }

  #appendItem(item: ContentItem, bytes: number): void {
    this.#items.push(item);
    this.#lastOutputAt = Date.now();
    this.#outputBytes += bytes;
    const { cellId } = this;
    if (this.#events.hasListeners) this.#events.emit({ type: 'output', cellId, item });
    const { observation, onOutput } = this.#options;
    observation?.hub.emit('outputAppended', observation.cell, item);
    if (onOutput === undefined) return;
    const report = (error: unknown) =>
      this.#diagnose('OUTPUT_HANDLER_FAILED', `onOutput failed: ${failureText(error)}`);
    callSafely(
      () => onOutput(item, { cellId }),
      () => {},
      report,
    );
  }

  #notify(text: string): void {
    const { cellId } = this;
    if (this.#events.hasListeners) this.#events.emit({ type: 'notification', cellId, text });
    const { observation, onNotify, callId } = this.#options;
    observation?.hub.emit('notified', observation.cell, text);
    if (onNotify === undefined) return;
    const controller = new AbortController();
    (this.#notifications ??= new Set()).add(controller);
    const answered = () => {
      if (this.#notifications?.delete(controller)) this.#settleIfAnswered();
    };
    const failed = (error: unknown) => {
      if (!this.#notifications?.has(controller)) return;
      this.#diagnose('NOTIFY_FAILED', `onNotify failed: ${failureText(error)}`);
      answered();
    };
    callSafely(() => onNotify({ text, callId, cellId, signal: controller.signal }), answered, failed);
  }

  #cancelNotifications(): void {
    const pending = [...(this.#notifications ?? [])];
    this.#notifications = null;
    for (const controller of pending) controller.abort(this.#abortReason());
    this.#settleIfAnswered();
  }

  #handleEnd(end: NativeEnd, batchStartedAt: number): void {
    this.#phase = 'ended';
    if (this.#nestedCalls !== null) this.#diagnoseUnseenFailures(this.#nestedCalls, end, batchStartedAt);
    if (end.diagnostics.length > 0 || end.quarantined) this.#mergeDiagnostics(end);
    this.#nestedCalls?.cancelAll(() => this.#abortReason());
    this.#end = { status: end.status, error: endError(end, this.#abortError), metrics: this.#metricsOf(end) };
    if (this.#stopping || end.status === 'terminated') this.#cancelNotifications();
    else this.#settleIfAnswered();
  }

  #settleIfAnswered(): void {
    if (this.#phase === 'ended' && !this.#notifications?.size) this.#settle();
  }

  /** The one place where a cell settles. */
  #settle(): void {
    const end = this.#end!;
    this.#phase = 'settled';
    this.#terminating = false;
    this.#releaseSignal?.();
    this.#events.close({ type: 'settled', cellId: this.cellId, status: end.status, error: end.error });
    const observer = this.#observer;
    const terminator = this.#terminator;
    this.#observer = null;
    this.#terminator = null;
    const isAwaited = observer !== null || terminator !== null;
    const outcome = isAwaited ? this.#takeOutcome(observer?.isFirst ?? false) : null;
    this.#reportEnd(end, outcome);
    if (observer !== null) answer(observer, outcome!);
    if (terminator !== null) answer(terminator, outcome!);
    this.#onSettled?.forEach((report) => report());
  }

  #reportEnd(end: SettledEnd, outcome: Outcome | null): void {
    const { observation } = this.#options;
    if (observation === null) return;
    const diagnostics = this.#diagnostics.slice();
    const quarantined = diagnostics.some(({ code }) => code === 'QUARANTINED');
    observation.hub.emit('cellEnded', observation.cell, {
      ...end,
      diagnostics,
      quarantined,
      outcome,
    });
  }

  #takeOutcome(isFirst: boolean): Outcome {
    this.#phase = 'taken';
    this.#options.onTaken(this.cellId);
    const { status, error, metrics } = this.#end!;
    const outcome = this.#outcome(status, error, metrics);
    if (isFirst) this.#reportFirst(outcome);
    return outcome;
  }

  #yieldedOutcome(cause: 'script' | 'time', isFirst: boolean): Outcome {
    const { observation } = this.#options;
    observation?.hub.emit('cellYielded', observation.cell, { cause, observed: true });
    const metrics = this.#end?.metrics ?? this.#metricsSoFar();
    const outcome = this.#outcome('yielded', null, metrics);
    if (isFirst) this.#reportFirst(outcome);
    return outcome;
  }

  #reportFirst(outcome: Outcome): void {
    this.#releaseSignal?.();
    const { observation } = this.#options;
    observation?.hub.emit('firstOutcome', observation.cell, outcome);
  }

  /** Hands over the unread output. */
  #outcome(status: SettledEnd['status'] | 'yielded', error: CellError | null, metrics: CellMetrics): Outcome {
    const contentItems = this.#items;
    this.#items = [];
    return {
      status,
      cellId: this.cellId,
      contentItems,
      error,
      toolCalls: this.#nestedCalls?.list() ?? [],
      diagnostics: this.#diagnostics.slice(),
      metrics,
    } as Outcome;
  }

  #metricsSoFar(): CellMetrics {
    const now = clockMs();
    return {
      ...noMetrics,
      queueMs: (this.#takenByThreadAt ?? now) - this.#createdAt,
      wallMs: now - this.#createdAt,
      outputBytes: this.#outputBytes,
      toolCalls: this.#nestedCalls?.count ?? 0,
    };
  }

  #metricsOf(end: NativeEnd): CellMetrics {
    const { queueMs, startMs, compileMs, runMs, wallMs, cpuMs, heapUsedBytes } = end;
    // A quarantined thread does not say how much it wrote; what arrived is known here.
    const outputBytes = Math.max(end.outputBytes, this.#outputBytes);
    const toolCalls = this.#nestedCalls?.count ?? 0;
    return { queueMs, startMs, compileMs, runMs, wallMs, cpuMs, heapUsedBytes, outputBytes, toolCalls };
  }

  #mergeDiagnostics(end: NativeEnd): void {
    for (const [code, message] of end.diagnostics) this.#diagnose(code as Diagnostic['code'], message);
    const reported = this.#diagnostics.some(({ code }) => code === 'QUARANTINED');
    if (end.quarantined && !reported) {
      this.#diagnose('QUARANTINED', `the thread of exec cell ${this.cellId} did not stop and was set aside`);
    }
  }

  #diagnoseUnseenFailures(calls: NestedCalls, end: NativeEnd, batchStartedAt: number): void {
    // A result over its limit is the cell's error already.
    const reportsCalls = end.status !== 'terminated' && end.code !== 'TOOL_RESULT_LIMIT';
    if (this.#options.profile === 'codex' || !reportsCalls) return;
    for (const call of calls.failuresUnseen(end.unansweredCalls, batchStartedAt)) {
      this.#diagnose(
        'UNAWAITED_TOOL_FAILURE',
        `tool \`${call.name}\` (${call.id}) failed, and the script never heard of it: ${call.error ?? ''}`,
      );
    }
  }

  #diagnose(code: Diagnostic['code'], message: string): void {
    this.#diagnostics.push({ code, message });
  }

  /** Made when a signal asks for it: most cells end with nothing to abort. */
  #abortReason(): Error {
    return (this.#reason ??= new DOMException(`exec cell ${this.cellId} ended`, 'AbortError'));
  }

  #followSignal(signal: AbortSignal): void {
    const release = onAbort(signal, () => {
      if (this.#isSettled) return;
      const message = `exec cell ${this.cellId} was terminated because the signal of its exec fired`;
      this.#abortError = { code: 'ABORTED', message, text: message };
      this.#stop('signal');
    });
    this.#releaseSignal = () => {
      this.#releaseSignal = null;
      release();
    };
  }
}

function answer({ release, resolve }: Waiter, outcome: Outcome): void {
  release();
  resolve(outcome);
}

export function abortedError(message: string): CodeModeError {
  return new CodeModeError('ABORTED', message);
}

function rejected(code: 'CELL_BUSY' | 'CELL_TERMINATING', message: string): Promise<never> {
  return Promise.reject(new CodeModeError(code, message));
}
