import { clockMs } from '../clock.js';
import type { NativeCellOptions, NativeEngineStats } from '../native/addon.js';
import { Channel } from './channel.js';
import type { EngineOptions } from './engine.js';
import type { Frame } from './frames.js';
import type { ResolvedHostProcessOptions } from './options.js';
import { Command, PROTOCOL_VERSION, Report, WITHHOLD_BYTES } from './protocol.js';
import type { RemoteManifest, RemoteValues } from './remote-values.js';
import { readEvent, readPairs, readStats, type ReceivedEvent } from './reports.js';
import { startProcess, type Started } from './start-process.js';

/** How a process that was killed may be late with its exit, and an exited one with the rest of its bytes. Milliseconds. */
const LAST_BYTES_MS = 2000;

export interface HostProcessEnd {
  wasReady: boolean;
  /** A sentence's second half: `was ended by SIGKILL`. */
  how: string;
  /** `ADDON_UNAVAILABLE` and the like, when the process said so itself. */
  code: string | null;
  /** Starting another one would end the same way. */
  isPermanent: boolean;
}

export interface HostProcessOwner {
  onReady: () => void;
  /** Events of one frame, with what cells have committed since the last one. */
  onEvents: (events: ReceivedEvent[]) => void;
  onValues: (valuesId: number, pairs: [string, string][]) => void;
  /** Called once; nothing comes after it. */
  onEnd: (end: HostProcessEnd) => void;
}

const noStats: NativeEngineStats = {
  warmIsolates: 0,
  liveCells: 0,
  queuedCells: 0,
  threads: 0,
  quarantinedThreads: 0,
  cachedSources: 0,
};

/**
 * One host process, seen from its parent.
 *
 *     starting -> ready -> ended
 *
 * It has ended when the process is gone and all it had sent was handled. [host]
 */
export class HostProcess {
  /** As the process last told. */
  stats: NativeEngineStats = noStats;
  /** Bytes received, to see whether it is alive. */
  receivedBytes = 0;
  readonly startedAt = clockMs();
  readonly #owner: HostProcessOwner;
  readonly #started: Started | null = null;
  readonly #channel: Channel | null = null;
  readonly #startTimer: NodeJS.Timeout | null = null;
  #lastBytesTimer: NodeJS.Timeout | null = null;
  readonly #knownManifests = new Set<number>();
  readonly #knownValues = new Set<number>();
  #isReady = false;
  #hasExited = false;
  #isChannelClosed = false;
  #hasEnded = false;
  #how: string | null = null;
  #code: string | null = null;
  #isPermanent = false;
  #statsAsked = false;

  constructor(options: EngineOptions & ResolvedHostProcessOptions, owner: HostProcessOwner) {
    this.#owner = owner;
    try {
      this.#started = startProcess(options);
    } catch (error) {
      this.#how = `could not be started: ${error instanceof Error ? error.message : String(error)}`;
      this.#hasExited = this.#isChannelClosed = true;
      setImmediate(() => this.#endWhenGone());
      return;
    }
    this.#started.onExit((how) => this.#handleExit(how));
    const { carrier } = this.#started;
    if (carrier === null) {
      this.#isChannelClosed = true;
      this.#kill('has no channel: neither a pipe as its fourth stdio entry, nor messages');
      return;
    }
    this.#channel = new Channel({
      carrier,
      acknowledge: (bytes) => [Command.Acknowledge, bytes],
      onFrame: (frame) => this.#handleFrame(frame),
      onClose: (error) => this.#handleClose(error),
    });
    const { warmIsolates, maxCells, maxHeapMb, quarantineMs, loopUnrolling, startTimeoutMs } = options;
    this.#channel.send([
      Command.Open,
      PROTOCOL_VERSION,
      { warmIsolates, maxCells, maxHeapMb, quarantineMs, loopUnrolling },
    ]);
    this.#startTimer = setTimeout(
      () => this.#kill(`was not ready after ${startTimeoutMs} ms`),
      startTimeoutMs,
    );
    this.setRef(false);
  }

  get isReady(): boolean {
    return this.#isReady && !this.#hasEnded;
  }

  start(
    cell: number,
    source: string,
    manifest: RemoteManifest,
    values: RemoteValues,
    options: NativeCellOptions,
  ): void {
    const channel = this.#channel;
    if (channel === null) return;
    const { writer } = channel;
    if (!this.#knownManifests.has(manifest.id)) {
      this.#knownManifests.add(manifest.id);
      channel.send([Command.Manifest, manifest.id, writer.text(manifest.json)]);
    }
    if (!this.#knownValues.has(values.id)) {
      this.#knownValues.add(values.id);
      this.#sendValues(values.id, values.entries());
    }
    channel.send([Command.Start, cell, writer.text(source), manifest.id, values.id, options]);
  }

  /** Values that cells elsewhere have committed. Nothing to do when no cell of the session ran here: it will get all. */
  setValues(valuesId: number, pairs: [string, string][]): void {
    if (this.#knownValues.has(valuesId)) this.#sendValues(valuesId, pairs);
  }

  resolve(cell: number, call: number, json: string): void {
    const channel = this.#channel;
    channel?.send([Command.Resolve, cell, call, channel.writer.text(json)]);
  }

  reject(
    cell: number,
    call: number,
    message: string,
    name: string | undefined,
    code: string | undefined,
    dataJson: string | undefined,
  ): void {
    const channel = this.#channel;
    if (channel === null) return;
    const text = (value: string | undefined) => channel.writer.text(value);
    channel.send([Command.Reject, cell, call, text(message), text(name), text(code), text(dataJson)]);
  }

  stop(cell: number, code: string | undefined, message: string | undefined): void {
    const channel = this.#channel;
    channel?.send([Command.Stop, cell, code ?? null, channel.writer.text(message)]);
  }

  release(manifestId: number, valuesId: number): void {
    const known = this.#knownManifests.delete(manifestId);
    if (this.#knownValues.delete(valuesId) || known) {
      this.#channel?.send([Command.Release, manifestId, valuesId]);
    }
  }

  /** Newer stats come by themselves soon after. */
  askStats(): void {
    if (this.#statsAsked || !this.#isReady) return;
    this.#statsAsked = true;
    this.#channel?.send([Command.AskStats]);
  }

  /** Whether the process keeps this one's event loop running. */
  setRef(ref: boolean): void {
    this.#started?.setRef(ref);
    this.#channel?.setRef(ref);
    if (ref) this.#startTimer?.ref();
    else this.#startTimer?.unref();
    if (ref) this.#lastBytesTimer?.ref();
    else this.#lastBytesTimer?.unref();
  }

  /** Ends the process at once. What it had sent is still handled, then `onEnd` comes. */
  kill(how: string): void {
    this.#kill(how);
  }

  /** Ends the process at once, and whatever a starter put between it and this one; nothing it sent matters any more. */
  close(): void {
    this.#kill('was closed');
    this.#channel?.close();
  }

  #kill(how: string): void {
    if (this.#hasEnded) return;
    this.#how ??= how;
    if (!this.#hasExited) this.#started?.kill();
    this.#waitForLastBytes();
  }

  #sendValues(valuesId: number, pairs: [string, string][]): void {
    const channel = this.#channel;
    if (channel === null) return;
    const fields = pairs.map(([key, json]) => [channel.writer.text(key), channel.writer.text(json)]);
    channel.send([Command.Values, valuesId, fields]);
  }

  #handleFrame(frame: Frame): void {
    this.receivedBytes += frame.bytes;
    const events: ReceivedEvent[] = [];
    for (const message of frame.messages) this.#handleMessage(message, frame, events);
    if (events.length > 0) this.#owner.onEvents(events);
    const channel = this.#channel;
    if (channel !== null) channel.withholding = channel.inFlight > WITHHOLD_BYTES;
  }

  #handleMessage(message: unknown[], frame: Frame, events: ReceivedEvent[]): void {
    switch (message[0] as Report) {
      case Report.Ready:
        return this.#handleReady(message[1]);
      case Report.Failed:
        this.#code = typeof message[1] === 'string' ? message[1] : null;
        this.#isPermanent = true;
        return this.#kill(`could not make its engine: ${frame.text(message[2])}`);
      case Report.Event:
        return void events.push(readEvent(message, frame));
      case Report.Values:
        return this.#owner.onValues(message[1] as number, readPairs(message[2], frame));
      case Report.Stats:
        this.#statsAsked = false;
        this.stats = readStats(message[1]);
        return;
      case Report.Acknowledge:
        return this.#handleAcknowledgement(message[1]);
      default:
        throw new Error(`there is no report ${String(message[0])}`);
    }
  }

  #handleReady(version: unknown): void {
    if (version !== PROTOCOL_VERSION) {
      this.#isPermanent = true;
      this.#kill(`speaks version ${String(version)} of the protocol, not ${PROTOCOL_VERSION}`);
      return;
    }
    if (this.#isReady || this.#startTimer === null) return;
    clearTimeout(this.#startTimer);
    this.#isReady = true;
    this.#owner.onReady();
  }

  #handleAcknowledgement(bytes: unknown): void {
    const channel = this.#channel;
    if (channel === null) return;
    channel.acknowledged(bytes);
    if (channel.withholding && channel.inFlight <= WITHHOLD_BYTES) {
      channel.withholding = false;
      channel.acknowledge();
    }
  }

  #handleExit(how: string): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#how ??= how;
    if (!this.#isReady && how.startsWith('could not be started')) this.#isPermanent = true;
    this.#waitForLastBytes();
    this.#endWhenGone();
  }

  #handleClose(error: Error | null): void {
    this.#isChannelClosed = true;
    if (error !== null) this.#kill(`sent what could not be read: ${error.message}`);
    else if (!this.#hasExited) {
      // The process has closed its side: it is ending, or it is of no use any more.
      this.#started?.kill();
      this.#waitForLastBytes();
    }
    this.#endWhenGone();
  }

  /** The last bytes and the exit come in either order. What does not come soon does not come. */
  #waitForLastBytes(): void {
    this.#lastBytesTimer ??= setTimeout(() => {
      this.#hasExited = true;
      this.#channel?.close();
      this.#isChannelClosed = true;
      this.#endWhenGone();
    }, LAST_BYTES_MS);
  }

  #endWhenGone(): void {
    if (!this.#hasExited || !this.#isChannelClosed || this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#startTimer !== null) clearTimeout(this.#startTimer);
    if (this.#lastBytesTimer !== null) clearTimeout(this.#lastBytesTimer);
    this.stats = noStats;
    const words = this.#isReady ? '' : (this.#started?.lastWords() ?? '');
    const how = (this.#how ?? 'has ended') + (words === '' ? '' : `; it said: ${words}`);
    const { onEnd } = this.#owner;
    onEnd({ wasReady: this.#isReady, how, code: this.#code, isPermanent: this.#isPermanent });
  }
}
