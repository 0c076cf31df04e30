import type { CellError, ContentItem, NestedToolCall } from './outcome.js';

/** What a running cell does, as `session.events(cellId)` and a started cell's iterator give it, in order. */
export type CellEvent =
  /** An isolate thread took the cell. */
  | { type: 'started'; cellId: string }
  /** The script appended an output item. */
  | { type: 'output'; cellId: string; item: ContentItem }
  /** The script called a nested tool; `input` is undefined when it gave none. */
  | { type: 'toolCall'; cellId: string; call: NestedToolCall; input: unknown }
  /** A nested call ended: `call.status` is `completed`, `failed` or `cancelled`. */
  | { type: 'toolCallEnded'; cellId: string; call: NestedToolCall }
  /** The script called notify(). */
  | { type: 'notification'; cellId: string; text: string }
  /** The script called yield_control(). */
  | { type: 'yieldControl'; cellId: string }
  /** The last event of a cell. */
  | {
      type: 'settled';
      cellId: string;
      status: 'completed' | 'failed' | 'terminated';
      error: CellError | null;
    };

/**
 * One listener's unread events. Made by `CellEventHub.listen()`, ends after the cell's `settled` event.
 * Events wait here until they are read; their number is bounded by the cell's limits.
 */
class CellEventStream implements AsyncIterableIterator<CellEvent> {
  #events: CellEvent[] = [];
  #readers: ((result: IteratorResult<CellEvent>) => void)[] = [];
  #ended = false;
  readonly #leave: (stream: CellEventStream) => void;

  constructor(leave: (stream: CellEventStream) => void) {
    this.#leave = leave;
  }

  push(event: CellEvent): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#events.push(event);
    else reader({ done: false, value: event });
  }

  end(): void {
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<CellEvent>> {
    if (this.#unread > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<CellEvent>> {
    this.#leave(this);
    this.#events = [];
    this.#position = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Reading moves a position instead of shifting the array, which would cost its length per event. */
  #position = 0;

  get #unread(): number {
    return this.#events.length - this.#position;
  }

  #take(): CellEvent {
    const event = this.#events[this.#position++] as CellEvent;
    if (this.#position >= 1024 && this.#position * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#position);
      this.#position = 0;
    }
    return event;
  }
}

/** Hands a cell's events to whoever listens; costs nothing while nobody does. */
export class CellEventHub {
  #streams: Set<CellEventStream> | null = null;
  #last: CellEvent | null = null;

  get hasListeners(): boolean {
    return this.#streams !== null && this.#streams.size > 0;
  }

  /** A listener that comes after the end gets the `settled` event alone. */
  listen(): AsyncIterableIterator<CellEvent> {
    const stream = new CellEventStream((left) => this.#streams?.delete(left));
    if (this.#last !== null) {
      stream.push(this.#last);
      stream.end();
    } else (this.#streams ??= new Set()).add(stream);
    return stream;
  }

  emit(event: CellEvent): void {
    if (this.#streams === null) return;
    for (const stream of this.#streams) stream.push(event);
  }

  close(last: CellEvent): void {
    this.emit(last);
    this.#last = last;
    for (const stream of this.#streams ?? []) stream.end();
    this.#streams = null;
  }
}
