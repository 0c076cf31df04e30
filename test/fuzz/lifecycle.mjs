// Random host calls against a model of a cell's life (docs/lifecycle.md).
import fc from 'fast-check';

const source = fc.constantFrom(
  'text("done")',
  'for (;;);',
  'yield_control(); text("after")',
  'await tools.block({})',
  'await tools.echo({}); text(1); yield_control(); await tools.echo({})',
  'for (;;) await tools.echo({})',
  'store("k", 1); throw new Error("e")',
  'notify("n"); exit()',
  'setTimeout(() => text("timer"), 3); await new Promise((r) => setTimeout(r, 5))',
  'let let',
);
const milliseconds = fc.constantFrom(0, 1, 5, 20);
const cell = fc.nat(5);

/** Steps of a host; each starts without waiting for those before it, but for `settle`, which waits for all. */
export const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('exec'),
      source,
      yieldTimeMs: milliseconds,
      abortAfterMs: fc.option(milliseconds),
    }),
    fc.record({ do: fc.constant('start'), source }),
    fc.record({
      do: fc.constant('wait'),
      cell,
      yieldTimeMs: milliseconds,
      abortAfterMs: fc.option(milliseconds),
    }),
    fc.record({ do: fc.constant('terminate'), cell }),
    fc.record({ do: fc.constant('events'), cell }),
    fc.record({ do: fc.constant('release') }),
    fc.record({ do: fc.constant('pause'), ms: milliseconds }),
    fc.record({ do: fc.constant('settle') }),
    fc.record({ do: fc.constant('close') }),
  ),
  { minLength: 1, maxLength: 16 },
);

const outcomes = ['completed', 'failed', 'terminated', 'yielded', 'missing'];
const rejections = {
  exec: ['ABORTED', 'SESSION_CLOSED'],
  wait: ['ABORTED', 'SESSION_CLOSED', 'CELL_BUSY', 'CELL_TERMINATING'],
  terminate: ['SESSION_CLOSED', 'CELL_TERMINATING'],
};

/** Runs steps on a new session of the service; gives what contradicted the model. */
export async function runSteps(service, all) {
  const problems = [];
  const blocked = [];
  const block = (_input, { signal }) =>
    new Promise((resolve) => {
      blocked.push(resolve);
      signal.addEventListener('abort', () => resolve(null));
    });
  const tools = [
    { name: 'echo', execute: (input) => input ?? null },
    { name: 'block', execute: block },
  ];
  const session = service.createSession({ tools, limits: { wallMs: 5000 }, onNotify: async () => {} });
  let cells = 0;
  let closed = false;
  /** Final outcomes that were taken, by cell: there may be one for each observer that waited when the cell settled. */
  const settledAfter = new Map();
  const pending = new Set();

  const track = (kind, promise, id) => {
    const wasClosed = closed;
    const takenBefore = settledAfter.has(id) && ![...pending].some((one) => one.id === id);
    const entry = { id };
    entry.promise = promise.then(
      (outcome) => {
        pending.delete(entry);
        const { status, error, cellId } = outcome;
        if (!outcomes.includes(status)) problems.push(`${kind}: status ${status}`);
        if ((status === 'failed' || status === 'missing') !== (error !== null) && status !== 'terminated')
          problems.push(`${kind}: ${status} with error ${JSON.stringify(error)}`);
        if (kind === 'exec' && status === 'missing') problems.push('exec: missing');
        if (wasClosed) problems.push(`${kind} after close(): ${status}`);
        if (takenBefore && status !== 'missing') problems.push(`${kind} of a cell that was taken: ${status}`);
        if (['completed', 'failed', 'terminated'].includes(status)) settledAfter.set(cellId, status);
      },
      (error) => {
        pending.delete(entry);
        if (!rejections[kind].includes(error?.code))
          problems.push(`${kind}: rejected ${error?.stack ?? error}`);
        if (error?.code === 'SESSION_CLOSED' && !closed)
          problems.push(`${kind}: SESSION_CLOSED before close()`);
      },
    );
    pending.add(entry);
  };
  const signalOf = (ms) => {
    if (ms === null) return undefined;
    const controller = new AbortController();
    if (ms === 0) controller.abort();
    else setTimeout(() => controller.abort(), ms);
    return controller.signal;
  };
  const release = () => blocked.splice(0).forEach((resolve) => resolve(1));
  const closing = [];

  for (const step of all) {
    const id = String((step.cell ?? 0) + 1);
    if (step.do === 'exec') {
      const signal = signalOf(step.abortAfterMs);
      if (!signal?.aborted) cells++;
      track('exec', session.exec(step.source, { yieldTimeMs: step.yieldTimeMs, signal }), undefined);
    } else if (step.do === 'start') {
      try {
        session.start(step.source);
        cells++;
        if (closed) problems.push('start() after close()');
      } catch (error) {
        if (error?.code !== 'SESSION_CLOSED') problems.push(`start: ${error}`);
      }
    } else if (step.do === 'wait') {
      track(
        'wait',
        session.wait(id, { yieldTimeMs: step.yieldTimeMs, signal: signalOf(step.abortAfterMs) }),
        id,
      );
    } else if (step.do === 'terminate') track('terminate', session.terminate(id), id);
    else if (step.do === 'events') void drain(session.events(id), problems);
    else if (step.do === 'release') release();
    else if (step.do === 'pause') await new Promise((resolve) => setTimeout(resolve, step.ms));
    else if (step.do === 'settle') {
      release();
      await Promise.all([...pending].map(({ promise }) => promise));
    } else {
      closed = true;
      closing.push(session.close());
    }
  }
  closed = true;
  closing.push(session.close());
  await Promise.all(closing);
  await Promise.all([...pending].map(({ promise }) => promise));
  const left = session.cells().filter(({ status }) => status !== 'settled');
  if (left.length > 0) problems.push(`${left.length} of ${cells} cells live after close()`);
  return problems;
}

/** Events of one cell are in order: one `started` at most, one `settled` at most, and that last. */
async function drain(events, problems) {
  const types = [];
  for await (const { type } of events) types.push(type);
  if (types.filter((type) => type === 'started').length > 1) problems.push('started twice');
  const settled = types.indexOf('settled');
  if (settled !== -1 && settled !== types.length - 1)
    problems.push(`events after settled: ${types.slice(settled)}`);
}
