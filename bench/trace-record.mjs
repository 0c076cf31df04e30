// What recording a trace costs: the same execs in sessions without a recorder and with one, taking turns in one process.
//
//   npm run bench:trace -- --samples 400 --blocks 20 --block-execs 50
//
// Paced: one exec at a time with a pause of 5 ms before each, as a model's calls have one; the variants take turns
// exec by exec. Without a pause: blocks of execs one after the other; the variants take turns block by block, and the
// writing that is still going on counts for whoever comes next. "off" stands there twice: what the second one differs
// by is noise. Ratios are of the medians; the first exec of each turn is not counted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFlags } from './support/flags.mjs';
import { importCodecell } from './support/package.mjs';
import { describeEnvironment, printHeading, printTable, ratio, time } from './support/report.mjs';
import { median, percentile } from './support/statistics.mjs';

const flags = readFlags({ samples: 400, blocks: 20, 'block-execs': 50, 'pause-ms': 5, json: false });
const environment = await describeEnvironment();
const { CodeModeService } = await importCodecell();
const { createTraceRecorder } = await importCodecell('trace');
const directory = mkdtempSync(join(tmpdir(), 'codecell-bench-trace-'));

const model = { model: 'model', providerName: 'provider' };
const work = {
  'trivial exec': 'text(1)',
  'exec with 10 calls': 'for (let i = 0; i < 10; i++) await tools.echo({ i }); text("done")',
  'exec with 10 KiB of output': 'text("x".repeat(10240))',
};

const service = new CodeModeService({ warmIsolates: 2 });
const tools = [{ name: 'echo', execute: (input) => input }];
const recorders = [];

/** A session with a recorder whose host records its inference. */
function recorded() {
  const recorder = createTraceRecorder({ directory });
  recorders.push(recorder);
  recorder.root
    .startTurn()
    .startInference({ ...model, request: { input: [] } })
    .completed({ outputItems: [] });
  return service.createSession({ tools, trace: recorder });
}

const variants = {
  off: service.createSession({ tools }),
  'off again': service.createSession({ tools }),
  on: recorded(),
};
let callNumber = 0;

async function execute(session, source) {
  const startedAt = performance.now();
  const { status, error } = await session.exec(source, { callId: `call-${++callNumber}` });
  const elapsed = performance.now() - startedAt;
  if (status !== 'completed') throw new Error(error?.text ?? status);
  return elapsed;
}

/** Each variant first in turn, so that none always follows the same one. */
function* turns(count) {
  const names = Object.keys(variants);
  for (let round = 0; round < count; round++) {
    for (let i = 0; i < names.length; i++) yield names[(round + i) % names.length];
  }
}

async function paced(source) {
  const samples = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (const name of turns(flags.samples)) {
    await sleep(flags['pause-ms']);
    samples[name].push(await execute(variants[name], source));
  }
  return samples;
}

async function withoutPause(source) {
  const samples = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (const name of turns(flags.blocks)) {
    await execute(variants[name], source);
    const startedAt = performance.now();
    for (let i = 0; i < flags['block-execs']; i++) await execute(variants[name], source);
    samples[name].push((performance.now() - startedAt) / flags['block-execs']);
  }
  return samples;
}

const results = [];
for (const [name, source] of Object.entries(work)) {
  for (const session of Object.values(variants)) {
    for (let i = 0; i < 100; i++) await execute(session, source);
  }
  for (const [mode, measure] of [
    ['paced', paced],
    ['no pause', withoutPause],
  ]) {
    const samples = await measure(source);
    const off = median([...samples.off, ...samples['off again']]);
    results.push({
      name: `${name}, ${mode}`,
      offMs: off,
      onMs: median(samples.on),
      onP95Ms: percentile(samples.on, 0.95),
      offP95Ms: percentile(samples.off, 0.95),
      onRatio: median(samples.on) / off,
      noiseRatio: median(samples['off again']) / median(samples.off),
    });
  }
}
const stats = recorders.map((recorder) => recorder.stats());
await service.close();
for (const recorder of recorders) await recorder.close();
rmSync(directory, { recursive: true });

if (flags.json) {
  console.log(JSON.stringify({ benchmark: 'trace_record', environment, results }, null, 2));
} else {
  printHeading('trace_record', environment);
  printTable([
    ['work', 'off p50', 'on p50', 'on / off', 'off / off', 'off p95', 'on p95'],
    ...results.map((one) => [
      one.name,
      time(one.offMs),
      time(one.onMs),
      ratio(one.onRatio),
      ratio(one.noiseRatio),
      time(one.offP95Ms),
      time(one.onP95Ms),
    ]),
  ]);
  const dropped = stats.reduce((sum, { droppedEvents }) => sum + droppedEvents, 0);
  console.log(`\n${dropped} events were dropped.`);
}
