// exec_overhead: what one exec costs around the script itself, in the first exec of a process and in later ones.
//
//   npm run bench:exec -- --samples 30 --warm-iterations 25 --tool-counts 0,32,128,1000
//
// A sample is a fresh process. cold_exec: from making the service, through making the session, to the outcome of the
// first exec. warm_exec: execs one after the other, without a pause, after one that warms up. rss: how far the peak of
// the process's resident memory rose from just before the service was made. Scenarios and tool counts take turns.
import { readFlags } from './support/flags.mjs';
import { runFresh } from './support/processes.mjs';
import { describeEnvironment, megabytes, printHeading, printTable, ratio, time } from './support/report.mjs';
import { mean, median, percentile } from './support/statistics.mjs';

const flags = readFlags({
  samples: 30,
  'warm-iterations': 25,
  'tool-counts': [0, 32, 128, 1000],
  json: false,
});
const environment = await describeEnvironment();
const iterations = flags['warm-iterations'];
const cases = ['cold', 'warm'].flatMap((scenario) =>
  flags['tool-counts'].map((tools) => ({ scenario, tools, samples: [] })),
);

for (let round = 0; round < flags.samples; round++) {
  // Each round begins elsewhere, so that no case always follows the same one.
  for (let i = 0; i < cases.length; i++) {
    const one = cases[(round + i) % cases.length];
    one.samples.push(await runFresh('programs/exec-overhead.mjs', [one.scenario, one.tools, iterations]));
  }
}

const results = cases.map(({ scenario, tools, samples }) => {
  const execs = samples.flatMap((sample) => sample.execMs);
  const growth = samples.map((sample) => sample.growthBytes);
  return {
    scenario: `${scenario}_exec`,
    tools,
    samples: samples.length,
    warmups: scenario === 'warm' ? 1 : 0,
    iterations: scenario === 'warm' ? iterations : 1,
    meanMs: mean(execs),
    medianMs: median(execs),
    p95Ms: percentile(execs, 0.95),
    rssGrowthMedianBytes: median(growth),
    rssGrowthMaxBytes: Math.max(...growth),
    importMedianMs: median(samples.map((sample) => sample.importMs)),
    serviceMedianMs: median(samples.map((sample) => sample.serviceMs)),
    sessionMedianMs: median(samples.map((sample) => sample.sessionMs)),
    firstCallMedianMs: median(samples.map((sample) => sample.firstCallMs ?? NaN)),
  };
});

if (flags.json) {
  console.log(JSON.stringify({ benchmark: 'exec_overhead', environment, results }, null, 2));
} else {
  printHeading('exec_overhead', environment);
  printTable([
    [
      'scenario',
      'tools',
      'samples',
      'warmups',
      'iters',
      'mean/exec',
      'p50/exec',
      'p95/exec',
      'rssΔ p50',
      'rssΔ max',
      'vs first',
    ],
    ...results.map((one) => [
      one.scenario,
      one.tools,
      one.samples,
      one.warmups,
      one.iterations,
      time(one.meanMs),
      time(one.medianMs),
      time(one.p95Ms),
      megabytes(one.rssGrowthMedianBytes),
      megabytes(one.rssGrowthMaxBytes),
      ratio(one.medianMs / results.find(({ scenario }) => scenario === one.scenario).medianMs),
    ]),
  ]);
  console.log('\nWithin cold_exec, medians (importing the package comes before and is not counted):');
  printTable([
    ['tools', 'import', 'service', 'session', 'exec', 'next exec, with the first tool call'],
    ...results
      .filter(({ scenario }) => scenario === 'cold_exec')
      .map((one) => [
        one.tools,
        time(one.importMedianMs),
        time(one.serviceMedianMs),
        time(one.sessionMedianMs),
        time(one.medianMs - one.serviceMedianMs - one.sessionMedianMs),
        time(one.firstCallMedianMs),
      ]),
  ]);
}
