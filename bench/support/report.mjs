// What every benchmark prints around its numbers: the machine and its load, tables, units.
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './package.mjs';

/** Share of the processors that others were using just before the benchmark from which on a warning is printed. */
const BUSY = 0.1;

/** Describes the machine; takes 300 ms to see what others are doing on it. */
export async function describeEnvironment() {
  const before = processorTimes();
  await sleep(300);
  const after = processorTimes();
  const busy = 1 - (after.idle - before.idle) / (after.total - before.total || 1);
  return {
    date: new Date().toISOString(),
    node: process.version,
    v8: process.versions.v8,
    commit: commit(),
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: loadavg().map((one) => Number(one.toFixed(2))),
    busyBefore: Number(busy.toFixed(2)),
  };
}

export function printHeading(title, environment) {
  const { node, v8, commit, platform, cpu, cores, memoryGb, load, busyBefore, date } = environment;
  console.log(`# ${title}`);
  console.log(`${date}, commit ${commit}, Node ${node}, V8 ${v8}`);
  console.log(`${platform}, ${cores} x ${cpu}, ${memoryGb} GB, load ${load.join(' ')}`);
  if (busyBefore > BUSY) {
    const share = Math.round(busyBefore * 100);
    console.log(
      `WARNING: others were using ${share} % of the processors before this began: numbers are too high.`,
    );
  }
  console.log('');
}

/** Prints rows of cells; the first row is the header, the first column is text, the rest are numbers. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)));
  const line = (row) =>
    row
      .map((cell, column) => {
        const text = String(cell ?? '');
        return column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]);
      })
      .join('  ')
      .trimEnd();
  console.log(line(rows[0]));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows.slice(1)) console.log(line(row));
}

/** A duration in milliseconds, with a unit that suits it. */
export function time(ms) {
  if (!Number.isFinite(ms)) return '-';
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 100) return `${ms.toFixed(0)} ms`;
  if (ms >= 1) return `${ms.toFixed(2)} ms`;
  if (ms >= 0.001) return `${(ms * 1000).toFixed(ms >= 0.1 ? 0 : 1)} us`;
  return `${(ms * 1e6).toFixed(0)} ns`;
}

export function megabytes(bytes) {
  return Number.isFinite(bytes) ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : '-';
}

export function ratio(value) {
  if (!Number.isFinite(value)) return '-';
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)}x`;
}

function processorTimes() {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}

function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const head = git('rev-parse', '--short=10', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const changed = git('status', '--porcelain', '--', 'lib', 'native', 'binding.gyp').stdout.trim() !== '';
  return head.stdout.trim() + (changed ? ' with changes' : '');
}
