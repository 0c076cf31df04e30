import { createHash } from 'node:crypto';
import { TraceProblem } from './errors.js';

/**
 * JSON kept exact: numbers as their digits, keys in their order. `JSON.parse` loses both (1.0 becomes 1, keys
 * that look like integers move to the front), and the state quotes model arguments as compact JSON and
 * identifies content by a hash of it.
 */
export type ExactValue =
  | { type: 'literal'; text: string }
  | { type: 'string'; value: string }
  | { type: 'array'; items: ExactValue[] }
  | { type: 'object'; members: Map<string, ExactValue> };

const maximumDepth = 127;
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const plainText = /[^"\\\u0000-\u001f]*/y;
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const surrogateEscape = /\\u[dD][89a-fA-F]/;

class Reader {
  position = 0;

  constructor(readonly text: string) {}

  skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.position += 1;
    }
  }

  fail(): never {
    throw new SyntaxError(`not valid JSON at character ${this.position + 1}`);
  }

  value(depth: number): ExactValue {
    this.skipSpace();
    const character = this.text[this.position];
    if (character === '{') return this.object(depth);
    if (character === '[') return this.array(depth);
    if (character === '"') return { type: 'string', value: this.string() };
    for (const word of ['true', 'false', 'null']) {
      if (this.text.startsWith(word, this.position)) {
        this.position += word.length;
        return { type: 'literal', text: word };
      }
    }
    numberPattern.lastIndex = this.position;
    const digits = numberPattern.exec(this.text)?.[0];
    if (digits === undefined) return this.fail();
    this.position += digits.length;
    return { type: 'literal', text: normalizeNumber(digits) };
  }

  string(): string {
    const start = this.position;
    this.position += 1;
    for (;;) {
      plainText.lastIndex = this.position;
      this.position += plainText.exec(this.text)?.[0].length ?? 0;
      const character = this.text[this.position];
      if (character === '"') break;
      if (character !== '\\') this.fail();
      this.position += 2;
    }
    this.position += 1;
    const value = JSON.parse(this.text.slice(start, this.position)) as string;
    if (loneSurrogate.test(value)) this.fail();
    return value;
  }

  array(depth: number): ExactValue {
    if (depth >= maximumDepth) this.fail();
    const items: ExactValue[] = [];
    this.position += 1;
    this.skipSpace();
    if (this.text[this.position] === ']') {
      this.position += 1;
      return { type: 'array', items };
    }
    for (;;) {
      items.push(this.value(depth + 1));
      this.skipSpace();
      const character = this.text[this.position];
      this.position += 1;
      if (character === ']') return { type: 'array', items };
      if (character !== ',') this.fail();
    }
  }

  object(depth: number): ExactValue {
    if (depth >= maximumDepth) this.fail();
    const members = new Map<string, ExactValue>();
    this.position += 1;
    this.skipSpace();
    if (this.text[this.position] === '}') {
      this.position += 1;
      return { type: 'object', members };
    }
    for (;;) {
      this.skipSpace();
      if (this.text[this.position] !== '"') this.fail();
      const name = this.string();
      this.skipSpace();
      if (this.text[this.position] !== ':') this.fail();
      this.position += 1;
      members.set(name, this.value(depth + 1));
      this.skipSpace();
      const character = this.text[this.position];
      this.position += 1;
      if (character === '}') return { type: 'object', members };
      if (character !== ',') this.fail();
    }
  }
}

/** The digits as the format prints them: an exponent has a sign, and negative zero as an integer has none. */
function normalizeNumber(digits: string): string {
  if (digits === '-0') return '0';
  return digits.replace(/[eE](?=\d)/, 'e+').replace('E', 'e');
}

/** Reads JSON exactly. Throws a SyntaxError, also for lone surrogates and more than 127 levels. */
export function parseExact(text: string): ExactValue {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.skipSpace();
  if (reader.position !== text.length) reader.fail();
  return value;
}

/** Compact JSON; `sortKeys` orders object members by key, at every level. */
export function renderExact(value: ExactValue, sortKeys = false): string {
  switch (value.type) {
    case 'literal':
      return value.text;
    case 'string':
      return JSON.stringify(value.value);
    case 'array':
      return `[${value.items.map((item) => renderExact(item, sortKeys)).join(',')}]`;
    case 'object': {
      const members = [...value.members];
      if (sortKeys) members.sort(([left], [right]) => compareKeys(left, right));
      return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${renderExact(member, sortKeys)}`).join(',')}}`;
    }
  }
}

/** Order of the UTF-8 bytes, which for surrogate pairs differs from the order of JavaScript strings. */
export function compareKeys(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    const aIsSurrogate = a >= 0xd800 && a <= 0xdfff;
    const bIsSurrogate = b >= 0xd800 && b <= 0xdfff;
    if (aIsSurrogate !== bIsSurrogate) return aIsSurrogate ? 1 : -1;
    return a - b;
  }
  return left.length - right.length;
}

/** At most 240 bytes of UTF-8, never half a character, and `...` when something was cut. */
export function cutSummary(text: string): string {
  const limit = 240;
  if (text.length <= limit / 3) return text;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= limit) return text;
  let end = limit;
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}...`;
}

export function hashExact(value: ExactValue): string {
  return createHash('sha256').update(renderExact(value, true)).digest('hex');
}

export type JsonObject = { [name: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether arrays and objects are nested in more than so many levels. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  const members: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return members.some((member) => isDeeper(member, levels - 1));
}

/** A payload file: its value, and on demand the exact form of a place in it. */
export class PayloadText {
  readonly #parsed: unknown;
  #exact: ExactValue | undefined;
  #checked = false;

  /** @throws SyntaxError when the text is not JSON. */
  constructor(readonly text: string) {
    this.#parsed = JSON.parse(text) as unknown;
  }

  /**
   * The value. Only a payload that somebody looks into has to be free of half surrogate pairs and of more than 127
   * levels, which JSON.parse lets pass.
   */
  get value(): unknown {
    if (!this.#checked) {
      if (isDeeper(this.#parsed, maximumDepth))
        throw new TraceProblem('PAYLOAD', 'a payload has too many levels');
      if (surrogateEscape.test(this.text)) this.#exact = this.#parseExact();
      this.#checked = true;
    }
    return this.#parsed;
  }

  #parseExact(): ExactValue {
    try {
      return parseExact(this.text);
    } catch {
      throw new TraceProblem('PAYLOAD', 'a payload has half a surrogate pair');
    }
  }

  /** The exact form of the value at a path of member names and array positions. */
  at(path: readonly (string | number)[]): ExactValue {
    let value = (this.#exact ??= this.#parseExact());
    for (const step of path) {
      const next =
        value.type === 'array'
          ? value.items[Number(step)]
          : value.type === 'object'
            ? value.members.get(String(step))
            : undefined;
      if (next === undefined) throw new TraceProblem('PAYLOAD', `no value at ${path.join('.')}`);
      value = next;
    }
    return value;
  }
}
