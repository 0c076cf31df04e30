// Runs one child and watches it from outside: its time, and the memory of its processes.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const child = fileURLToPath(new URL('child.mjs', import.meta.url));
const POLL_MS = 20;
const EXIT_MS = 3000;

/** Resident memory now and at its peak, bytes; zeros for a process that is gone, or where there is no /proc. */
function memoryOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
  } catch {
    return { now: 0, peak: 0 };
  }
}

/**
 * Gives `verdict`: `survived`, or `died`, `died at exit`, `hung`, `outgrew` (killed for its memory), `escaped`, `next failed` and
 * `never exits`; with `end` (the peer's word for the script's end, when there was one), `lost` (a thread was given up),
 * `ms`, `lagMs` (the longest the event loop stood still), `peakBytes` and `words`.
 */
export function runHostile(peer, source, { limits, nodeArgs = [], hangMs, maxBytes }) {
  const secret = `secret-${Math.random().toString(36).slice(2)}`;
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [...nodeArgs, child, peer, JSON.stringify(limits)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      env: { ...process.env, HOSTILE_SECRET: secret },
    });
    const report = { end: '', lost: false, ms: 0, lagMs: 0, peakBytes: 0, words: '' };
    let ready;
    let ended;
    let next;
    let killed = '';
    let output = '';
    let errors = '';
    let guard;
    const kill = (why) => {
      killed ||= why;
      for (const pid of ready?.pids ?? []) tryKill(pid);
      tryKill(process.platform === 'win32' ? running.pid : -running.pid);
    };
    const watch = (ms, why) => {
      clearTimeout(guard);
      guard = setTimeout(kill, ms, why);
    };
    const peaks = new Map();
    const poll = setInterval(() => {
      let now = 0;
      for (const pid of ready?.pids ?? []) {
        const memory = memoryOf(pid);
        now += memory.now;
        peaks.set(pid, Math.max(peaks.get(pid) ?? 0, memory.peak));
      }
      report.peakBytes = [...peaks.values()].reduce((sum, one) => sum + one, 0);
      if (now > maxBytes) kill('outgrew');
    }, POLL_MS);
    let startedAt = performance.now();
    running.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      const lines = output.split('\n');
      output = lines.pop();
      for (const line of lines.map((one) => JSON.parse(one))) {
        if (line.line === 'ready') {
          ready = line;
          startedAt = performance.now();
          watch(hangMs, 'hung');
        } else if (line.line === 'ended') {
          ended = line;
          watch(hangMs, 'next failed');
        } else {
          next = line;
          watch(EXIT_MS, 'never exits');
        }
      }
    });
    running.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(0, 4000)));
    running.stdin.on('error', () => {}).end(source);
    running.on('error', reject);
    watch(60_000, 'did not start');
    running.on('close', (code, signal) => {
      clearInterval(poll);
      clearTimeout(guard);
      if (ready === undefined) return reject(new Error(`${peer} did not start: ${errors.slice(0, 500)}`));
      // A process of the peer's own may have outlived the child.
      for (const pid of ready.pids) tryKill(pid);
      const elapsed = Math.round(performance.now() - startedAt);
      Object.assign(report, { ms: elapsed }, ended);
      const died = !killed && (code !== 0 || next === undefined);
      let verdict = 'survived';
      if (killed) verdict = killed;
      else if (died) verdict = next?.works ? 'died at exit' : 'died';
      else if (ended.end === 'peer failed') verdict = /ended with/.test(ended.words) ? 'died' : 'next failed';
      else if (ended.escaped) verdict = 'escaped';
      else if (!next.works) verdict = 'next failed';
      const words = died
        ? `${signal ?? `status ${code}`}: ${errors.trim().split('\n')[0] ?? ''}`
        : report.words;
      const { end, lost, ms, lagMs, peakBytes } = report;
      resolve({ verdict, end, lost, ms, lagMs, peakBytes, words: words.slice(0, 200) });
    });
  });
}

function tryKill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone.
  }
}
