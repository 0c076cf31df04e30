/**
 * Reads what a host process reports. The process runs scripts, so whatever it says is checked: a value of the wrong type
 * throws, and that ends the process.
 */
import { NativeEventKind, type NativeEnd, type NativeEngineStats } from '../native/addon.js';
import type { Frame, TextField } from './frames.js';

/** An event as lib/native/addon.ts describes it. */
export type ReceivedEvent =
  | { kind: NativeEventKind.Started | NativeEventKind.Yield; cell: number; a?: never; b?: never; c?: never }
  | { kind: NativeEventKind.Text | NativeEventKind.Audio; cell: number; a: string; b?: never; c: number }
  | { kind: NativeEventKind.Image; cell: number; a: string; b: string; c: number }
  | { kind: NativeEventKind.Notify; cell: number; a: string; b?: never; c?: never }
  | { kind: NativeEventKind.ToolCall; cell: number; a: number; b: number; c: string | undefined }
  | { kind: NativeEventKind.Ended; cell: number; a: NativeEnd; b?: never; c?: never };

/** NativeEnd with its texts as fields; what is absent there is absent here. */
export type EndFields = Omit<NativeEnd, 'message' | 'text' | 'stack' | 'diagnostics'> & {
  message?: TextField;
  text?: TextField;
  stack?: TextField;
  diagnostics: [string, TextField][];
};

export function readEvent(message: unknown[], frame: Frame): ReceivedEvent {
  const [, kind, numberField, a, b, c] = message;
  const cell = wholeNumber(numberField);
  switch (kind) {
    case NativeEventKind.Started:
    case NativeEventKind.Yield:
      return { kind, cell };
    case NativeEventKind.Text:
    case NativeEventKind.Audio: {
      const text = frame.text(a);
      return { kind, cell, a: text, c: Buffer.byteLength(text) };
    }
    case NativeEventKind.Image: {
      const url = frame.text(a);
      return { kind, cell, a: url, b: frame.text(b), c: Buffer.byteLength(url) };
    }
    case NativeEventKind.Notify:
      return { kind, cell, a: frame.text(a) };
    case NativeEventKind.ToolCall:
      return {
        kind,
        cell,
        a: wholeNumber(a),
        b: wholeNumber(b),
        c: c === null || c === undefined ? undefined : frame.text(c),
      };
    case NativeEventKind.Ended:
      return { kind, cell, a: readEnd(a, frame) };
    default:
      throw new Error(`there is no event ${String(kind)}`);
  }
}

export function readPairs(field: unknown, frame: Frame): [string, string][] {
  return list(field).map((pair) => {
    const [key, json] = list(pair);
    return [frame.text(key), frame.text(json)];
  });
}

export function readStats(field: unknown): NativeEngineStats {
  const given = field as NativeEngineStats;
  return {
    warmIsolates: amount(given.warmIsolates),
    liveCells: amount(given.liveCells),
    queuedCells: amount(given.queuedCells),
    threads: amount(given.threads),
    quarantinedThreads: amount(given.quarantinedThreads),
    cachedSources: amount(given.cachedSources),
  };
}

function readEnd(field: unknown, frame: Frame): NativeEnd {
  const given = field as EndFields;
  const { status } = given;
  if (status !== 'completed' && status !== 'failed' && status !== 'terminated') {
    throw new Error(`a cell cannot end as ${String(status)}`);
  }
  const end: NativeEnd = {
    status,
    quarantined: given.quarantined === true,
    diagnostics: list(given.diagnostics).map((pair) => {
      const [code, text] = list(pair);
      return [frame.text(code), frame.text(text)];
    }),
    queueMs: amount(given.queueMs),
    startMs: amount(given.startMs),
    compileMs: amount(given.compileMs),
    runMs: amount(given.runMs),
    wallMs: amount(given.wallMs),
    cpuMs: amount(given.cpuMs),
    heapUsedBytes: amount(given.heapUsedBytes),
    outputBytes: amount(given.outputBytes),
  };
  if (given.code !== undefined) end.code = frame.text(given.code);
  if (given.message !== undefined) end.message = frame.text(given.message);
  if (given.text !== undefined) end.text = frame.text(given.text);
  if (given.stack !== undefined) end.stack = frame.text(given.stack);
  if (given.line !== undefined) end.line = amount(given.line);
  if (given.column !== undefined) end.column = amount(given.column);
  if (given.unansweredCalls !== undefined) end.unansweredCalls = list(given.unansweredCalls).map(wholeNumber);
  return end;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error('a list is missing');
  return value as unknown[];
}

function wholeNumber(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Error('a whole number is missing');
  return value as number;
}

function amount(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}
