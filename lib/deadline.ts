/** setTimeout's own bound; longer deadlines are armed again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls `fire` after the time, which may be Infinity; the returned function disarms it. */
export function armDeadline(milliseconds: number, fire: () => void): () => void {
  if (milliseconds === Infinity) return () => {};
  const deadline = performance.now() + milliseconds;
  let timer: NodeJS.Timeout;
  const arm = (left: number) => {
    timer = setTimeout(
      () => {
        const rest = deadline - performance.now();
        if (left > LONGEST_TIMER_MS && rest > 0) arm(rest);
        else fire();
      },
      Math.min(left, LONGEST_TIMER_MS),
    );
  };
  arm(milliseconds);
  return () => clearTimeout(timer);
}

/** Runs `listener` once when the signal fires; the returned function stops listening. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
