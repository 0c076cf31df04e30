// The physical floor, measured in C++ alone: isolates, contexts, modules, and handing things to other threads.
//
//   npm run bench:native -- --iterations 200
//
// "bare" is V8 as Node's platform wants it, without anything of codecell; "codecell" is what a warm isolate holds.
// Builds the benchmarks with CMake first. The floor of exec from JavaScript is the sum of its parts here.
import { cpus } from 'node:os';
import { readFlags } from './support/flags.mjs';
import { buildNativeBenchmarks, loadNativeBenchmarks } from './support/native-addon.mjs';
import { runFresh } from './support/processes.mjs';
import { describeEnvironment, megabytes, printHeading, printTable, ratio, time } from './support/report.mjs';
import { median, percentile } from './support/statistics.mjs';

const flags = readFlags({ iterations: 200, 'first-samples': 15, 'rate-ms': 1500, json: false });
const file = buildNativeBenchmarks();
const environment = await describeEnvironment();
const addon = loadNativeBenchmarks(file);

const first = [];
for (let i = 0; i < flags['first-samples']; i++)
  first.push(await runFresh('programs/native-first.mjs', [file]));

const rows = [
  ...Object.entries(addon.isolates(flags.iterations)),
  ...Object.entries(addon.scripts(flags.iterations)),
  ...Object.keys(first[0]?.rows ?? {}).map((name) => [name, first.map((sample) => sample.rows[name][0])]),
  ...Object.entries(addon.threads(flags.iterations)),
].map(([name, samples]) => ({
  name,
  samples: samples.length,
  medianMs: median(samples),
  p95Ms: percentile(samples, 0.95),
  bestMs: Math.min(...samples),
}));

const rates = [...new Set([1, cpus().length])].map((threads) => ({
  threads,
  barePerSecond: addon.isolatesPerSecond(threads, flags['rate-ms']),
  preparedPerSecond: addon.preparedPerSecond(threads, flags['rate-ms']),
}));
const of = (name) => rows.find((row) => row.name === name).medianMs;
const derived = {
  helperInstallationMs: of('codecell: isolate + context + helpers') - of('isolate') - of('context'),
  preparedAgainstBare:
    (of('codecell: isolate + context + helpers') + of('codecell: disposal')) /
    of('isolate + context + disposal'),
  firstGrowthMedianBytes: median(first.map((sample) => sample.growthBytes)),
};

if (flags.json) {
  console.log(JSON.stringify({ benchmark: 'native', environment, rows, rates, derived }, null, 2));
} else {
  printHeading('native micro-benchmarks', environment);
  printTable([
    ['what', 'samples', 'p50', 'p95', 'best'],
    ...rows.map((row) => [row.name, row.samples, time(row.medianMs), time(row.p95Ms), time(row.bestMs)]),
  ]);
  console.log('');
  printTable([
    ['made and disposed per second', 'bare', 'codecell', 'ratio'],
    ...rates.map(({ threads, barePerSecond, preparedPerSecond }) => [
      `${threads} thread${threads === 1 ? '' : 's'}`,
      barePerSecond.toFixed(0),
      preparedPerSecond.toFixed(0),
      ratio(preparedPerSecond / barePerSecond),
    ]),
  ]);
  console.log(`\nhelper installation: ${time(derived.helperInstallationMs)} (codecell - isolate - context)`);
  console.log(`codecell against bare, disposal included: ${ratio(derived.preparedAgainstBare)}`);
  console.log(`peak RSS growth with the first isolate: ${megabytes(derived.firstGrowthMedianBytes)}`);
}
