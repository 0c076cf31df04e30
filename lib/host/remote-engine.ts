import { clockMs } from '../clock.js';
import { CodeModeError } from '../errors.js';
import {
  NativeEventKind,
  type NativeCellOptions,
  type NativeEnd,
  type NativeEventHandler,
  type NativeToolEntry,
  noRun,
} from '../native/addon.js';
import type { CellErrorCode } from '../outcome.js';
import type { Engine, EngineOptions, EngineStats } from './engine.js';
import { HostProcess, type HostProcessEnd } from './host-process.js';
import type { ResolvedHostProcessOptions } from './options.js';
import { RemoteManifest, RemoteValues } from './remote-values.js';
import type { ReceivedEvent } from './reports.js';

/** So many starts in a row may fail before waiting cells are given up. */
const STARTS_IN_A_ROW = 3;
/** Pause after the first failed start; it doubles with each further one. Milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
/** A process that ended sooner and had ended no cell is only replaced when a cell needs one. Milliseconds. */
const SETTLED_AFTER_MS = 1000;
/** How often a process that is late with the end of a stopped cell, but sends something, is given another grace time. */
const MOST_GRACE_TIMES = 10;

interface RemoteCell {
  readonly number: number;
  readonly manifest: RemoteManifest;
  readonly values: RemoteValues;
  readonly options: NativeCellOptions;
  /** Until it was sent. */
  source: string;
  /** Null while it waits in the queue here. */
  place: Place | null;
  started: boolean;
  readonly createdAt: number;
  /** Time in the queue here, milliseconds. */
  waitedMs: number;
  /** What stop() was called with first. */
  stopped: { code: string | undefined; message: string | undefined } | null;
  stopTimer: NodeJS.Timeout | null;
  /** What its process has sent of it: items, their UTF-16 units, and calls with notifications. */
  readonly sent: { items: number; units: number; calls: number };
}

/** A process with what this side knows of its cells. */
interface Place {
  readonly process: HostProcess;
  readonly cells: Set<RemoteCell>;
  /** Cells that have ended there. */
  endedCells: number;
  /** Set when it gets no further cells. */
  retirement: NodeJS.Timeout | 'now' | null;
}

/**
 * An engine whose cells run in host processes: one that takes cells, and those that are about to go because a thread of
 * theirs does not stop. At most `maxCells` are with a process; the others wait here, and lose nothing when it ends. [host]
 */
export class RemoteEngine implements Engine<RemoteManifest, RemoteValues> {
  readonly #options: EngineOptions & ResolvedHostProcessOptions;
  readonly #onEvent: NativeEventHandler;
  #current: Place | null = null;
  readonly #retired = new Set<Place>();
  readonly #cells = new Map<number, RemoteCell>();
  #waiting = new Set<RemoteCell>();
  readonly #values = new Map<number, RemoteValues>();
  #lastId = 0;
  #failedStarts = 0;
  #lostProcesses = 0;
  #startTimer: NodeJS.Timeout | null = null;
  #isRef = false;
  #closing: Promise<void> | null = null;
  #allGone: (() => void) | null = null;

  constructor(options: EngineOptions & ResolvedHostProcessOptions, onEvent: NativeEventHandler) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#startProcess();
  }

  createManifest(tools: NativeToolEntry[]): RemoteManifest {
    return new RemoteManifest(++this.#lastId, tools);
  }

  createValues(): RemoteValues {
    const values = new RemoteValues(++this.#lastId);
    this.#values.set(values.id, values);
    return values;
  }

  start(
    number: number,
    source: string,
    manifest: RemoteManifest,
    values: RemoteValues,
    options: NativeCellOptions,
  ): void {
    if (this.#closing !== null) throw new CodeModeError('SERVICE_CLOSED', 'the engine is closed');
    const cell: RemoteCell = {
      number,
      manifest,
      values,
      options,
      source,
      place: null,
      started: false,
      createdAt: clockMs(),
      waitedMs: 0,
      stopped: null,
      stopTimer: null,
      sent: { items: 0, units: 0, calls: 0 },
    };
    this.#cells.set(number, cell);
    this.#waiting.add(cell);
    this.#sendWaiting();
    this.#updateRef();
  }

  resolve(number: number, call: number, json: string): void {
    this.#placeOf(number)?.process.resolve(number, call, json);
  }

  reject(
    number: number,
    call: number,
    message: string,
    name?: string,
    code?: string,
    dataJson?: string,
  ): void {
    this.#placeOf(number)?.process.reject(number, call, message, name, code, dataJson);
  }

  stop(number: number, code?: string, message?: string): boolean {
    const cell = this.#cells.get(number);
    if (cell === undefined) return false;
    if (cell.stopped !== null) return true;
    cell.stopped = { code, message };
    if (cell.place === null) {
      this.#waiting.delete(cell);
      // Not from within the call: the caller is not ready for events.
      setImmediate(() => this.#endCells([cell], (one) => stoppedEnd(one)));
      return true;
    }
    cell.place.process.stop(number, code, message);
    this.#expectEnd(cell, MOST_GRACE_TIMES);
    return true;
  }

  release(manifest: RemoteManifest, values: RemoteValues): void {
    this.#values.delete(values.id);
    for (const { process } of this.#places()) process.release(manifest.id, values.id);
  }

  /** Of the threads, what the processes told last; newer numbers are asked for. */
  stats(): EngineStats {
    const places = this.#places();
    const stats: EngineStats = {
      warmIsolates: 0,
      liveCells: 0,
      queuedCells: 0,
      threads: 0,
      quarantinedThreads: 0,
      cachedSources: 0,
      processes: places.length,
      lostProcesses: this.#lostProcesses,
    };
    for (const { process } of places) {
      stats.warmIsolates += process.stats.warmIsolates;
      stats.threads += process.stats.threads;
      stats.quarantinedThreads += process.stats.quarantinedThreads;
      stats.cachedSources += process.stats.cachedSources;
      process.askStats();
    }
    for (const { started } of this.#cells.values()) {
      if (started) stats.liveCells++;
      else stats.queuedCells++;
    }
    return stats;
  }

  close(): Promise<void> {
    if (this.#closing !== null) return this.#closing;
    if (this.#startTimer !== null) clearTimeout(this.#startTimer);
    const places = this.#places();
    this.#closing =
      places.length === 0 ? Promise.resolve() : new Promise((resolve) => (this.#allGone = resolve));
    for (const { process } of places) {
      // Whoever waits for the end must not find the event loop empty before.
      process.setRef(true);
      process.close();
    }
    return this.#closing;
  }

  #places(): Place[] {
    return this.#current === null ? [...this.#retired] : [this.#current, ...this.#retired];
  }

  #placeOf(number: number): Place | null {
    return this.#cells.get(number)?.place ?? null;
  }

  // Processes ------------------------------------------------------------------------------------------------------

  #startProcess(): void {
    if (this.#current !== null || this.#startTimer !== null || this.#closing !== null) return;
    const place: Place = {
      process: new HostProcess(this.#options, {
        onReady: () => {
          this.#failedStarts = 0;
          this.#sendWaiting();
        },
        onEvents: (events) => this.#handleEvents(place, events),
        onValues: (valuesId, pairs) => this.#handleValues(place, valuesId, pairs),
        onEnd: (end) => this.#handleProcessEnd(place, end),
      }),
      cells: new Set(),
      endedCells: 0,
      retirement: null,
    };
    this.#current = place;
    place.process.setRef(this.#isRef);
  }

  #handleProcessEnd(place: Place, end: HostProcessEnd): void {
    const wasCurrent = this.#current === place;
    if (wasCurrent) this.#current = null;
    this.#retired.delete(place);
    if (place.retirement !== null && place.retirement !== 'now') clearTimeout(place.retirement);
    if (this.#closing !== null) {
      this.#endCells([...this.#cells.values()], (cell) => stoppedEnd(cell));
      if (this.#places().length === 0) this.#allGone?.();
      return;
    }
    if (end.wasReady) {
      this.#lostProcesses++;
      const message = `the host process that ran the script was lost: it ${end.how}`;
      this.#endCells([...place.cells], (cell) => lostEnd(cell, message));
    }
    if (!wasCurrent) return;
    if (!end.wasReady) this.#handleFailedStart(end);
    const hasSettled = place.endedCells > 0 || clockMs() - place.process.startedAt > SETTLED_AFTER_MS;
    if (this.#waiting.size > 0 || (end.wasReady && hasSettled)) this.#startLater();
  }

  #handleFailedStart(end: HostProcessEnd): void {
    this.#failedStarts++;
    if (!end.isPermanent && this.#failedStarts < STARTS_IN_A_ROW) return;
    const code: CellErrorCode =
      end.code === 'ADDON_UNAVAILABLE' ? 'ADDON_UNAVAILABLE' : 'HOST_PROCESS_UNAVAILABLE';
    const message = `no host process could be started: it ${end.how}`;
    const givenUp = [...this.#waiting];
    this.#waiting.clear();
    this.#endCells(givenUp, (cell) => failedEnd(cell, code, message));
  }

  /** Starts a process after the pause that failed starts call for. */
  #startLater(): void {
    if (this.#current !== null || this.#startTimer !== null || this.#closing !== null) return;
    if (this.#failedStarts === 0) return this.#startProcess();
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failedStarts - 1), LONGEST_PAUSE_MS);
    this.#startTimer = setTimeout(() => {
      this.#startTimer = null;
      this.#startProcess();
    }, pauseMs);
    if (!this.#isRef) this.#startTimer.unref();
  }

  /** A thread of the process does not stop: it gets no further cells, and goes when those it has are done. */
  #retire(place: Place): void {
    if (place.retirement !== null) return;
    if (this.#current === place) this.#current = null;
    this.#retired.add(place);
    place.retirement = setTimeout(() => this.#killRetired(place), this.#options.graceMs);
    place.retirement.unref();
    if (place.cells.size === 0) this.#killRetired(place);
    if (this.#closing === null) this.#startProcess();
  }

  #killRetired(place: Place): void {
    if (place.retirement === 'now') return;
    if (place.retirement !== null) clearTimeout(place.retirement);
    place.retirement = 'now';
    place.process.kill('was killed because one of its threads would not stop');
  }

  /** Kills the process when the end of a stopped cell does not come and nothing else does. */
  #expectEnd(cell: RemoteCell, times: number): void {
    const place = cell.place;
    if (place === null) return;
    const { quarantineMs, graceMs } = this.#options;
    const before = place.process.receivedBytes;
    cell.stopTimer = setTimeout(() => {
      // What has come meanwhile is read first: this event loop may be the one that was late.
      setImmediate(() => {
        if (this.#cells.get(cell.number) !== cell) return;
        if (times > 0 && place.process.receivedBytes > before) return this.#expectEnd(cell, times - 1);
        place.process.kill('was killed because it did not answer');
      });
    }, quarantineMs + graceMs);
  }

  // Cells ----------------------------------------------------------------------------------------------------------

  #sendWaiting(): void {
    const place = this.#current;
    if (this.#waiting.size === 0) return;
    if (place === null) return this.#startLater();
    if (!place.process.isReady) return;
    const now = clockMs();
    for (const cell of this.#waiting) {
      if (place.cells.size >= this.#options.maxCells) return;
      this.#waiting.delete(cell);
      cell.waitedMs = now - cell.createdAt;
      cell.place = place;
      place.cells.add(cell);
      place.process.start(cell.number, cell.source, cell.manifest, cell.values, cell.options);
      cell.source = '';
    }
  }

  /** Hands on the events of cells that are this process's own; it cannot speak for others. */
  #handleEvents(place: Place, events: ReceivedEvent[]): void {
    const own: ReceivedEvent[] = [];
    let mustRetire = false;
    for (const event of events) {
      const cell = this.#cells.get(event.cell);
      if (cell?.place !== place) continue;
      if (exceedsLimits(cell, event)) {
        place.process.kill('sent more than the limits of its cell allow');
        break;
      }
      switch (event.kind) {
        case NativeEventKind.Started:
          cell.started = true;
          break;
        case NativeEventKind.ToolCall:
          if (event.b >= cell.manifest.toolCount) continue;
          break;
        case NativeEventKind.Ended:
          mustRetire ||= event.a.quarantined;
          place.endedCells++;
          event.a.queueMs += cell.waitedMs;
          event.a.wallMs += cell.waitedMs;
          this.#forget(cell);
          break;
        case NativeEventKind.Text:
        case NativeEventKind.Image:
        case NativeEventKind.Audio:
        case NativeEventKind.Notify:
        case NativeEventKind.Yield:
          break;
      }
      own.push(event);
    }
    if (mustRetire) this.#retire(place);
    const now = clockMs();
    for (const { kind, cell, a, b, c } of own) this.#onEvent(kind, cell, a, b, c, now);
    if (place.retirement !== null && place.cells.size === 0) this.#killRetired(place);
    this.#sendWaiting();
    this.#updateRef();
  }

  /**
   * What cells committed counts from here on. Another process with cells of the session is told; so is this one then,
   * because what counts is the order here, and the other one's values may be on the way to it.
   */
  #handleValues(place: Place, valuesId: number, pairs: [string, string][]): void {
    const values = this.#values.get(valuesId);
    if (values === undefined) return;
    for (const [key, json] of pairs) values.set(key, json);
    const current = this.#current;
    if (current !== null && (current !== place || this.#retired.size > 0))
      current.process.setValues(valuesId, pairs);
  }

  #endCells(cells: RemoteCell[], endOf: (cell: RemoteCell) => NativeEnd): void {
    const ends: [number, NativeEnd][] = [];
    for (const cell of cells) {
      if (this.#cells.get(cell.number) !== cell) continue;
      this.#forget(cell);
      ends.push([cell.number, endOf(cell)]);
    }
    const now = clockMs();
    for (const [number, end] of ends)
      this.#onEvent(NativeEventKind.Ended, number, end, undefined, undefined, now);
    this.#updateRef();
  }

  #forget(cell: RemoteCell): void {
    this.#cells.delete(cell.number);
    this.#waiting.delete(cell);
    cell.place?.cells.delete(cell);
    if (cell.stopTimer !== null) clearTimeout(cell.stopTimer);
  }

  /** Cells keep this process's event loop running; idle host processes do not. */
  #updateRef(): void {
    const ref = this.#cells.size > 0;
    if (ref === this.#isRef || this.#closing !== null) return;
    this.#isRef = ref;
    for (const { process } of this.#places()) process.setRef(ref);
    if (ref) this.#startTimer?.ref();
    else this.#startTimer?.unref();
  }
}

/**
 * Counts what came of a cell. The limits are enforced in the host process; that one which was taken over does not fill this
 * one's memory instead is seen to here. A UTF-16 unit is at least one byte, by whatever measure.
 */
function exceedsLimits({ sent, options }: RemoteCell, event: ReceivedEvent): boolean {
  const { outputItems, outputBytes, toolCalls } = options;
  switch (event.kind) {
    case NativeEventKind.Text:
    case NativeEventKind.Image:
    case NativeEventKind.Audio:
      sent.items++;
      sent.units += event.a.length;
      return isOver(sent.items, outputItems) || isOver(sent.units, outputBytes);
    case NativeEventKind.ToolCall:
    case NativeEventKind.Notify:
      return isOver(++sent.calls, toolCalls);
    case NativeEventKind.Started:
    case NativeEventKind.Yield:
    case NativeEventKind.Ended:
      return false;
  }
}

function isOver(used: number, allowed: number): boolean {
  return allowed > 0 && used > allowed;
}

function endOf(cell: RemoteCell, end: Pick<NativeEnd, 'status' | 'code' | 'message'>): NativeEnd {
  const wallMs = clockMs() - cell.createdAt;
  return {
    ...end,
    quarantined: false,
    diagnostics: [],
    ...noRun,
    queueMs: cell.place === null ? wallMs : cell.waitedMs,
    wallMs,
  };
}

function failedEnd(cell: RemoteCell, code: CellErrorCode, message: string): NativeEnd {
  return endOf(cell, { status: 'failed', code, message });
}

/** The end of a cell whose stop was asked for, as it was asked for. */
function stoppedEnd(cell: RemoteCell): NativeEnd {
  const { code, message } = cell.stopped ?? {};
  if (code === undefined) return endOf(cell, { status: 'terminated' });
  return endOf(cell, { status: 'failed', code, message: message ?? '' });
}

/** The end of a cell whose process is gone. Where a stop came first, that decides, as it does on threads. */
function lostEnd(cell: RemoteCell, message: string): NativeEnd {
  if (cell.stopped === null) return failedEnd(cell, 'HOST_PROCESS_LOST', message);
  return { ...stoppedEnd(cell), diagnostics: [['HOST_PROCESS_LOST', message]] };
}
