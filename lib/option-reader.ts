import { CodeModeError } from './errors.js';
import { nearestName } from './suggest.js';

export function invalidOption(message: string): CodeModeError {
  return new CodeModeError('INVALID_OPTION', message);
}

/** What was given, for an error message: short, safe for any value. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 60 ? `a string of ${value.length} characters` : JSON.stringify(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    default:
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
  }
}

/**
 * Reads an options object: null and undefined count as empty, anything but an object is refused, and so is a
 * key that is not known, with the nearest valid name. Each known key is read once.
 */
export function readOptions(
  given: unknown,
  where: string,
  known: readonly string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  if (given === undefined || given === null) return values;
  const options = checkOptions(given, where, known);
  for (const key of known) values[key] = options[key];
  return values;
}

/** What `readOptions` refuses, without its copy: for whoever reads each key once, and often. */
export function checkOptions(
  given: unknown,
  where: string,
  known: readonly string[],
): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidOption(`${where} must be an object; got ${describeValue(given)}`);
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw invalidOption(unknownKeyMessage(key, where, known));
  }
  return given as Record<string, unknown>;
}

function unknownKeyMessage(key: string, where: string, known: readonly string[]): string {
  const nearest = nearestName(key, known);
  const hint = nearest === undefined ? `valid names are ${known.join(', ')}` : `did you mean \`${nearest}\`?`;
  return `${where} has no option \`${key}\`; ${hint}`;
}

export function wholeNumber(
  value: unknown,
  path: string,
  fallback: number,
  minimum: number,
  maximum: number,
): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
    throw invalidOption(
      `${path} must be a whole number from ${minimum} to ${maximum}; got ${describeValue(value)}`,
    );
  }
  return value;
}

/** Milliseconds of an observation: not negative; Infinity means no deadline. */
export function yieldTime(value: unknown, path: string, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw invalidOption(
      `${path} must be a non-negative number of milliseconds, or Infinity; got ${describeValue(value)}`,
    );
  }
  return value;
}

export function flag(value: unknown, path: string, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'boolean')
    throw invalidOption(`${path} must be a boolean; got ${describeValue(value)}`);
  return value;
}

export function choice<T extends string>(value: unknown, path: string, choices: readonly T[]): T | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !choices.includes(value as T)) {
    const names = choices.map((name) => `'${name}'`).join(' or ');
    throw invalidOption(`${path} must be ${names}; got ${describeValue(value)}`);
  }
  return value as T;
}

export function text(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalidOption(`${path} must be a string; got ${describeValue(value)}`);
  return value;
}

export function callback<T>(value: unknown, path: string): T | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'function') {
    throw invalidOption(`${path} must be a function; got ${describeValue(value)}`);
  }
  return value as T;
}

export function abortSignal(value: unknown, path: string): AbortSignal | undefined {
  if (value === undefined || value === null) return undefined;
  const candidate = value as AbortSignal;
  if (
    typeof value !== 'object' ||
    typeof candidate.aborted !== 'boolean' ||
    typeof candidate.addEventListener !== 'function'
  ) {
    throw invalidOption(`${path} must be an AbortSignal; got ${describeValue(value)}`);
  }
  return candidate;
}
