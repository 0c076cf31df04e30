/** A JSON value with numbers as they were written, so that no digit is lost before it is judged. */
export type JsonNode =
  | { type: 'null' }
  | { type: 'boolean'; value: boolean }
  | { type: 'number'; text: string }
  | { type: 'string'; value: string }
  | { type: 'array' }
  | { type: 'object'; members: Map<string, JsonNode> };

/** A syntax error; the message ends in its place, `at line 1 column N` (N counts UTF-8 bytes from 1). */
export class JsonSyntaxError extends Error {}

const DEEPEST = 128;

/**
 * Parses one line of JSON. It stands in for JSON.parse because the texts of that differ between
 * versions of V8, while a model should be told the same thing, with the column, everywhere.
 * Of equal keys the last one counts. Throws JsonSyntaxError.
 */
export function parseJsonLine(text: string): JsonNode {
  const parser = new Parser(new TextEncoder().encode(text));
  return parser.document();
}

const enum Byte {
  Tab = 0x09,
  Return = 0x0d,
  Newline = 0x0a,
  Space = 0x20,
  Quote = 0x22,
  Plus = 0x2b,
  Comma = 0x2c,
  Minus = 0x2d,
  Point = 0x2e,
  Zero = 0x30,
  Nine = 0x39,
  Colon = 0x3a,
  OpenList = 0x5b,
  Backslash = 0x5c,
  CloseList = 0x5d,
  OpenObject = 0x7b,
  CloseObject = 0x7d,
}

const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly bytes: Uint8Array) {}

  document(): JsonNode {
    const node = this.value();
    this.skipSpace();
    if (this.at < this.bytes.length) throw this.failNext('trailing characters');
    return node;
  }

  /** An error at the byte just read. */
  private fail(message: string): JsonSyntaxError {
    return new JsonSyntaxError(`${message} at line 1 column ${this.at}`);
  }

  /** An error at the byte that would be read next. */
  private failNext(message: string): JsonSyntaxError {
    return new JsonSyntaxError(`${message} at line 1 column ${Math.min(this.at + 1, this.bytes.length)}`);
  }

  private peek(): number | undefined {
    return this.bytes[this.at];
  }

  private skipSpace(): void {
    for (;;) {
      const byte = this.peek();
      if (byte !== Byte.Space && byte !== Byte.Tab && byte !== Byte.Newline && byte !== Byte.Return) return;
      this.at++;
    }
  }

  private value(): JsonNode {
    this.skipSpace();
    const byte = this.peek();
    if (byte === undefined) throw this.failNext('EOF while parsing a value');
    switch (byte) {
      case 0x6e:
        this.word('null');
        return { type: 'null' };
      case 0x74:
        this.word('true');
        return { type: 'boolean', value: true };
      case 0x66:
        this.word('false');
        return { type: 'boolean', value: false };
      case Byte.Quote:
        return { type: 'string', value: this.string() };
      case Byte.OpenList:
        return this.nested(() => this.list());
      case Byte.OpenObject:
        return this.nested(() => this.object());
      default:
        if (byte === Byte.Minus || isDigit(byte)) return { type: 'number', text: this.number() };
        throw this.failNext('expected value');
    }
  }

  private nested(read: () => JsonNode): JsonNode {
    if (++this.depth >= DEEPEST) throw this.failNext('recursion limit exceeded');
    this.at++;
    const node = read();
    this.depth--;
    return node;
  }

  private word(word: string): void {
    this.at++;
    for (const letter of word.slice(1)) {
      if (this.at >= this.bytes.length) throw this.fail('EOF while parsing a value');
      if (this.bytes[this.at++] !== letter.charCodeAt(0)) throw this.fail('expected ident');
    }
  }

  private number(): string {
    const start = this.at;
    if (this.peek() === Byte.Minus) this.at++;
    const first = this.bytes[this.at++];
    if (first === undefined) {
      this.at--;
      throw this.fail('EOF while parsing a value');
    }
    if (!isDigit(first)) throw this.fail('invalid number');
    if (first === Byte.Zero) {
      if (isDigit(this.peek())) throw this.failNext('invalid number');
    } else {
      this.digits();
    }
    if (this.peek() === Byte.Point) {
      this.at++;
      this.requiredDigits();
    }
    const exponent = this.peek();
    if (exponent === 0x65 || exponent === 0x45) {
      this.at++;
      const sign = this.peek();
      if (sign === Byte.Plus || sign === Byte.Minus) this.at++;
      this.requiredDigits();
    }
    return new TextDecoder().decode(this.bytes.subarray(start, this.at));
  }

  private digits(): void {
    while (isDigit(this.peek())) this.at++;
  }

  private requiredDigits(): void {
    if (this.peek() === undefined) throw this.failNext('EOF while parsing a value');
    if (!isDigit(this.peek())) throw this.failNext('invalid number');
    this.digits();
  }

  private string(): string {
    this.at++;
    let text = '';
    for (;;) {
      const start = this.at;
      let byte = this.peek();
      while (byte !== undefined && byte !== Byte.Quote && byte !== Byte.Backslash && byte >= Byte.Space) {
        this.at++;
        byte = this.peek();
      }
      text += new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.bytes.subarray(start, this.at));
      if (byte === undefined) throw this.fail('EOF while parsing a string');
      this.at++;
      if (byte === Byte.Quote) return text;
      if (byte !== Byte.Backslash) {
        throw this.fail('control character (\\u0000-\\u001F) found while parsing a string');
      }
      text += this.escape();
    }
  }

  private escape(): string {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw this.fail('EOF while parsing a string');
    this.at++;
    const letter = String.fromCharCode(byte);
    if (letter !== 'u') {
      if (!Object.hasOwn(ESCAPES, letter)) throw this.fail('invalid escape');
      return ESCAPES[letter]!;
    }
    const unit = this.hexUnit();
    if (unit >= 0xdc00 && unit <= 0xdfff) throw this.fail('lone leading surrogate in hex escape');
    if (unit < 0xd800 || unit > 0xdbff) return String.fromCharCode(unit);
    for (const expected of [Byte.Backslash, 0x75]) {
      const next = this.bytes[this.at];
      if (next === undefined) throw this.fail('EOF while parsing a string');
      this.at++;
      if (next !== expected) throw this.fail('unexpected end of hex escape');
    }
    const low = this.hexUnit();
    if (low < 0xdc00 || low > 0xdfff) throw this.fail('lone leading surrogate in hex escape');
    return String.fromCharCode(unit, low);
  }

  private hexUnit(): number {
    const digits = String.fromCharCode(...this.bytes.subarray(this.at, this.at + 4));
    this.at = Math.min(this.at + 4, this.bytes.length);
    if (digits.length < 4) throw this.fail('EOF while parsing a string');
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.fail('invalid escape');
    return parseInt(digits, 16);
  }

  private list(): JsonNode {
    for (let isFirst = true; ; isFirst = false) {
      this.skipSpace();
      const byte = this.peek();
      if (byte === undefined) throw this.failNext('EOF while parsing a list');
      if (byte === Byte.CloseList) break;
      if (!isFirst) {
        if (byte !== Byte.Comma) throw this.failNext('expected `,` or `]`');
        this.at++;
        this.skipSpace();
        if (this.peek() === Byte.CloseList) throw this.failNext('trailing comma');
      }
      this.value();
    }
    this.at++;
    return { type: 'array' };
  }

  private object(): JsonNode {
    const members = new Map<string, JsonNode>();
    for (let isFirst = true; ; isFirst = false) {
      this.skipSpace();
      let byte = this.peek();
      if (byte === undefined) throw this.failNext('EOF while parsing an object');
      if (byte === Byte.CloseObject) break;
      if (!isFirst) {
        if (byte !== Byte.Comma) throw this.failNext('expected `,` or `}`');
        this.at++;
        this.skipSpace();
        byte = this.peek();
        if (byte === undefined) throw this.failNext('EOF while parsing a value');
        if (byte === Byte.CloseObject) throw this.failNext('trailing comma');
      }
      if (byte !== Byte.Quote) throw this.failNext('key must be a string');
      const key = this.string();
      this.skipSpace();
      const colon = this.peek();
      if (colon === undefined) throw this.failNext('EOF while parsing an object');
      if (colon !== Byte.Colon) throw this.failNext('expected `:`');
      this.at++;
      members.set(key, this.value());
    }
    this.at++;
    return { type: 'object', members };
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= Byte.Zero && byte <= Byte.Nine;
}
