import * as fs from 'node:fs';
import { Worker } from 'node:worker_threads';

/** What goes to the files of one bundle at once, in order. */
export interface Batch {
  /** The bundle's folder. */
  folder: string;
  /** The text of manifest.json when the bundle is still to be made, else null. */
  manifest: string | null;
  /** Where in the log the lines begin, bytes. Writing a batch again changes nothing. */
  offset: number;
  /** Pairs of a name and a text: a payload file, or with an empty name a line of the log. */
  items: string[];
}

export interface BatchResult {
  /** How many of the items are on disk; all when `error` is null. */
  done: number;
  /** Bytes added to the log. */
  logBytes: number;
  error: { code: string; message: string } | null;
}

/**
 * Writes a batch: every payload file before the lines after it. When something cannot be written, the lines before
 * it still are. Runs in the writer's thread, where only its source text arrives: it may use nothing but its
 * arguments and what every script has.
 */
export function writeBatch(files: typeof fs, batch: Batch): BatchResult {
  const { folder, items, manifest, offset } = batch;
  const describe = (error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    return { code: String(code ?? 'UNKNOWN'), message: String(message) };
  };
  const log = `${folder}/trace.jsonl`;
  let done = 0;
  let lines = '';
  let failure: BatchResult['error'] = null;
  try {
    if (manifest !== null) {
      files.mkdirSync(`${folder}/payloads`, { recursive: true, mode: 0o700 });
      files.writeFileSync(`${folder}/manifest.json`, manifest, { mode: 0o600 });
      files.closeSync(files.openSync(log, 'a', 0o600));
    }
    while (done < items.length) {
      const name = items[done] as string;
      const text = items[done + 1] as string;
      if (name === '') lines += text;
      else files.writeFileSync(`${folder}/${name}`, text, { mode: 0o600 });
      done += 2;
    }
  } catch (error) {
    failure = describe(error);
  }
  if (lines === '') return { done, logBytes: 0, error: failure };
  try {
    const bytes = Buffer.from(lines);
    // Not appended: a log that has vanished must not be made again without its beginning.
    const file = files.openSync(log, 'r+');
    try {
      let written = 0;
      while (written < bytes.length) {
        written += files.writeSync(file, bytes, written, bytes.length - written, offset + written);
      }
    } catch (error) {
      files.ftruncateSync(file, offset);
      throw error;
    } finally {
      files.closeSync(file);
    }
    return { done, logBytes: bytes.length, error: failure };
  } catch (error) {
    return { done: 0, logBytes: 0, error: describe(error) };
  }
}

const threadSource = `
const { parentPort } = require('node:worker_threads');
const files = require('node:fs');
const writeBatch = ${writeBatch.toString()};
parentPort.on('message', ({ id, batch }) => parentPort.postMessage({ id, result: writeBatch(files, batch) }));
`;

/** The one thread that writes for all bundles of the process. Keeps the process alive only while someone flushes. */
class WriterThread {
  readonly #writers = new Map<number, BundleWriter>();
  #worker: Worker | null = null;
  #lastId = 0;
  #flushes = 0;

  join(writer: BundleWriter): number {
    if (this.#writers.size === 0) process.on('exit', this.#atExit);
    this.#writers.set(++this.#lastId, writer);
    return this.#lastId;
  }

  leave(id: number): void {
    this.#writers.delete(id);
    if (this.#writers.size > 0) return;
    process.off('exit', this.#atExit);
    void this.#worker?.terminate();
    this.#worker = null;
  }

  send(id: number, batch: Batch): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, batch });
  }

  /** Until the returned function is called, the process stays alive for the answers. */
  holdProcess(): () => void {
    this.#flushes += 1;
    this.#worker?.ref();
    return () => {
      this.#flushes -= 1;
      if (this.#flushes === 0) this.#worker?.unref();
    };
  }

  #start(): Worker {
    const worker = new Worker(threadSource, { eval: true, execArgv: [], name: 'codecell-trace' });
    worker.on('message', ({ id, result }: { id: number; result: BatchResult }) => {
      this.#writers.get(id)?.settle(result);
    });
    const lost = (error: Error) => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      const result = { done: 0, logBytes: 0, error: { code: 'WRITER_LOST', message: error.message } };
      for (const writer of [...this.#writers.values()]) writer.settle(result);
    };
    worker.on('error', lost);
    worker.on('exit', () => lost(new Error('the thread that writes traces ended')));
    // Last, because a listener of messages keeps the process alive.
    if (this.#flushes === 0) worker.unref();
    return worker;
  }

  /** What is still on its way is written here, again if need be, so that a trace survives the end of the process. */
  readonly #atExit = (): void => {
    for (const writer of [...this.#writers.values()]) writer.writeRemaining();
  };
}

const thread = new WriterThread();

/** Failures after which trying again is pointless: the bundle is gone. */
const FINAL = new Set(['ENOENT', 'ENOTDIR', 'WRITER_LOST']);
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** Texts handed to the thread at once, UTF-16 units. */
const BATCH_SIZE = 8 * 2 ** 20;

export interface BundleWriterEvents {
  /** Called before the last writing at the end of the process, to hand over what is still to be formatted. */
  beforeExit: () => void;
  failed: (message: string) => void;
}

/**
 * Writes one bundle, in order, on another thread. What cannot be written is tried again later, or, when the bundle
 * has vanished, given up. Never throws. [host]
 */
export class BundleWriter {
  readonly #folder: string;
  readonly #manifest: string;
  readonly #events: BundleWriterEvents;
  readonly #id: number;
  #waiting: string[] = [];
  #inFlight: string[] | null = null;
  #isMade = false;
  #offset = 0;
  #size = 0;
  #error: string | null = null;
  #isGivenUp = false;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: NodeJS.Timeout | null = null;
  #flushers: (() => void)[] = [];
  /** Events on disk. */
  written = 0;
  /** Events that were given up. */
  lost = 0;

  constructor(folder: string, manifest: string, events: BundleWriterEvents) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#events = events;
    this.#id = thread.join(this);
  }

  /** What waits to be written, UTF-16 units. */
  get size(): number {
    return this.#size;
  }

  /** Why nothing is being written at the moment, or null. */
  get error(): string | null {
    return this.#error;
  }

  /** Pairs of name and text, as in a batch. */
  append(items: readonly string[]): void {
    if (this.#isGivenUp) {
      this.lost += countEvents(items);
      return;
    }
    for (const item of items) {
      this.#waiting.push(item);
      this.#size += item.length;
    }
    if (this.#retryTimer === null) this.#send();
  }

  /** Resolves when everything appended is on disk, or could not be written. */
  async flush(): Promise<void> {
    if (this.#isIdle) return;
    const release = thread.holdProcess();
    const flushed = new Promise<void>((resolve) => this.#flushers.push(resolve));
    if (this.#retryTimer !== null) this.#retryNow();
    await flushed;
    release();
  }

  /** Gives up what could not be written, and lets the thread go. */
  close(): void {
    this.#giveUp();
    thread.leave(this.#id);
  }

  /** The answer of the thread. */
  settle({ done, logBytes, error }: BatchResult): void {
    const items = this.#inFlight;
    if (items === null) return;
    this.#inFlight = null;
    this.#account(items, done, logBytes, error);
    if (error === null) {
      if (this.#waiting.length > 0) this.#send();
      else this.#release();
      return;
    }
    this.#waiting = [...items.slice(done), ...this.#waiting];
    if (FINAL.has(error.code)) this.#giveUp();
    else {
      this.#retryTimer = setTimeout(() => this.#retryNow(), this.#retryMs).unref();
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    }
    this.#release();
  }

  writeRemaining(): void {
    this.#events.beforeExit();
    const items = [...(this.#inFlight ?? []), ...this.#waiting];
    if (items.length === 0 || this.#isGivenUp) return;
    writeBatch(fs, this.#batch(items));
  }

  get #isIdle(): boolean {
    return this.#inFlight === null && this.#waiting.length === 0;
  }

  #batch(items: string[]): Batch {
    const manifest = this.#isMade ? null : this.#manifest;
    return { folder: this.#folder, manifest, offset: this.#offset, items };
  }

  #send(): void {
    if (this.#inFlight !== null || this.#waiting.length === 0) return;
    this.#inFlight = this.#takeBatch();
    try {
      thread.send(this.#id, this.#batch(this.#inFlight));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.settle({ done: 0, logBytes: 0, error: { code: 'WRITER_LOST', message } });
    }
  }

  #takeBatch(): string[] {
    let size = 0;
    let end = 0;
    while (end < this.#waiting.length && size < BATCH_SIZE) {
      size += this.#waiting[end + 1]!.length;
      end += 2;
    }
    const batch = end === this.#waiting.length ? this.#waiting : this.#waiting.slice(0, end);
    this.#waiting = end === this.#waiting.length ? [] : this.#waiting.slice(end);
    return batch;
  }

  #account(items: string[], done: number, logBytes: number, error: BatchResult['error']): void {
    const finished = done === items.length ? items : items.slice(0, done);
    for (const item of finished) this.#size -= item.length;
    this.written += countEvents(finished);
    this.#offset += logBytes;
    if (error === null) {
      this.#isMade = true;
      this.#error = null;
      this.#retryMs = FIRST_RETRY_MS;
      return;
    }
    if (done > 0) this.#isMade = true;
    this.#error = error.message;
    this.#events.failed(error.message);
  }

  #retryNow(): void {
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#send();
  }

  #giveUp(): void {
    this.#isGivenUp = true;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.lost += countEvents(this.#waiting);
    this.#waiting = [];
    this.#size = 0;
  }

  #release(): void {
    for (const resolve of this.#flushers.splice(0)) resolve();
  }
}

function countEvents(items: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < items.length; i += 2) if (items[i] === '') count += 1;
  return count;
}
