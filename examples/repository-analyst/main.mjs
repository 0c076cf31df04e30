/**
 * An agent-sized job: two scripts, as a model would write them, study this repository through three
 * file tools. Run it with `npm start`.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CodeModeService } from 'codecell';
import { createFileTools } from './tools.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readScript = (name) => readFile(new URL(name, import.meta.url), 'utf8');
const milliseconds = (value) => `${value.toFixed(1)} ms`;

const startedAt = performance.now();
const service = new CodeModeService({ warmIsolates: 2 });
const session = service.createSession({ tools: await createFileTools(root) });
let failed = false;
let totalCalls = 0;

async function run(name) {
  console.log(`--- exec ${name}`);
  let outcome = await session.exec(await readScript(name));
  while (outcome.status === 'yielded') {
    printItems(outcome);
    console.log(
      `    (cell ${outcome.cellId} yielded after ${milliseconds(outcome.metrics.wallMs)} and goes on; waiting)\n`,
    );
    outcome = await session.wait(outcome.cellId);
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
process.exitCode = failed ? 1 : 0;
