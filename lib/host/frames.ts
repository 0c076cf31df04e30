/**
 * Frames: what a host process and its parent exchange, in both directions and over any carrier of bytes.
 *
 *     u32 length of the header, u32 length of the body (both little-endian), header, body
 *
 * The header is a JSON array of messages, each an array of its own. A long text stands in the body, in an encoding that
 * keeps every UTF-16 unit, and in the header as [encoding, offset, length in bytes].
 */

/** Texts longer than this go into the body: JSON would escape them on one side and scan them on the other. */
const LONG_TEXT = 1024;
const PREFIX_BYTES = 8;
/** No frame of ours comes near; a frame beyond it is a mistake or an attack. */
const MAX_HEADER_BYTES = 256 * 1024 * 1024;

const encodings = ['latin1', 'utf8', 'utf16le'] as const;

/** A text in a message: as it is, or where it stands in the body; null for none. */
export type TextField = string | null | [encoding: number, offset: number, length: number];

/** Collects messages for one frame. */
export class FrameWriter {
  #messages: unknown[][] = [];
  #body: Buffer[] = [];
  #bodyBytes = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  text(value: string | undefined): TextField {
    if (value === undefined) return null;
    if (value.length <= LONG_TEXT) return value;
    const encoding = encodingOf(value);
    const bytes = Buffer.from(value, encodings[encoding]);
    const offset = this.#bodyBytes;
    this.#body.push(bytes);
    this.#bodyBytes += bytes.length;
    return [encoding, offset, bytes.length];
  }

  add(message: unknown[]): void {
    this.#messages.push(message);
  }

  /** The frame, in pieces, and how long it is. The writer is empty afterwards. */
  take(): { pieces: Buffer[]; bytes: number } {
    const header = JSON.stringify(this.#messages);
    const headerBytes = Buffer.byteLength(header);
    const head = Buffer.allocUnsafe(PREFIX_BYTES + headerBytes);
    head.writeUInt32LE(headerBytes, 0);
    head.writeUInt32LE(this.#bodyBytes, 4);
    head.write(header, PREFIX_BYTES, 'utf8');
    const bytes = head.length + this.#bodyBytes;
    const pieces = [head, ...this.#body];
    this.#messages = [];
    this.#body = [];
    this.#bodyBytes = 0;
    return { pieces, bytes };
  }
}

/** Latin-1 where every character is ASCII, UTF-8 where that loses nothing, or else the UTF-16 units themselves. */
function encodingOf(value: string): number {
  if (Buffer.byteLength(value) === value.length) return 0;
  return (value as string & { isWellFormed: () => boolean }).isWellFormed() ? 1 : 2;
}

/** One frame as it was received. */
export interface Frame {
  messages: unknown[][];
  bytes: number;
  /** Reads a TextField. Throws when it is none. */
  text: (field: unknown) => string;
}

/** Cuts a stream of bytes into frames. Throws when the bytes are no frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = PREFIX_BYTES;
  readonly #onFrame: (frame: Frame) => void;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    // Joined once, when everything that is needed has come.
    const data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    let at = 0;
    for (;;) {
      this.#needed = PREFIX_BYTES;
      if (data.length - at < PREFIX_BYTES) break;
      const headerBytes = data.readUInt32LE(at);
      if (headerBytes > MAX_HEADER_BYTES) throw new Error(`a frame's header has ${headerBytes} bytes`);
      const frameBytes = PREFIX_BYTES + headerBytes + data.readUInt32LE(at + 4);
      this.#needed = frameBytes;
      if (data.length - at < frameBytes) break;
      this.#onFrame(readFrame(data.subarray(at, at + frameBytes), headerBytes));
      at += frameBytes;
    }
    if (at === data.length) return;
    this.#chunks = [data.subarray(at)];
    this.#bytes = data.length - at;
  }
}

function readFrame(frame: Buffer, headerBytes: number): Frame {
  const bodyAt = PREFIX_BYTES + headerBytes;
  const messages = JSON.parse(frame.toString('utf8', PREFIX_BYTES, bodyAt)) as unknown;
  if (!Array.isArray(messages) || !messages.every(Array.isArray)) throw new Error('a header has no messages');
  const text = (field: unknown): string => {
    if (typeof field === 'string') return field;
    const [encoding, offset, length] = field as [number, number, number];
    const name = encodings[encoding];
    const start = bodyAt + offset;
    if (name === undefined || !(offset >= 0) || !(length >= 0) || !(start + length <= frame.length)) {
      throw new Error('a text lies outside of its frame');
    }
    return frame.toString(name, start, start + length);
  };
  return { messages: messages as unknown[][], bytes: frame.length, text };
}
