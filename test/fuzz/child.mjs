// Runs random programs and random host calls until its time is over, for main.mjs: child.mjs <options as JSON>. Prints one
// line of JSON for each finding and one at its end; what it is about to run goes to a file, for the case that it dies.
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { importCodecell } from '../../bench/support/package.mjs';
import { runSteps, steps } from './lifecycle.mjs';
import { garbage, program } from './programs.mjs';

const { seconds, seed, isolation, current } = JSON.parse(process.argv[2]);
const { CodeModeService } = await importCodecell();
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const secret = 'the-secret-of-the-host';
process.env.FUZZ_SECRET = secret;
process.on('uncaughtException', (error) =>
  say({ found: 'an uncaught exception', detail: String(error?.stack ?? error) }),
);
process.on('unhandledRejection', (error) =>
  say({ found: 'an unhandled rejection', detail: String(error?.stack ?? error) }),
);

const options = isolation === 'process' ? { isolation } : {};
const service = new CodeModeService({ maxCells: 32, quarantineMs: 2000, ...options });
let sequence = 0;
const tools = [
  { name: 'echo', execute: (input) => input ?? null },
  {
    name: 'fails',
    execute: () => Promise.reject(Object.assign(new Error('tool failure'), { code: 'E', data: { a: 1 } })),
  },
  { name: 'slow', execute: () => new Promise((resolve) => setTimeout(resolve, 1, { at: ++sequence })) },
  {
    name: 'odd',
    execute: () =>
      [undefined, () => {}, Symbol('s'), 1n, { toJSON: () => 1 }, new Map(), NaN][++sequence % 7],
  },
  { name: 'free', kind: 'freeform', execute: (input) => input },
  { name: 'spaced', namespace: 'space', execute: () => 'space' },
];
const limits = { wallMs: 3000, heapMb: 64, outputItems: 10_000, toolCalls: 10_000 };
const newSession = (profile) =>
  service.createSession({ tools, profile, limits, onNotify: () => {}, onOutput: () => {} });
const sessions = { default: newSession('default'), codex: newSession('codex') };

const codes = [
  ...[
    'SCRIPT_ERROR',
    'SYNTAX_ERROR',
    'UNSUPPORTED_IMPORT',
    'STALLED',
    'HEAP_LIMIT',
    'WALL_LIMIT',
    'OUTPUT_LIMIT',
  ],
  ...['TOOL_CALL_LIMIT', 'TOOL_INPUT_LIMIT', 'TOOL_RESULT_LIMIT', 'STORE_LIMIT'],
];
const counts = {};

/** Runs one program to its end and gives what is wrong with that. */
async function runProgram(source, profile) {
  const session = sessions[profile];
  const ends = [];
  const cell = session.start(source);
  const watched = (async () => {
    for await (const event of cell) if (event.type === 'settled') ends.push(event.status);
  })();
  let outcome = await cell.outcome();
  const shown = [];
  const take = () => shown.push(JSON.stringify([outcome.contentItems, outcome.error, outcome.diagnostics]));
  take();
  while (outcome.status === 'yielded') {
    outcome = await session.wait(outcome.cellId, { yieldTimeMs: Infinity });
    take();
  }
  await watched;
  const { status, error, cellId } = outcome;
  const end = error === null ? status : `${status} ${error.code}`;
  counts[end] = (counts[end] ?? 0) + 1;
  if (status !== 'completed' && !(status === 'failed' && codes.includes(error.code)))
    return `ended as ${end}`;
  if (status === 'failed' && (typeof error.message !== 'string' || typeof error.text !== 'string'))
    return 'an error without text';
  if (ends.length !== 1 || ends[0] !== status) return `settled as ${ends.join(' and ')}, outcome ${status}`;
  const again = await session.wait(cellId, { yieldTimeMs: 0 });
  if (again.status !== 'missing') return `an outcome that can be taken twice: ${again.status}`;
  if (shown.some((text) => text.includes(secret) || text.includes(process.execPath)))
    return 'something of the host was shown';
  for (const key of ['text', 'tools', 'y'])
    if (key in globalThis) return `the host's globals changed: ${key}`;
  if (Object.keys(Object.prototype).length > 0) return "the host's Object.prototype changed";
  const next = await session.exec('text((await tools.echo({ a: 1 })).a)', {
    yieldTimeMs: Infinity,
    limits: { wallMs: 30_000 },
  });
  if (next.status !== 'completed' || next.contentItems[0]?.text !== '1')
    return `the next cell ended as ${JSON.stringify(next)}`;
  return '';
}

const hang = (ms) => new Promise((resolve) => setTimeout(resolve, ms, 'no end').unref());
const properties = [
  fc.asyncProperty(
    fc.oneof({ weight: 6, arbitrary: program }, { weight: 1, arbitrary: garbage }),
    fc.constantFrom('default', 'codex'),
    async (source, profile) => {
      writeFileSync(current, JSON.stringify({ profile, source }));
      const problem = await Promise.race([runProgram(source, profile), hang(30_000)]);
      if (problem) throw new Error(problem);
    },
  ),
  fc.asyncProperty(steps, async (all) => {
    writeFileSync(current, JSON.stringify(all));
    const problems = await Promise.race([runSteps(service, all), hang(30_000)]);
    if (problems.length > 0) throw new Error([problems].flat().join('\n'));
  }),
];

const until = performance.now() + seconds * 1000;
let runs = 0;
for (let round = 0; performance.now() < until; round++) {
  const property = properties[round % 4 === 3 ? 1 : 0];
  const details = await fc.check(property, {
    seed: seed + round,
    numRuns: 25,
    interruptAfterTimeLimit: Math.max(1, until - performance.now()),
    markInterruptAsFailure: false,
    endOnFailure: false,
  });
  runs += details.numRuns;
  // Out of time before the first run of a round is no finding, though fast-check calls it a failure.
  if (details.failed && details.counterexample !== null) {
    say({
      found: details.errorInstance?.message ?? 'a failure',
      seed: seed + round,
      path: details.counterexamplePath,
      example: details.counterexample,
    });
  }
}
await service.close();
say({ runs, ends: counts, quarantined: service.stats().quarantinedThreads });
process.exit(0);
