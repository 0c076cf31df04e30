// isolation: what the same work costs on threads and in a host process, in turns within one run.
//
//   npm run bench:isolation -- --rounds 5 --execs 100 --calls 2000
//
// A round is a fresh process for each isolation; the order changes with the round. The numbers are medians of the
// rounds' medians.
import { readFlags } from './support/flags.mjs';
import { runFresh } from './support/processes.mjs';
import { describeEnvironment, megabytes, printHeading, printTable, ratio, time } from './support/report.mjs';
import { median } from './support/statistics.mjs';

const flags = readFlags({ rounds: 5, execs: 100, calls: 2000, json: false });
const environment = await describeEnvironment();
const isolations = ['thread', 'process'];
const samples = { thread: [], process: [] };
for (let round = 0; round < flags.rounds; round++) {
  const order = round % 2 === 0 ? isolations : isolations.toReversed();
  for (const isolation of order) {
    samples[isolation].push(await runFresh('programs/isolation.mjs', [isolation, flags.execs, flags.calls]));
  }
}

const rows = [
  ['firstExecMs', 'first exec, from making the service', time],
  ['pacedExecMs', 'exec, warm isolate, paced', time],
  ['callMs', 'tool call, one after the other', time],
  ['parallelCallMs', 'tool call, 100 at once, each', time],
  ['largeCallMs', '10 MB through a tool and back', time],
  ['hostBytes', 'memory of host processes', megabytes],
];
const results = rows.map(([key, title, format]) => {
  const [thread, inProcess] = isolations.map((isolation) =>
    median(samples[isolation].map((one) => one[key])),
  );
  return { key, title, format, thread, process: inProcess };
});

if (flags.json) {
  const plain = results.map(({ key, title, thread, process: inProcess }) => ({
    key,
    title,
    thread,
    process: inProcess,
  }));
  console.log(JSON.stringify({ benchmark: 'isolation', environment, results: plain }, null, 2));
} else {
  printHeading('isolation', environment);
  printTable([
    ['work', 'thread', 'process', 'process / thread'],
    ...results.map(({ title, format, thread, process: inProcess }) => [
      title,
      thread === 0 ? '-' : format(thread),
      format(inProcess),
      thread === 0 ? '-' : ratio(inProcess / thread),
    ]),
  ]);
}
