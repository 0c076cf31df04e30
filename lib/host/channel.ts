import type { Duplex } from 'node:stream';
import { ACKNOWLEDGE_BYTES } from './protocol.js';
import { FrameReader, FrameWriter, type Frame } from './frames.js';

/** Carries bytes, in order. */
export interface Carrier {
  write(pieces: Buffer[]): void;
  /** Sets who is told: of bytes as they come, and once of the end of the connection. */
  listen(onBytes: (bytes: Buffer) => void, onClose: () => void): void;
  /** Whether waiting for bytes keeps the event loop running. */
  setRef(ref: boolean): void;
  close(): void;
}

/** A pipe or socket. */
export function streamCarrier(stream: Duplex & { ref?: () => void; unref?: () => void }): Carrier {
  // A write to a process that is gone; `close` follows.
  stream.on('error', () => {});
  return {
    write(pieces) {
      if (stream.destroyed) return;
      if (pieces.length === 1) {
        stream.write(pieces[0]);
        return;
      }
      stream.cork();
      for (const piece of pieces) stream.write(piece);
      stream.uncork();
    },
    listen(onBytes, onClose) {
      stream.on('data', onBytes);
      // Without this, the other side's end would leave our half open.
      stream.on('end', () => stream.destroy());
      stream.on('close', onClose);
    },
    setRef: (ref) => (ref ? stream.ref?.() : stream.unref?.()),
    close: () => void stream.destroy(),
  };
}

/** What `portCarrier` needs of a message port, whoever made it. */
export interface MessagePortLike {
  post(message: Uint8Array): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

/** Something that takes whole messages by structured clone: Electron's utilityProcess, or Node's IPC. */
export function portCarrier(port: MessagePortLike): Carrier {
  return {
    write(pieces) {
      const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
      // Memory of its own: a clone takes the whole ArrayBuffer, which for a small Buffer is a shared pool.
      const message = new Uint8Array(bytes);
      let at = 0;
      for (const piece of pieces) {
        message.set(piece, at);
        at += piece.length;
      }
      port.post(message);
    },
    listen(onBytes, onClose) {
      port.onMessage((message) => {
        if (message instanceof Uint8Array) {
          onBytes(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
        } else port.close();
      });
      port.onClose(onClose);
    },
    setRef: () => {},
    close: () => port.close(),
  };
}

export interface ChannelOptions {
  carrier: Carrier;
  /** The acknowledging message of this side. */
  acknowledge: (bytes: number) => unknown[];
  /** Takes one frame. What it throws closes the channel. */
  onFrame: (frame: Frame) => void;
  /** Called once; `error` says what was wrong with the other side's bytes, if something was. */
  onClose: (error: Error | null) => void;
}

/**
 * One side of a connection: collects the messages of a turn of the event loop into one frame, reads frames, and keeps
 * count of what is on the way.
 */
export class Channel {
  /** Bytes sent that the other side has not acknowledged. */
  inFlight = 0;
  /** While true nothing is acknowledged, so that the other side holds back. */
  withholding = false;
  readonly writer = new FrameWriter();
  readonly #options: ChannelOptions;
  #unacknowledged = 0;
  #flushPlanned = false;
  #closed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const reader = new FrameReader((frame) => {
      if (this.#closed) return;
      options.onFrame(frame);
      this.#unacknowledged += frame.bytes;
    });
    options.carrier.listen(
      (bytes) => {
        if (this.#closed) return;
        try {
          reader.push(bytes);
        } catch (error) {
          this.#end(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        this.acknowledge();
      },
      () => this.#end(null),
    );
  }

  /** Sends a message with the others of this turn. */
  send(message: unknown[]): void {
    this.collect(message);
    if (this.#flushPlanned || this.writer.isEmpty) return;
    this.#flushPlanned = true;
    process.nextTick(() => {
      this.#flushPlanned = false;
      this.flush();
    });
  }

  /** Sends a message with the next flush. */
  collect(message: unknown[]): void {
    if (this.#closed) return;
    this.writer.add(message);
    // A frame that has become large need not wait.
    if (this.writer.bodyBytes > ACKNOWLEDGE_BYTES) this.flush();
  }

  flush(): void {
    if (this.#closed || this.writer.isEmpty) return;
    const { pieces, bytes } = this.writer.take();
    this.inFlight += bytes;
    this.#options.carrier.write(pieces);
  }

  /** The other side has handled so many bytes. */
  acknowledged(bytes: unknown): void {
    if (typeof bytes === 'number') this.inFlight -= bytes;
  }

  /** Tells the other side what was handled, when that is worth a message. */
  acknowledge(): void {
    if (this.withholding || this.#unacknowledged < ACKNOWLEDGE_BYTES) return;
    const bytes = this.#unacknowledged;
    this.#unacknowledged = 0;
    this.send(this.#options.acknowledge(bytes));
  }

  setRef(ref: boolean): void {
    if (!this.#closed) this.#options.carrier.setRef(ref);
  }

  close(): void {
    this.#end(null);
  }

  #end(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.carrier.close();
    this.#options.onClose(error);
  }
}
