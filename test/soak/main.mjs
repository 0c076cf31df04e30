// Many cells, normal and hostile, mixed at random, and what is left of them.
//
//   npm run soak -- [--cells 10000] [--seed 1] [--concurrent 8] [--isolation thread|process] [--quarantined 4] [--json]
//
// Fails when a cell has no outcome after a minute (lost), an outcome of a wrong kind, or when something grows:
//
//   memory       private resident memory, settled: the median of the last three measurements may exceed that of the
//                first three after the warm-up (a third of the cells) by 25 %, but at least by 64 MiB (512 MiB in runs
//                of fewer than 2,000 cells), and by 128 MiB for each thread that was given up between them (such a heap
//                is not returned)
//   descriptors  none more than after the warm-up
//   threads      after close() those from before the service was made, and the threads given up
//
// The last tenth of the cells has scripts among it that are known to cost a thread and its heap, until `quarantined` of them
// are gone: their outcomes and those of all others count, memory is only shown. One seed gives the same cells in the same
// order; how they overlap differs.
import { setTimeout as sleep } from 'node:timers/promises';
import { readFlags } from '../../bench/support/flags.mjs';
import { importCodecell } from '../../bench/support/package.mjs';
import { describeEnvironment, megabytes, printHeading, printTable } from '../../bench/support/report.mjs';
import { median } from '../../bench/support/statistics.mjs';
import { nextCell } from './cells.mjs';
import { measure } from './measure.mjs';
import { seeded } from './random.mjs';

const flags = readFlags({
  cells: 10_000,
  seed: 1,
  concurrent: 8,
  isolation: 'thread',
  quarantined: 4,
  measurements: 21,
  json: false,
});

const LOST_MS = 60_000;
const WARM_UP = 1 / 3;
const COSTLY_FROM = 0.9;
const MEBIBYTE = 2 ** 20;
const collect = globalThis.gc;
if (collect === undefined) throw new Error('run with --expose-gc, as npm run soak does');

const environment = await describeEnvironment();
const { CodeModeService } = await importCodecell();
const random = seeded(flags.seed);
const counts = new Map();
const problems = [];
const curve = [];
const startedAt = performance.now();

// Once for what the process takes for good when the package is first used.
const first = new CodeModeService(isolation());
await first.createSession().exec('text(1)');
await first.close();
await settleThreads();
const before = measure();

const service = new CodeModeService({
  maxCells: flags.concurrent + flags.quarantined + 16,
  quarantineMs: 1000,
  ...isolation(),
});
const never = new Promise(() => {});
const tools = [
  { name: 'echo', execute: async (input) => input ?? null },
  { name: 'slow', execute: (_input, { signal }) => sleep(1, 'slow', { signal }).catch(() => null) },
  { name: 'never', execute: () => never },
  { name: 'fails', execute: () => Promise.reject(new Error('tool failure')) },
];
const newSession = (profile) =>
  service.createSession({ tools, profile, onNotify: () => {}, onOutput: () => {} });
const sessions = { default: newSession('default'), codex: newSession('codex') };

await measureSettled(0);
const perMeasurement = Math.ceil(flags.cells / (flags.measurements - 1));
let ran = 0;
while (ran < flags.cells && problems.length < 20) {
  const count = Math.min(perMeasurement, flags.cells - ran);
  await runCells(count);
  ran += count;
  // Sessions come and go, too, and what they store with them.
  for (const profile of Object.keys(sessions)) {
    await sessions[profile].close();
    sessions[profile] = newSession(profile);
  }
  await measureSettled(ran);
}
const stats = service.stats();
await service.close();
await settleThreads(before.threads + stats.quarantinedThreads);
const after = measure();

judgeGrowth();
report();
// A thread that was given up would keep the process waiting for nothing.
process.exit(problems.length === 0 ? 0 : 1);

function isolation() {
  return flags.isolation === 'process' ? { isolation: 'process' } : {};
}

async function runCells(count) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await runCell();
  };
  await Promise.all(Array.from({ length: flags.concurrent }, lane));
}

async function runCell() {
  const mayCost = ran >= flags.cells * COSTLY_FROM && service.stats().quarantinedThreads < flags.quarantined;
  const cell = nextCell(random, mayCost);
  const running = observe(cell);
  const lost = sleep(LOST_MS, 'LOST', { ref: false });
  const end = await Promise.race([running, lost]);
  const ends = counts.get(cell.kind) ?? new Map();
  counts.set(cell.kind, ends.set(end, (ends.get(end) ?? 0) + 1));
  if (!cell.ends.includes(end))
    problems.push(`${cell.kind}, ${cell.name}: ${end}, expected ${cell.ends.join(' or ')}`);
}

/** Observes a cell to its end, which it gives as text. */
async function observe({ source, profile, limits, terminateAfterMs, abortAfterMs }) {
  const session = sessions[profile];
  const controller = new AbortController();
  if (abortAfterMs !== undefined) setTimeout(() => controller.abort(), abortAfterMs);
  try {
    const exec = { yieldTimeMs: terminateAfterMs ?? Infinity, limits, signal: controller.signal };
    let outcome = await session.exec(source, exec);
    while (outcome.status === 'yielded') {
      const options = terminateAfterMs === undefined ? { yieldTimeMs: Infinity } : { terminate: true };
      outcome = await session.wait(outcome.cellId, options);
    }
    return outcome.error === null || outcome.status !== 'failed'
      ? outcome.status
      : `failed ${outcome.error.code}`;
  } catch (error) {
    return `rejected ${error?.code ?? error}`;
  }
}

async function settleThreads(wanted = 0) {
  const patience = performance.now() + 10_000;
  do {
    collect();
    await sleep(100);
  } while (measure().threads > wanted && performance.now() < patience && wanted > 0);
}

async function measureSettled(ran) {
  const patience = performance.now() + 3000;
  const busy = ({ threads, warmIsolates, liveCells }) => threads > warmIsolates + liveCells || liveCells > 0;
  while (busy(service.stats()) && performance.now() < patience) await sleep(50);
  collect();
  await sleep(100);
  collect();
  const { quarantinedThreads } = service.stats();
  curve.push({ ran, ...measure(), quarantinedThreads });
}

function judgeGrowth() {
  const { cells } = flags;
  const settled = curve.filter(({ ran }) => ran > cells * WARM_UP && ran <= cells * COSTLY_FROM);
  const early = settled.slice(0, 3);
  const late = settled.slice(-3);
  const bytes = (points) => median(points.map(({ privateBytes }) => privateBytes));
  const given = late.at(-1).quarantinedThreads - early[0].quarantinedThreads;
  // One flood's arenas outweigh everything in a short run: there only gross growth is told from noise.
  const floorBytes = (flags.cells < 2000 ? 512 : 64) * MEBIBYTE;
  const allowed = Math.max(bytes(early) * 0.25, floorBytes) + Math.max(0, given) * 128 * MEBIBYTE;
  const growth = bytes(late) - bytes(early);
  if (growth > allowed)
    problems.push(`memory grew by ${megabytes(growth)}, allowed are ${megabytes(allowed)}`);
  const descriptors = Math.max(...early.map((point) => point.descriptors));
  const last = curve.at(-1).descriptors;
  if (last > descriptors) problems.push(`file descriptors grew from ${descriptors} to ${last}`);
  const threads = before.threads + stats.quarantinedThreads;
  if (after.threads > threads) problems.push(`${after.threads} threads after close(), expected ${threads}`);
  if (after.descriptors > before.descriptors)
    problems.push(`${after.descriptors} file descriptors after close(), before ${before.descriptors}`);
}

function report() {
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const outcomes = Object.fromEntries(
    [...counts].sort().map(([kind, ends]) => [kind, Object.fromEntries(ends)]),
  );
  if (flags.json) {
    const { quarantinedThreads } = stats;
    console.log(
      JSON.stringify(
        { environment, flags, seconds, outcomes, curve, before, after, quarantinedThreads, problems },
        null,
        2,
      ),
    );
    return;
  }
  printHeading(
    `soak: ${flags.cells} cells, ${flags.concurrent} at once, seed ${flags.seed}, ${flags.isolation}`,
    environment,
  );
  const rows = Object.entries(outcomes).flatMap(([kind, ends]) =>
    Object.entries(ends).map(([end, count], i) => [i === 0 ? kind : '', end, count]),
  );
  printTable([['cells', 'end', 'number'], ...rows]);
  console.log('');
  printTable([
    ['after cells', 'private', 'resident', 'descriptors', 'threads', 'given up', 'processes'],
    ...curve.map((point) => [
      point.ran,
      megabytes(point.privateBytes),
      megabytes(point.residentBytes),
      point.descriptors,
      point.threads,
      point.quarantinedThreads,
      point.processes,
    ]),
  ]);
  console.log(`\nprivate memory ${sparkline(curve.map(({ privateBytes }) => privateBytes))}`);
  console.log(
    `after close(): ${after.threads} threads (${before.threads} before), ${after.descriptors} file descriptors (${before.descriptors} before), ${stats.quarantinedThreads} threads given up`,
  );
  for (const problem of problems) console.log(`PROBLEM: ${problem}`);
  console.log(
    `${seconds} s: ${problems.length === 0 ? 'every outcome was right, and nothing grew' : `${problems.length} problems`}`,
  );
}

function sparkline(values) {
  const bars = '▁▂▃▄▅▆▇█';
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return values.map((value) => bars[Math.min(7, Math.floor(((value - low) / span) * 8))]).join('');
}
