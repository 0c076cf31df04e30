import type { ViewPart } from './document.js';

type JsonObject = Record<string, unknown>;

/** Only these are shown as pictures; everything else is text. */
const pictureUrl = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]*$/;
const largestPicture = 2_000_000;

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Cuts long text and says how much is left out. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const left = text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '');
  return `${left}\n[${(text.length - left.length).toLocaleString('en')} more characters are in the bundle]`;
}

/** The first words of a text on one line. */
export function preview(text: string, length = 90): string {
  const line = text
    .slice(0, length * 4)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= length ? line : `${line.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Objects and arrays as indented JSON, everything else as text. */
export function valuePart(value: unknown, limit: number): ViewPart {
  if (typeof value === 'string') return textPart(value, limit);
  return { type: 'json', text: cut(JSON.stringify(value, null, 2) ?? 'undefined', limit) };
}

/** Text, or indented JSON when the text is a JSON object or array. */
export function textPart(text: string, limit: number): ViewPart {
  const value = /^\s*[[{]/.test(text) ? parse(text) : undefined;
  if (typeof value === 'object' && value !== null) return valuePart(value, limit);
  return { type: 'text', text: cut(text, limit) };
}

/** One content item of the wire (`input_text`, `input_image`, ...). */
function contentPart(item: unknown, limit: number): ViewPart {
  const object = asObject(item);
  const text = asText(object?.['text']);
  if (text !== undefined) {
    return text.startsWith('Script error:')
      ? { type: 'error', text: cut(text, limit) }
      : textPart(text, limit);
  }
  const url = asText(object?.['image_url']);
  if (url !== undefined) return imagePart(url, limit);
  return valuePart(item, limit);
}

export function imagePart(url: string, limit: number): ViewPart {
  if (url.length <= largestPicture && pictureUrl.test(url)) return { type: 'image', url };
  return { type: 'text', text: `[image: ${cut(url, Math.min(limit, 200))}]` };
}

export function contentParts(content: unknown, limit: number): ViewPart[] {
  if (Array.isArray(content)) return content.map((item) => contentPart(item, limit));
  return content === undefined || content === null ? [] : [valuePart(content, limit)];
}

/** What a tool was called with. */
export interface Invocation {
  name: string;
  input: ViewPart | undefined;
}

export function readInvocation(value: unknown, limit: number): Invocation | undefined {
  const object = asObject(value);
  const name = asText(object?.['tool_name']);
  if (object === undefined || name === undefined) return undefined;
  const namespace = asText(object['tool_namespace']);
  const payload = asObject(object['payload']);
  const input = payload?.['arguments'] ?? payload?.['input'] ?? payload;
  return {
    name: namespace === undefined ? name : `${namespace}.${name}`,
    input: input === undefined ? undefined : valuePart(input, limit),
  };
}

/** What came back from a tool. */
export interface ToolResult {
  parts: ViewPart[];
  error: string | undefined;
}

export function readResult(value: unknown, limit: number): ToolResult {
  const object = asObject(value);
  switch (object?.['type']) {
    case 'direct_response':
      return {
        parts: contentParts(asObject(object['response_item'])?.['output'] ?? object['response_item'], limit),
        error: undefined,
      };
    case 'code_mode_response':
      return { parts: [valuePart(object['value'], limit)], error: undefined };
    case 'error':
      return { parts: [], error: asText(object['error']) ?? JSON.stringify(object['error']) };
    default:
      return { parts: [valuePart(value, limit)], error: undefined };
  }
}

/** What a cell handed over. */
export interface CellAnswer {
  parts: ViewPart[];
  error: string | undefined;
  /** How long the runtime worked on it, milliseconds. */
  hostMs: number | undefined;
}

export function readCellAnswer(value: unknown, limit: number): CellAnswer {
  const [response] = Object.values(asObject(asObject(value)?.['response']) ?? {});
  const object = asObject(response);
  if (object === undefined) return { parts: [valuePart(value, limit)], error: undefined, hostMs: undefined };
  const duration = asObject(object['code_mode_host_duration']);
  const [seconds, nanoseconds] = [duration?.['secs'], duration?.['nanos']];
  return {
    parts: contentParts(object['content_items'], limit),
    error: asText(object['error_text']),
    hostMs:
      typeof seconds === 'number' && typeof nanoseconds === 'number'
        ? seconds * 1000 + nanoseconds / 1e6
        : undefined,
  };
}

/** One-based lines of the script that an error's text names. */
export function errorLines(error: string | undefined): number[] {
  if (error === undefined) return [];
  return [...new Set([...error.matchAll(/exec_main\.mjs:(\d+)/g)].map(([, line]) => Number(line)))];
}
