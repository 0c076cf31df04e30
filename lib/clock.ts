/**
 * Milliseconds of a clock that only goes forward. Not `performance.now()`: the first use of `performance` in a process loads
 * it, 0.9 ms.
 */
export function clockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
