import { BundleWriter } from './bundle-writer.js';
import type { TextRules } from './text-rules.js';

/** Numbers of a recording up to now. */
export interface TraceRecorderStats {
  /** Events on disk. */
  writtenEvents: number;
  /** Things that were not recorded: too much waited to be written, or the bundle could not be written. */
  droppedEvents: number;
  /** What waits to be written, about, in characters. */
  queuedCharacters: number;
  /** Why nothing is being written at the moment, or null. */
  error: string | null;
}

/** Applied later, in order, with the time at which it was noted. */
export type Note<A, B> = (time: number, a: A, b: B) => void;

export type PayloadKind =
  | 'inference_request'
  | 'inference_response'
  | 'compaction_request'
  | 'compaction_checkpoint'
  | 'compaction_response'
  | 'tool_invocation'
  | 'tool_result'
  | 'tool_runtime_event'
  | 'protocol_event'
  | 'session_metadata'
  | 'agent_result';

/** The JSON text of a reference to a payload. */
export type PayloadReferenceText = string;

export interface EventLogOptions {
  folder: string;
  traceId: string;
  rolloutId: string;
  rules: TextRules;
  /** More than that waiting: what starts is not recorded. UTF-16 units. */
  maxQueuedLength: number;
}

/** How long notes gather before they are turned into events. */
const GATHER_MS = 20;
/** Slots of notes that are turned into events at once, without gathering on. */
const FULL_QUEUE = 4 * 4096;

/**
 * The events of one bundle. What happens is only noted, as a function and what it will be called with; the notes are
 * turned into events in batches, after the host's current work, and written by another thread. [host]
 */
export class EventLog {
  readonly rules: TextRules;
  readonly #writer: BundleWriter;
  readonly #maxQueuedLength: number;
  readonly #lineHead: string;
  /** Four slots a note: function, time, and its two arguments. */
  #notes: unknown[] = [];
  #notedLength = 0;
  /** Armed again for every batch: cheaper than a new one. */
  #timer: NodeJS.Timeout | null = null;
  #isTimerArmed = false;
  #isDrainPlanned = false;
  #isClosed = false;
  #dropped = 0;
  #seq = 0;
  #payloads = 0;
  /** Items for the writer, of the notes being applied. */
  #items: string[] = [];
  readonly #usedIds = new Set<string>();

  constructor({ folder, traceId, rolloutId, rules, maxQueuedLength }: EventLogOptions) {
    this.rules = rules;
    this.#maxQueuedLength = maxQueuedLength;
    const manifest = {
      schema_version: 2,
      trace_id: traceId,
      rollout_id: rolloutId,
      root_thread_id: rolloutId,
      started_at_unix_ms: Date.now(),
      raw_event_log: 'trace.jsonl',
      payloads_dir: 'payloads',
    };
    this.#lineHead = `,"rollout_id":${JSON.stringify(rolloutId)},"thread_id":`;
    let isReported = false;
    this.#writer = new BundleWriter(folder, JSON.stringify(manifest, null, 2), {
      beforeExit: () => this.#drain(),
      failed: (message) => {
        if (isReported) return;
        isReported = true;
        process.emitWarning(`the trace in ${folder} cannot be written: ${message}`, 'CodecellTraceWarning');
      },
    });
  }

  get stats(): TraceRecorderStats {
    return {
      writtenEvents: this.#writer.written,
      droppedEvents: this.#dropped + this.#writer.lost,
      queuedCharacters: this.#notedLength + this.#writer.size,
      error: this.#writer.error,
    };
  }

  /** Whether so much waits that nothing new should be started. */
  get isFull(): boolean {
    return this.#isClosed || this.#notedLength + this.#writer.size > this.#maxQueuedLength;
  }

  /** Notes something to be recorded. `length` is about how many characters it holds. */
  note<A, B>(apply: Note<A, B>, a: A, b: B, length: number): void {
    if (this.#isClosed) {
      this.#dropped += 1;
      return;
    }
    const notes = this.#notes;
    notes.push(apply, Date.now(), a, b);
    this.#notedLength += length + 100;
    if (notes.length > FULL_QUEUE && !this.#isDrainPlanned) {
      this.#isDrainPlanned = true;
      setImmediate(() => this.#drain());
    } else if (!this.#isTimerArmed) {
      this.#isTimerArmed = true;
      if (this.#timer === null) this.#timer = setTimeout(() => this.#onTimer(), GATHER_MS).unref();
      else this.#timer.refresh();
    }
  }

  /** Notes the start of something, unless too much waits. What belongs to a start that was left out is left out, too. */
  noteStart<A, B>(apply: Note<A, B>, a: A, b: B, length: number): void {
    if (this.isFull) this.#dropped += 1;
    else this.note(apply, a, b, length);
  }

  /** Something was left out because what it belongs to was. */
  drop(): void {
    this.#dropped += 1;
  }

  async flush(): Promise<void> {
    this.#drain();
    await this.#writer.flush();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#writer.close();
  }

  /** While a note is applied: adds a payload file. */
  payload(kind: PayloadKind, json: string): PayloadReferenceText {
    const number = ++this.#payloads;
    const path = `payloads/${number}.json`;
    this.#items.push(path, this.rules.payload(json, kind));
    return `{"raw_payload_id":"raw_payload:${number}","kind":{"type":"${kind}"},"path":"${path}"}`;
  }

  /** While a note is applied: adds an event. `fields` is the JSON text of the payload object, its type included. */
  event(time: number, threadId: string | null, turnId: string | null, fields: string): void {
    const thread = threadId === null ? 'null' : JSON.stringify(threadId);
    const turn = turnId === null ? 'null' : JSON.stringify(turnId);
    const head = `{"schema_version":2,"seq":${++this.#seq},"wall_time_unix_ms":${time}${this.#lineHead}`;
    this.#items.push('', `${head}${thread},"codex_turn_id":${turn},"payload":${fields}}\n`);
  }

  /** An id that nothing else in the trace has: the given one, if it is still free. */
  uniqueId(given: string): string {
    let id = given;
    for (let number = 2; this.#usedIds.has(id); number++) id = `${given}#${number}`;
    this.#usedIds.add(id);
    return id;
  }

  /** Goes on while there is something to do, so that notes seldom have to arm it, and stops when there is not. */
  #onTimer(): void {
    this.#isTimerArmed = this.#notes.length > 0 && !this.#isClosed;
    if (this.#isTimerArmed) this.#timer?.refresh();
    this.#drain();
  }

  #drain(): void {
    this.#isDrainPlanned = false;
    const notes = this.#notes;
    if (notes.length === 0) return;
    this.#notes = [];
    this.#notedLength = 0;
    for (let i = 0; i < notes.length; i += 4) {
      const apply = notes[i] as Note<unknown, unknown>;
      try {
        apply(notes[i + 1] as number, notes[i + 2], notes[i + 3]);
      } catch (error) {
        // Whatever was given here is in memory already: a mistake of ours, which must not reach the host.
        this.#dropped += 1;
        process.emitWarning(error instanceof Error ? error : String(error), 'CodecellInternalError');
      }
    }
    const items = this.#items;
    this.#items = [];
    this.#writer.append(items);
  }
}
