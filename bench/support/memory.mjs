// Resident memory of this process, bytes.
import { readFileSync, writeFileSync } from 'node:fs';

/** Starts a measurement of peak growth; the function it gives says how far the peak has risen since, bytes. */
export function watchPeak() {
  try {
    // Linux: sets the peak back to what is resident now.
    writeFileSync('/proc/self/clear_refs', '5');
    const before = highWaterMark();
    return () => highWaterMark() - before;
  } catch {
    const before = process.resourceUsage().maxRSS;
    return () => (process.resourceUsage().maxRSS - before) * 1024;
  }
}

const highWaterMark = () => statusBytes('VmHWM');

function statusBytes(name) {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  if (match === null) throw new Error(`/proc/self/status has no ${name}`);
  return Number(match[1]) * 1024;
}

/** Resident memory without that of mapped files, such as the Node program itself; all of it where that is not told. */
export function privateBytes() {
  try {
    return statusBytes('RssAnon');
  } catch {
    return process.memoryUsage.rss();
  }
}
