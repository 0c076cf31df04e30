import { JsonSyntaxError, parseJsonLine, type JsonNode } from './pragma-json.js';

/** What the optional first line `// @exec: {...}` asks for, and the source with and without it. */
export interface ParsedPragma {
  ok: true;
  hasPragma: boolean;
  /** The whole source. The pragma line is an ordinary comment, so positions are those the author sees. */
  codeWithPragma: string;
  /** The source after the pragma line; the whole source when it has none. */
  codeWithoutPragma: string;
  /** Milliseconds before the exec yields. */
  yieldTimeMs?: number;
  /** Tokens of output shown. */
  maxOutputTokens?: number;
}

/** A source that is empty or whose pragma cannot be used; `message` is for the model. */
export interface InvalidPragma {
  ok: false;
  message: string;
}

const PREFIX = '// @exec:';
const YIELD_TIME = 'yield_time_ms';
const MAX_TOKENS = 'max_output_tokens';
const FIELDS = `\`${YIELD_TIME}\` and \`${MAX_TOKENS}\``;

const EMPTY_SOURCE =
  'exec expects raw JavaScript source text (non-empty). Provide JS only, optionally with first-line ' +
  '`// @exec: {"yield_time_ms": 10000, "max_output_tokens": 1000}`.';
const NOTHING_FOLLOWS = 'exec pragma must be followed by JavaScript source on subsequent lines';
const NOT_JSON = `exec pragma must be valid JSON with supported fields ${FIELDS}`;
const NOT_AN_OBJECT = `exec pragma must be a JSON object with supported fields ${FIELDS}`;
const NOT_INTEGERS = `exec pragma fields ${FIELDS} must be non-negative safe integers`;

/**
 * Reads the pragma of a source handed to `exec`. Only the first line counts; blanks may precede it, and
 * anything but exactly `// @exec:` is an ordinary comment. `{}` and null values are accepted.
 */
export function parsePragma(source: string): ParsedPragma | InvalidPragma {
  if (isBlank(source)) return invalid(EMPTY_SOURCE);
  const newline = source.indexOf('\n');
  const firstLine = trim(newline === -1 ? source : source.slice(0, newline));
  const rest = newline === -1 ? '' : source.slice(newline + 1);
  if (!firstLine.startsWith(PREFIX)) {
    return { ok: true, hasPragma: false, codeWithPragma: source, codeWithoutPragma: source };
  }
  if (isBlank(rest)) return invalid(NOTHING_FOLLOWS);
  const directive = trim(firstLine.slice(PREFIX.length));
  if (directive === '') return invalid(NOT_AN_OBJECT);

  let node: JsonNode;
  try {
    node = parseJsonLine(directive);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return invalid(`${NOT_JSON}: ${error.message}`);
  }
  if (node.type !== 'object') return invalid(NOT_AN_OBJECT);
  for (const key of node.members.keys()) {
    if (key !== YIELD_TIME && key !== MAX_TOKENS) {
      return invalid(`exec pragma only supports ${FIELDS}; got \`${key}\``);
    }
  }
  const parsed: ParsedPragma = { ok: true, hasPragma: true, codeWithPragma: source, codeWithoutPragma: rest };
  // What is wrong with a value's type is told first, as for the wire; then what is out of range.
  for (const value of node.members.values()) {
    const problem = typeProblem(value);
    if (problem !== undefined) return invalid(`${NOT_INTEGERS}: ${problem}`);
  }
  for (const [key, field] of [
    [YIELD_TIME, 'yieldTimeMs'],
    [MAX_TOKENS, 'maxOutputTokens'],
  ] as const) {
    const value = node.members.get(key);
    if (value?.type !== 'number') continue;
    const number = Number(value.text);
    if (!Number.isSafeInteger(number))
      return invalid(`exec pragma field \`${key}\` must be a non-negative safe integer`);
    parsed[field] = number;
  }
  return parsed;
}

function invalid(message: string): InvalidPragma {
  return { ok: false, message };
}

const LARGEST_U64 = 2n ** 64n - 1n;

/** Why a value is not an unsigned integer of 64 bits; undefined when it is, or is null. */
function typeProblem(node: JsonNode): string | undefined {
  switch (node.type) {
    case 'null':
      return undefined;
    case 'number':
      return /^\d{1,20}$/.test(node.text) && BigInt(node.text) <= LARGEST_U64 ? undefined : 'invalid number';
    case 'boolean':
      return `invalid type: boolean \`${node.value}\`, expected u64`;
    case 'string':
      return `invalid type: string ${JSON.stringify(node.value)}, expected u64`;
    case 'array':
      return 'invalid type: sequence, expected u64';
    case 'object':
      return 'invalid type: map, expected u64';
  }
}

/** White space is Unicode's; a byte order mark is none. Both take linear time on any source. */
function isBlank(text: string): boolean {
  return !/\P{White_Space}/u.test(text);
}

function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && /\p{White_Space}/u.test(text[start]!)) start++;
  while (end > start && /\p{White_Space}/u.test(text[end - 1]!)) end--;
  return text.slice(start, end);
}
