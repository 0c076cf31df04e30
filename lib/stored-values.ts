import { CodeModeError } from './errors.js';
import { describeValue } from './option-reader.js';

/**
 * Validates `createSession({ storedValues })`: an object whose values are JSON (null, booleans, finite numbers,
 * strings, arrays and plain objects of those). Gives key and JSON text, or throws INVALID_STORED_VALUES naming the path.
 */
export function storedValuesToJson(given: unknown, storedBytes: number): [string, string][] {
  if (given === undefined || given === null) return [];
  if (!isPlainObject(given))
    throw invalid(`storedValues must be a plain object; got ${describeValue(given)}`);
  const entries: [string, string][] = [];
  let size = 0;
  for (const [key, value] of Object.entries(given)) {
    const path = `storedValues${segment(key)}`;
    let json: string;
    try {
      const problem = findProblem(value, path, []);
      if (problem !== null) throw invalid(problem);
      json = JSON.stringify(value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw invalid(`${path} is nested too deeply or too large to be given as JSON`);
    }
    size += Buffer.byteLength(key) + Buffer.byteLength(json);
    if (storedBytes > 0 && size > storedBytes) {
      throw invalid(`storedValues are larger than the ${storedBytes} bytes of limits.storedBytes`);
    }
    entries.push([key, json]);
  }
  return entries;
}

/** The committed values as one object. A key such as `__proto__` is an own property like any other. */
export function storedValuesFromJson(entries: readonly [string, string][]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, json] of entries) {
    Object.defineProperty(values, key, {
      value: JSON.parse(json) as unknown,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return values;
}

function findProblem(value: unknown, path: string, ancestors: object[]): string | null {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null;
    case 'number':
      return Number.isFinite(value) ? null : `${path} is ${value}, which JSON cannot hold`;
    case 'object':
      break;
    default:
      return `${path} is ${describeValue(value)}, which JSON cannot hold`;
  }
  if (value === null) return null;
  if (ancestors.includes(value)) return `${path} is circular`;
  ancestors.push(value);
  const problem = Array.isArray(value)
    ? findArrayProblem(value, path, ancestors)
    : findObjectProblem(value, path, ancestors);
  ancestors.pop();
  return problem;
}

function findArrayProblem(array: unknown[], path: string, ancestors: object[]): string | null {
  for (let index = 0; index < array.length; index++) {
    const problem = findProblem(array[index], `${path}[${index}]`, ancestors);
    if (problem !== null) return problem;
  }
  return null;
}

function findObjectProblem(object: object, path: string, ancestors: object[]): string | null {
  if (!isPlainObject(object)) {
    const name = (object.constructor as { name?: unknown } | undefined)?.name;
    return `${path} is a ${typeof name === 'string' && name !== '' ? name : 'special object'}, not plain JSON`;
  }
  for (const key of Object.keys(object)) {
    const problem = findProblem(object[key], path + segment(key), ancestors);
    if (problem !== null) return problem;
  }
  return null;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The prototype of a plain object of another realm has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function segment(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function invalid(message: string): CodeModeError {
  return new CodeModeError('INVALID_STORED_VALUES', message);
}
