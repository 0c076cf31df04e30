// One sample of exec_overhead, in a process of its own: exec-overhead.mjs <cold | warm> <tools> <iterations>
import { watchPeak } from '../support/memory.mjs';
import { importCodecell } from '../support/package.mjs';
import { makeTools } from '../support/tools.mjs';

const [scenario, toolCount, iterations] = process.argv.slice(2);
const SOURCE = 'text("ok");';

const importStart = performance.now();
const { CodeModeService } = await importCodecell();
const importMs = performance.now() - importStart;
const tools = makeTools(Number(toolCount));

const peakGrowth = watchPeak();
const start = performance.now();
const service = new CodeModeService();
const serviceMs = performance.now() - start;
const session = service.createSession({ tools });
const sessionMs = performance.now() - start - serviceMs;
check(await session.exec(SOURCE));
const coldMs = performance.now() - start;

const execMs = [];
if (scenario === 'cold') execMs.push(coldMs);
else {
  for (let i = 0; i < Number(iterations); i++) {
    const before = performance.now();
    const outcome = await session.exec(SOURCE);
    execMs.push(performance.now() - before);
    check(outcome);
  }
}
const growthBytes = peakGrowth();
// The first nested call: the first check of an input loads the validator and compiles the tool's schema.
let firstCallMs = null;
if (scenario === 'cold' && tools.length > 0) {
  const before = performance.now();
  const outcome = await session.exec('await tools.tool_0({ id: "one" }); text("ok");');
  firstCallMs = performance.now() - before;
  check(outcome);
}
await service.close();
console.log(JSON.stringify({ importMs, serviceMs, sessionMs, execMs, growthBytes, firstCallMs }));

function check(outcome) {
  if (outcome.status !== 'completed' || outcome.contentItems[0]?.text !== 'ok') {
    throw new Error(`unexpected outcome: ${JSON.stringify(outcome)}`);
  }
}
