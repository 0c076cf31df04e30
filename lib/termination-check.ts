import { workerThreads } from './builtin-modules.js';
import type { Limits } from './limits.js';
import type { Outcome } from './outcome.js';

/** `untested` also where the process was never idle for a moment, and in workers. */
export type TerminationState = 'untested' | 'works' | 'fails';

/** What the check needs of a service. */
export interface CheckHost {
  /** -1 while cells run, else how many there have been. */
  activity: () => number;
  isClosed: () => boolean;
  run: (source: string, limits: Limits) => Promise<Outcome>;
}

/** How long nothing may have run before the check does, milliseconds. */
const IDLE_MS = 1000;
/** Long enough for V8 to optimize the loop. */
const WALL_MS = 100;
/** The loop that V8's loop unrolling makes endless; its end is there for a V8 in which it cannot be stopped. */
const LOOP = 'for (let i = 0; i < 1e8; i++) new Array(1000).fill({})';

let state: TerminationState = 'untested';
let isPlanned = false;

export function terminationState(): TerminationState {
  return state;
}

/** Plans the check, once per process. Its timer does not keep the process alive. */
export function planTerminationCheck(host: CheckHost): void {
  if (isPlanned) return;
  isPlanned = true;
  wait(host, host.activity());
}

function wait(host: CheckHost, before: number): void {
  setTimeout(() => {
    if (host.isClosed()) {
      isPlanned = false;
      return;
    }
    const now = host.activity();
    if (now === -1 || now !== before) wait(host, now);
    else void check(host);
  }, IDLE_MS).unref();
}

async function check(host: CheckHost): Promise<void> {
  if (!workerThreads().isMainThread) return;
  const { status, error, diagnostics } = await host.run(LOOP, { wallMs: WALL_MS, heapMb: 32 });
  if (status !== 'failed' || error.code !== 'WALL_LIMIT') return;
  state = diagnostics.some(({ code }) => code === 'QUARANTINED') ? 'fails' : 'works';
  if (state === 'works') return;
  process.emitWarning(
    'an optimized endless loop could not be stopped in this process: limits do not hold for such scripts. ' +
      'See docs/security.md, and the options loopUnrolling and terminationCheck.',
    'CodecellTerminationWarning',
  );
}
