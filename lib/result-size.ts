/** Values looked at before the question is left to JSON.stringify. */
const MOST_VALUES = 64;

/**
 * How long a value's JSON text is at least, when that is more than `limit`, else null. Adds up the strings near its
 * root: those are where the size of an oversized result nearly always is. Calls no getter and no `toJSON`.
 */
export function leastLengthOver(value: unknown, limit: number): number | null {
  const queue: unknown[] = [value];
  let length = 0;
  for (let i = 0; i < queue.length && i < MOST_VALUES; i++) {
    const next = queue[i];
    if (typeof next === 'string') {
      length += next.length;
      if (length > limit) return length;
    } else if (isPlain(next)) {
      let room = MOST_VALUES - queue.length;
      for (const key in next) {
        if (room-- <= 0) break;
        queue.push(Object.getOwnPropertyDescriptor(next, key)?.value);
      }
    }
  }
  return null;
}

/** An array or object that JSON.stringify takes as it is. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
