// Execs under load, in a process of its own: load.mjs <concurrency> <milliseconds>
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { importCodecell } from '../support/package.mjs';

const [concurrency, milliseconds] = process.argv.slice(2).map(Number);
const { CodeModeService } = await importCodecell();
const service = new CodeModeService();
const session = service.createSession();

async function run(duration) {
  const latencies = [];
  const start = performance.now();
  const lane = async () => {
    while (performance.now() - start < duration) {
      const before = performance.now();
      const outcome = await session.exec('text("ok");');
      latencies.push(performance.now() - before);
      if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { latencies, perSecond: (latencies.length / (performance.now() - start)) * 1000 };
}

await run(Math.min(300, milliseconds));
const resolution = 1;
const delay = monitorEventLoopDelay({ resolution });
delay.enable();
const { latencies, perSecond } = await run(milliseconds);
delay.disable();
await service.close();
const late = (ns) => Math.max(0, ns / 1e6 - resolution);
const loopDelay = {
  p50Ms: late(delay.percentile(50)),
  p99Ms: late(delay.percentile(99)),
  maxMs: late(delay.max),
};
console.log(JSON.stringify({ latencies, perSecond, loopDelay }));
