// Random programs in cells, and random calls of a host:
//
//   npm run fuzz -- [--seconds 60] [--seed 1] [--isolation thread|process] [--json]
//
// Every program has a typed outcome, settles once, shows nothing of the host and changes nothing in it; the next cell works;
// nothing reaches stderr, and the process does not die. Host calls (exec, start, wait, terminate, abort, close, in any
// order) give what docs/lifecycle.md says. One seed gives the same programs. Exits with 1 on a finding, which it prints,
// made as small as can be; a finding becomes a test.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFlags } from '../../bench/support/flags.mjs';
import { root } from '../../bench/support/package.mjs';

const flags = readFlags({ seconds: 60, seed: 1, isolation: 'thread', json: false });
const folder = join(root, 'out', 'fuzz');
mkdirSync(folder, { recursive: true });
const current = join(folder, `current-${process.pid}.json`);
const options = JSON.stringify({ ...flags, current });
const child = spawn(process.execPath, [fileURLToPath(new URL('child.mjs', import.meta.url)), options], {
  stdio: ['ignore', 'pipe', 'pipe'],
});
const guard = setTimeout(() => child.kill('SIGKILL'), (flags.seconds + 120) * 1000);
let output = '';
let errors = '';
child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
const [code, signal] = await new Promise((resolve) => child.on('close', (...end) => resolve(end)));
clearTimeout(guard);

const lines = output
  .trim()
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line));
const summary = lines.find((line) => line.runs !== undefined);
const findings = lines.filter((line) => line.found !== undefined);
if (code !== 0 || summary === undefined) {
  findings.push({
    found: `the process ended with ${signal ?? `status ${code}`}`,
    example: JSON.parse(readFileSync(current, 'utf8')),
  });
}
if (errors !== '') findings.push({ found: 'words on stderr', detail: errors.slice(0, 4000) });
if (flags.json) console.log(JSON.stringify({ ...summary, seed: flags.seed, findings }, null, 2));
else {
  for (const { found, seed, path, example, detail } of findings) {
    console.log(`FOUND: ${found}`);
    if (seed !== undefined) console.log(`seed ${seed}, path ${path}`);
    for (const part of [example ?? []].flat())
      console.log(typeof part === 'string' ? part : JSON.stringify(part, null, 1));
    if (detail !== undefined) console.log(detail);
  }
  console.log(
    `${summary?.runs ?? '?'} runs from seed ${flags.seed}, ${findings.length} findings, ${summary?.quarantined ?? '?'} threads given up`,
  );
  console.log(JSON.stringify(summary?.ends ?? {}));
}
process.exitCode = findings.length === 0 ? 0 : 1;
