/** Values looked at before the question is left to JSON.stringify. */
const MOST_VALUES = 64;

/**
 * Whether a value's JSON text is longer than `limit` for certain, because of the strings near its root: those are where
 * the size of an oversized result nearly always is. Calls no getter and no `toJSON`; false when in doubt.
 */
export function isLongerThan(value: unknown, limit: number): boolean {
  if (typeof value === 'string') return value.length > limit;
  const queue: unknown[] = [value];
  let length = 0;
  for (let i = 0; i < queue.length && i < MOST_VALUES; i++) {
    const next = queue[i];
    if (typeof next === 'string') {
      length += next.length;
      if (length > limit) return true;
    } else if (isPlain(next)) {
      let room = MOST_VALUES - queue.length;
      for (const key in next) {
        if (room-- <= 0) break;
        queue.push(Object.getOwnPropertyDescriptor(next, key)?.value);
      }
    }
  }
  return false;
}

/** An array or object that JSON.stringify takes as it is. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
