// Resident memory, in a process of its own: memory.mjs <warm | live | cells> <how many> <patience in ms>
import { setTimeout as sleep } from 'node:timers/promises';
import { privateBytes } from '../support/memory.mjs';
import { importCodecell } from '../support/package.mjs';

const [kind, ...amounts] = process.argv.slice(2);
const [count, patienceMs] = amounts.map(Number);
const { CodeModeService } = await importCodecell();

/** Private resident bytes after the threads that have nothing to do are gone. */
async function settled(service) {
  // What this frees V8 gives back while the threads are waited for.
  globalThis.gc?.();
  const patience = performance.now() + patienceMs;
  const needed = (stats) => stats.warmIsolates + stats.liveCells;
  const idle = () => service.stats().threads <= needed(service.stats());
  while (!idle() && performance.now() < patience) await sleep(100);
  globalThis.gc?.();
  await sleep(300);
  return privateBytes();
}

async function run(session, cells, concurrency) {
  let left = cells;
  const lane = async () => {
    while (left-- > 0) {
      const outcome = await session.exec('text("ok");');
      if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

// Code is loaded and compiled, the process's own heap has its size.
const first = new CodeModeService({ warmIsolates: 1 });
await run(first.createSession(), 20, 1);

if (kind === 'warm' || kind === 'live') {
  const before = await settled(first);
  const warmIsolates = kind === 'warm' ? count : 0;
  const service = new CodeModeService({ warmIsolates, maxCells: Math.max(64, count) });
  if (kind === 'live') {
    let waiting = 0;
    const hold = { name: 'hold', description: 'Waits.', execute: () => (waiting++, new Promise(() => {})) };
    const session = service.createSession({ tools: [hold] });
    for (let i = 0; i < count; i++) session.start('await tools.hold();');
    while (waiting < count) await sleep(20);
  } else {
    while (service.stats().warmIsolates < count) await sleep(20);
  }
  const bytesEach = ((await settled(service)) - before) / count;
  await service.close();
  await first.close();
  console.log(JSON.stringify({ bytesEach }));
} else {
  const session = first.createSession();
  // First what a process has after a moment, then what many cells at once need for good: V8's pages that no isolate has
  // reach their number after some 4,000 of them.
  await run(session, Math.min(1000, count), 8);
  const young = await settled(first);
  await run(session, Math.min(5000, count), 8);
  const before = await settled(first);
  const half = Math.floor(count / 2);
  await run(session, half, 8);
  const halfway = await settled(first);
  await run(session, count - half, 8);
  const threads = first.stats().threads;
  const after = await settled(first);
  await first.close();
  console.log(JSON.stringify({ young, before, halfway, after, threads }));
}
