/**
 * An agent-sized job: two scripts, as a model would write them, study this repository through three
 * file tools. Run it with `npm start`, or with `npm start -- --trace DIR` to record what happens as a trace bundle.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CodeModeService } from 'codecell';
import { createTraceRecorder } from 'codecell/trace';
import { createFileTools } from './tools.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readScript = (name) => readFile(new URL(name, import.meta.url), 'utf8');
const milliseconds = (value) => `${value.toFixed(1)} ms`;

const { values } = parseArgs({ options: { trace: { type: 'string' } } });
const recorder = values.trace === undefined ? null : createTraceRecorder({ directory: values.trace });
const startedAt = performance.now();
const service = new CodeModeService({ warmIsolates: 2 });
const session = service.createSession({ tools: await createFileTools(root), trace: recorder });
let failed = false;
let totalCalls = 0;
let waits = 0;

async function run(name) {
  console.log(`--- exec ${name}`);
  let outcome = await session.exec(await readScript(name), { callId: name });
  while (outcome.status === 'yielded') {
    printItems(outcome);
    console.log(
      `    (cell ${outcome.cellId} yielded after ${milliseconds(outcome.metrics.wallMs)} and goes on; waiting)\n`,
    );
    outcome = await session.wait(outcome.cellId, { callId: `wait-${++waits}` });
  }
  printItems(outcome);
  if (outcome.error) console.log(outcome.error.text);
  failed ||= outcome.status !== 'completed';

  const { metrics, toolCalls } = outcome;
  totalCalls += toolCalls.length;
  console.log(
    `    ${outcome.status}: ${toolCalls.length} nested calls, wall ${milliseconds(metrics.wallMs)}, ` +
      `script ${milliseconds(metrics.runMs)}, isolate ${milliseconds(metrics.queueMs + metrics.startMs)}, ` +
      `compile ${milliseconds(metrics.compileMs)}, heap ${(metrics.heapUsedBytes / 2 ** 20).toFixed(1)} MiB\n`,
  );
}

function printItems({ contentItems }) {
  for (const item of contentItems) console.log(`${item.text ?? `[${item.type}]`}\n`);
}

await run('analyse.js');
await run('query.js');
await service.close();
console.log(
  `${totalCalls} nested calls in 2 execs, ${milliseconds(performance.now() - startedAt)} in total.`,
);
if (recorder !== null) {
  await recorder.close({ status: failed ? 'failed' : 'completed' });
  const { writtenEvents, error } = recorder.stats();
  console.log(`${writtenEvents} events in ${recorder.path}${error === null ? '' : ` (${error})`}`);
}
process.exitCode = failed ? 1 : 0;
