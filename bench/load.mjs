// Many execs: throughput and latency at 1, 8 and 64 at once, what the host's event loop notices, and memory.
//
//   npm run bench:load -- --seconds 3 --rounds 3 --cells 10000
//
// Throughput stands beside the rate at which bare isolates with a context can be made and disposed on this machine
// (see bench:native), measured in turn with it; without CMake and a compiler that column stays empty. Every
// measurement is a process of its own.
import { cpus } from 'node:os';
import { readFlags } from './support/flags.mjs';
import { buildNativeBenchmarks } from './support/native-addon.mjs';
import { runFresh } from './support/processes.mjs';
import { describeEnvironment, megabytes, printHeading, printTable, time } from './support/report.mjs';
import { median, percentile } from './support/statistics.mjs';

const flags = readFlags({
  seconds: 3,
  rounds: 3,
  concurrency: [1, 8, 64],
  cells: 10_000,
  isolates: 32,
  // Threads without work end after 10 s.
  'settle-ms': 13_000,
  'no-floor': false,
  json: false,
});
let native;
let nativeProblem = 'left out with --no-floor';
if (!flags['no-floor']) {
  try {
    native = buildNativeBenchmarks();
  } catch (error) {
    nativeProblem = error.message;
  }
}
const environment = await describeEnvironment();
const milliseconds = Math.max(100, flags.seconds * 1000);

const cases = flags.concurrency.map((concurrency) => ({ concurrency, rounds: [] }));
const floors = { one: [], all: [] };
for (let round = 0; round < flags.rounds; round++) {
  for (const one of cases)
    one.rounds.push(await runFresh('programs/load.mjs', [one.concurrency, milliseconds]));
  if (native === undefined) continue;
  for (const [name, threads] of [
    ['one', 1],
    ['all', cpus().length],
  ]) {
    const { perSecond } = await runFresh('programs/native-rate.mjs', [native, threads, milliseconds]);
    floors[name].push(perSecond);
  }
}
const floor = { oneThread: median(floors.one), allThreads: median(floors.all) };
const throughput = cases.map(({ concurrency, rounds }) => {
  const latencies = rounds.flatMap((round) => round.latencies);
  const perSecond = median(rounds.map((round) => round.perSecond));
  return {
    concurrency,
    execs: latencies.length,
    roundsPerSecond: rounds.map((round) => round.perSecond),
    perSecond,
    // One exec after the other leaves the preparation of the next isolate to another processor.
    againstFloor: perSecond / floor.allThreads,
    p50Ms: median(latencies),
    p99Ms: percentile(latencies, 0.99),
    loopDelayP50Ms: median(rounds.map((round) => round.loopDelay.p50Ms)),
    loopDelayP99Ms: median(rounds.map((round) => round.loopDelay.p99Ms)),
    loopDelayMaxMs: Math.max(...rounds.map((round) => round.loopDelay.maxMs)),
  };
});

const nodeArgs = ['--expose-gc'];
const measureMemory = (kind, count) =>
  runFresh('programs/memory.mjs', [kind, count, flags['settle-ms']], { nodeArgs });
const warm = await measureMemory('warm', flags.isolates);
const live = await measureMemory('live', flags.isolates);
const many = await measureMemory('cells', flags.cells);
const memory = {
  warmIsolateBytes: warm.bytesEach,
  liveCellBytes: live.bytesEach,
  cells: flags.cells,
  youngBytes: many.young,
  beforeCellsBytes: many.before,
  afterCellsBytes: many.after,
  halfwayBytes: many.halfway,
  growth: many.after / many.before - 1,
  growthOfSecondHalf: many.after / many.halfway - 1,
  threadsAtTheEnd: many.threads,
};

if (flags.json) {
  console.log(JSON.stringify({ benchmark: 'load', environment, floor, throughput, memory }, null, 2));
} else {
  printHeading('load', environment);
  printTable([
    [
      'at once',
      'execs',
      ...Array.from({ length: flags.rounds }, (_, i) => `round ${i + 1}`),
      'execs/s',
      'of floor',
      'p50',
      'p99',
      'loop delay p50',
      'p99',
      'max',
    ],
    ...throughput.map((one) => [
      one.concurrency,
      one.execs,
      ...one.roundsPerSecond.map((rate) => `${rate.toFixed(0)}/s`),
      one.perSecond.toFixed(0),
      Number.isFinite(one.againstFloor) ? `${Math.round(one.againstFloor * 100)} %` : '-',
      time(one.p50Ms),
      time(one.p99Ms),
      time(one.loopDelayP50Ms),
      time(one.loopDelayP99Ms),
      time(one.loopDelayMaxMs),
    ]),
  ]);
  if (native === undefined) console.log(`\nfloor: not measured: ${nativeProblem}`);
  else {
    const { oneThread, allThreads } = floor;
    console.log(
      `\nfloor: bare isolates with a context, made and disposed per second: ${oneThread.toFixed(0)} on one thread, ` +
        `${allThreads.toFixed(0)} on ${cpus().length} ("of floor" is against the latter)`,
    );
  }
  console.log('');
  printTable([
    ['memory, resident and private', ''],
    [`idle warm isolate, each of ${flags.isolates}`, megabytes(memory.warmIsolateBytes)],
    [`live cell that waits for a tool, each of ${flags.isolates}`, megabytes(memory.liveCellBytes)],
    [`process after ${Math.min(1000, flags.cells)} cells, settled`, megabytes(memory.youngBytes)],
    [`after ${Math.min(5000, flags.cells)} more, settled`, megabytes(memory.beforeCellsBytes)],
    [`after ${Math.floor(memory.cells / 2)} more, settled`, megabytes(memory.halfwayBytes)],
    [`after ${memory.cells - Math.floor(memory.cells / 2)} more, settled`, megabytes(memory.afterCellsBytes)],
    [`growth in the last ${memory.cells}`, `${(memory.growth * 100).toFixed(1)} %`],
    ['growth in the second half of them', `${(memory.growthOfSecondHalf * 100).toFixed(1)} %`],
    ['threads at the end of them, 8 cells at once', memory.threadsAtTheEnd],
  ]);
}
