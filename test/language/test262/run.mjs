// Runs test262 in cells and in node, and compares: a cell's language is that of node, but for what was removed.
//
//   npm run test:language -- --test262 <folder> [--filter language/expressions,built-ins/Array] [--every 10]
//
// <folder> is a copy of github.com/tc39/test262. Every test runs in its modes (sloppy and strict script, module), in a
// cell and in a bare context of the running Node, from the same source text. Ends are compared whole, error messages
// included; it fails when one differs and no entry of differences.mjs says why. --every N runs each Nth run.
// --package names another build of the package. Needs Node 22.8 or newer (`--node 24` takes one).
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { readFlags } from '../../../bench/support/flags.mjs';
import { root } from '../../../bench/support/package.mjs';
import { printTable } from '../../../bench/support/report.mjs';
import { differences } from './differences.mjs';
import { listTests, loadTest, modesOf } from './suite.mjs';

const flags = readFlags({
  test262: '',
  filter: ['', ''].filter(Boolean),
  every: 1,
  jobs: availableParallelism(),
  isolation: 'thread',
  show: 20,
  json: false,
});
if (flags.test262 === '') {
  console.error('--test262 <folder> names a copy of github.com/tc39/test262');
  process.exit(2);
}
if (vm.constants?.DONT_CONTEXTIFY === undefined) {
  console.error(`Node ${process.version} cannot make a bare context to compare with: use --node 24`);
  process.exit(2);
}

const BATCH = 40;
const RUNS_PER_PROCESS = 1500;
const HANG_MS = 60_000;
const folder = flags.test262;
const runs = listTests(folder, flags.filter)
  .flatMap((path) => modesOf(loadTest(folder, path, 'sloppy').metadata).map((mode) => ({ path, mode })))
  .filter((_run, i) => i % flags.every === 0)
  .map((run, index) => ({ ...run, index, cell: undefined, node: undefined }));

const startedAt = performance.now();
let queue = [...runs];
let done = 0;
await Promise.all(Array.from({ length: flags.jobs }, () => lane(['cell', 'node'], RUNS_PER_PROCESS)));
const differing = () => runs.filter((run) => run.cell !== run.node && explanationOf(run) === undefined);
// Some ends depend on what ran before in the same isolate of node's, and a crash stops at the first side: what differs runs
// again, each side of each test in a process of its own.
for (const side of ['cell', 'node']) {
  queue = differing();
  for (const run of queue) run[side] = undefined;
  await Promise.all(Array.from({ length: flags.jobs }, () => lane([side], 1)));
}
const seconds = Math.round((performance.now() - startedAt) / 1000);

const passed = (run, end) => {
  const test = loadTest(folder, run.path, run.mode);
  const { negative } = test.metadata;
  if (negative === null) return end === (test.asynchronous ? 'Test262:AsyncTestComplete' : 'ok');
  return run.mode === 'module' ? end.startsWith('failed') : end.startsWith(`${negative.type}:`);
};
const counts = { runs: runs.length, samePassed: 0, sameFailed: 0, explained: 0, unexplained: 0 };
const explained = new Map(differences.map(({ id }) => [id, 0]));
const unexplained = [];
for (const run of runs) {
  if (run.cell === run.node) {
    counts[passed(run, run.cell) ? 'samePassed' : 'sameFailed']++;
    continue;
  }
  const difference = explanationOf(run);
  if (difference === undefined) unexplained.push(run);
  else explained.set(difference.id, explained.get(difference.id) + 1);
  counts[difference === undefined ? 'unexplained' : 'explained']++;
}

const failures = unexplained.map(({ path, mode, cell, node }) => ({ path, mode, cell, node }));
if (flags.json) {
  const reasons = Object.fromEntries(explained);
  console.log(
    JSON.stringify({ node: process.version, seconds, counts, explained: reasons, failures }, null, 2),
  );
} else {
  console.log(`test262 on Node ${process.version}, ${seconds} s`);
  printTable([
    ['runs of a test in a mode', 'number'],
    ['all', counts.runs],
    ['pass in both', counts.samePassed],
    ['fail in both, alike', counts.sameFailed],
    ...differences.map(({ id, reason }) => [`differ, ${id}: ${reason}`, explained.get(id)]),
    ['differ, unexplained', counts.unexplained],
  ]);
  for (const { path, mode, cell, node } of failures.slice(0, flags.show))
    console.log(`\n${path} (${mode})\n  cell: ${cell.slice(0, 300)}\n  node: ${node.slice(0, 300)}`);
}
process.exitCode = counts.unexplained === 0 ? 0 : 1;

function explanationOf({ path, mode }) {
  const test = loadTest(folder, path, mode);
  return differences.find((one) => one.explains(test));
}

/** Takes runs from the queue, in one process after the other. */
async function lane(sides, runsPerProcess) {
  while (queue.length > 0) await oneProcess(sides, runsPerProcess);
}

function oneProcess(sides, runsPerProcess) {
  return new Promise((resolve) => {
    const args = [
      pathToFileURL(join(process.env.CODECELL_BENCH_PACKAGE ?? root, 'dist', 'index.js')).href,
      JSON.stringify(flags.isolation === 'process' ? { isolation: 'process' } : {}),
    ];
    const child = fork(fileURLToPath(new URL('child.mjs', import.meta.url)), args, {
      execArgv: ['--experimental-vm-modules', '--no-warnings'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let batch = [];
    let left = runsPerProcess;
    let guard;
    const watch = () => {
      clearTimeout(guard);
      guard = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
    };
    child.on('message', ({ idle, index, cell, node }) => {
      watch();
      if (!idle) {
        if (cell !== undefined) runs[index].cell = cell;
        else {
          runs[index].node = node;
          done++;
          if (process.stderr.isTTY && done % 100 === 0) process.stderr.write(`\r${done} of ${runs.length} `);
        }
        return;
      }
      batch = left > 0 ? queue.splice(0, Math.min(BATCH, left)) : [];
      left -= batch.length;
      if (batch.length === 0) return child.disconnect();
      child.send({ folder, sides, tests: batch.map(({ index, path, mode }) => ({ index, path, mode })) });
    });
    child.on('exit', (code, signal) => {
      clearTimeout(guard);
      const last = sides.at(-1);
      const [died, ...again] = batch.filter((run) => run[last] === undefined);
      if (died !== undefined) {
        // The first one without an end took the process with it; the others run again.
        const end = `DIED with ${signal ?? `status ${code}`}`;
        for (const side of sides) died[side] ??= end;
        for (const run of again) for (const side of sides) run[side] = undefined;
        queue.unshift(...again);
      }
      resolve();
    });
    watch();
  });
}
