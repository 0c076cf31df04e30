import { CodeModeError } from '../errors.js';
import { parsePragma } from '../model/pragma.js';
import { DEFAULT_YIELD_TIME_MS } from '../options.js';
import type { Outcome } from '../outcome.js';
import { CodeModeService } from '../service.js';
import type { CodeModeSession, StartedCell } from '../session.js';
import type { RunRequest } from './arguments.js';
import { EXIT } from './exit-codes.js';
import { importTools, readScript } from './inputs.js';
import type { Printer } from './printer.js';

/** Serves `codecell run`; resolves to the exit code. */
export async function run(request: RunRequest, printer: Printer): Promise<number> {
  const script = await readScript(request.script);
  if ('problem' in script) return printer.usageProblem(script.problem);
  const pragma = parsePragma(script.value);
  if (!pragma.ok) return printer.usageProblem(pragma.message);
  const tools = await importTools(request.toolsModule);
  if ('problem' in tools) return printer.usageProblem(tools.problem);

  await using service = new CodeModeService({ warmIsolates: 0 });
  const notifications: string[] = [];
  let session: CodeModeSession;
  try {
    session = service.createSession({
      tools: tools.value,
      limits: { heapMb: request.heapMb },
      onNotify: ({ text }) => {
        notifications.push(text);
        if (!request.json) printer.notification(text);
      },
      onOutput: request.json ? undefined : (item) => printer.item(item),
    });
  } catch (error) {
    if (CodeModeError.is(error)) return printer.usageProblem(error.message);
    throw error;
  }

  const yieldTimeMs = request.yieldTimeMs ?? pragma.yieldTimeMs ?? DEFAULT_YIELD_TIME_MS;
  const cell = session.start(script.value, { yieldTimeMs });
  const stopper = stopOnRequest(session, cell.cellId, printer);
  try {
    const following = printer.showsEvents && !request.json ? follow(cell, printer) : undefined;
    const outcome = await observeUntilSettled(session, cell, yieldTimeMs, printer, request.json);
    await following;
    if (request.json) printer.json({ ...outcome, notifications });
    else printer.end(outcome);
    return outcome.status === 'terminated' ? (stopper.exitCode ?? EXIT.failed) : exitCodeOf(outcome);
  } finally {
    stopper.release();
  }
}

/** Waits on a run that yields until it has settled. The outcome has the output of all observations. */
async function observeUntilSettled(
  session: CodeModeSession,
  cell: StartedCell,
  yieldTimeMs: number,
  printer: Printer,
  quiet: boolean,
): Promise<Outcome> {
  const contentItems: Outcome['contentItems'] = [];
  // A wait of 0 ms would return at once, for ever.
  const waitTimeMs = yieldTimeMs || DEFAULT_YIELD_TIME_MS;
  let outcome = await cell.outcome();
  for (;;) {
    for (const item of outcome.contentItems) contentItems.push(item);
    if (outcome.status !== 'yielded') return { ...outcome, contentItems };
    if (!quiet) printer.yielded(outcome);
    outcome = await session.wait(cell.cellId, { yieldTimeMs: waitTimeMs });
  }
}

async function follow(cell: StartedCell, printer: Printer): Promise<void> {
  for await (const event of cell) printer.event(event);
}

/** Ends the cell on SIGINT and when nobody reads the output any more; a second SIGINT ends the process. */
function stopOnRequest(session: CodeModeSession, cellId: string, printer: Printer) {
  const stopper = {
    exitCode: undefined as number | undefined,
    release: () => {
      process.off('SIGINT', onInterrupt);
      printer.onBrokenPipe = undefined;
    },
  };
  const stop = (exitCode: number) => {
    stopper.exitCode = exitCode;
    // A cell that has just ended, or whose end was asked for already, needs nothing more.
    session.terminate(cellId).catch(() => {});
  };
  const onInterrupt = () => {
    if (stopper.exitCode !== undefined) process.exit(EXIT.interrupted);
    stop(EXIT.interrupted);
  };
  process.on('SIGINT', onInterrupt);
  printer.onBrokenPipe = () => stop(EXIT.brokenPipe);
  return stopper;
}

function exitCodeOf({ status, error }: Outcome): number {
  if (status === 'completed') return EXIT.completed;
  return error?.code.endsWith('_LIMIT') ? EXIT.limit : EXIT.failed;
}
