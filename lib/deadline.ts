import { clockMs } from './clock.js';

/** setTimeout's own bound; later deadlines are looked at again then. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Deadline {
  /** Milliseconds of the clock. */
  at: number;
  fire: () => void;
}

/**
 * All deadlines of this thread share one of Node's timers. Making and clearing one costs more than the rest of a short
 * exec's bookkeeping, and most deadlines are disarmed long before they are due: those leave the timer as it is, and
 * when it fires it is set to the next one.
 */
const armed = new Set<Deadline>();
let timer: NodeJS.Timeout | undefined;
/** When the timer fires. */
let timerAt = Infinity;

/** Calls `fire` after the time, which may be Infinity; the returned function disarms it. */
export function armDeadline(milliseconds: number, fire: () => void): () => void {
  if (milliseconds === Infinity) return doNothing;
  const deadline = { at: clockMs() + milliseconds, fire };
  // The timer keeps the process alive only while somebody waits for it.
  if (armed.size === 0) timer?.ref();
  armed.add(deadline);
  if (deadline.at < timerAt) setTimer(deadline.at, milliseconds);
  return () => {
    if (armed.delete(deadline) && armed.size === 0) timer?.unref();
  };
}

function setTimer(at: number, milliseconds: number): void {
  clearTimeout(timer);
  timerAt = at;
  timer = setTimeout(fireDue, Math.min(milliseconds, LONGEST_TIMER_MS));
}

function fireDue(): void {
  timer = undefined;
  timerAt = Infinity;
  const now = clockMs();
  // Node's timers count whole milliseconds and may be up to one early.
  const due = [...armed].filter(({ at }) => at < now + 1).sort((a, b) => a.at - b.at);
  for (const deadline of due) if (armed.delete(deadline)) deadline.fire();
  let next = Infinity;
  for (const { at } of armed) next = Math.min(next, at);
  if (next < timerAt) setTimer(next, next - clockMs());
}

/** Runs `listener` once when the signal fires; the returned function stops listening. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return doNothing;
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

function doNothing(): void {}
