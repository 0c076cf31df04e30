// What this process and its children hold: memory, file descriptors, threads. Linux; elsewhere only what Node tells.
import { readFileSync, readdirSync } from 'node:fs';

/** This process and all that descend from it. */
function family() {
  const children = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = [];
  const visit = (pid) => {
    found.push(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  visit(process.pid);
  return found;
}

/** Sums over the process and its children: `privateBytes`, `residentBytes`, `descriptors`, `threads`, `processes`. */
export function measure() {
  if (process.platform !== 'linux') {
    const residentBytes = process.memoryUsage.rss();
    return { privateBytes: residentBytes, residentBytes, descriptors: 0, threads: 0, processes: 1 };
  }
  const sums = { privateBytes: 0, residentBytes: 0, descriptors: 0, threads: 0, processes: 0 };
  for (const pid of family()) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const number = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      sums.privateBytes += number('RssAnon') * 1024;
      sums.residentBytes += number('VmRSS') * 1024;
      sums.threads += number('Threads');
      sums.descriptors += readdirSync(`/proc/${pid}/fd`).length;
      sums.processes++;
    } catch {
      // It has ended meanwhile.
    }
  }
  return sums;
}
