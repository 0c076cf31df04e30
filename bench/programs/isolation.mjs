// One round of the isolation benchmark, in a process of its own: isolation.mjs <thread | process> <execs> <calls>
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { importCodecell } from '../support/package.mjs';
import { median } from '../support/statistics.mjs';

const [isolation, execs, calls] = process.argv.slice(2);
const { CodeModeService } = await importCodecell();
let hostPid = null;
/** As the package starts it; the id is for asking how much memory it has. */
const start = ({ execPath, args, env, cwd }) => {
  const child = spawn(execPath, args, { env, cwd, stdio: ['ignore', 'ignore', 'pipe', 'overlapped'] });
  hostPid = child.pid;
  return child;
};

const startedAt = performance.now();
const service = new CodeModeService(isolation === 'process' ? { isolation, hostProcess: { start } } : {});
const tools = [{ name: 'echo', execute: (input) => input }];
const session = service.createSession({ tools, limits: { heapMb: 1024 } });
await check(session.exec('text("ok")'));
const firstExecMs = performance.now() - startedAt;

const pacedMs = [];
for (let i = 0; i < Number(execs); i++) {
  await sleep(5);
  const before = performance.now();
  await check(session.exec('text("ok")'));
  pacedMs.push(performance.now() - before);
}

// Before the large texts.
const hostBytes = hostPid === null ? 0 : residentBytes(hostPid);
const callMs = await timed(`for (let i = 0; i < ${calls}; i++) await tools.echo({ i });`, Number(calls));
const rounds = Math.max(1, Math.floor(Number(calls) / 100));
const parallelCallMs = await timed(
  `for (let i = 0; i < ${rounds}; i++)
     await Promise.all(Array.from({ length: 100 }, (_, i) => tools.echo({ i })));`,
  rounds * 100,
);
const largeCallMs = await timed(
  `const large = 'a "quoted" line\\n'.repeat(6e5); for (let i = 0; i < 3; i++) await tools.echo({ large });`,
  3,
);

await service.close();
console.log(
  JSON.stringify({
    firstExecMs,
    pacedExecMs: median(pacedMs),
    callMs,
    parallelCallMs,
    largeCallMs,
    hostBytes,
  }),
);

/** Milliseconds for one of `count` parts of the work, once after a warm-up of the same. */
async function timed(work, count) {
  await check(session.exec(`${work} text("ok")`, { yieldTimeMs: Infinity }));
  const before = performance.now();
  await check(session.exec(`${work} text("ok")`, { yieldTimeMs: Infinity }));
  return (performance.now() - before) / count;
}

async function check(running) {
  const outcome = await running;
  if (outcome.status !== 'completed' || outcome.contentItems[0]?.text !== 'ok') {
    throw new Error(`unexpected outcome: ${JSON.stringify(outcome)}`);
  }
}

/** NaN where the system cannot be asked. */
function residentBytes(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
  } catch {
    return NaN;
  }
}
