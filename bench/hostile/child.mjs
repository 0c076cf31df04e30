// One hostile script on one peer, in a process of its own: child.mjs <peer> <options as JSON>, the script on stdin. Prints a
// line of JSON when it is ready, one when the script has ended, and one when the next exec has.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const [peer, options] = process.argv.slice(2);
const source = readFileSync(0, 'utf8');
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const { open } = await import(`./peers/${peer}.mjs`);
const { pid, exec } = await open(JSON.parse(options));
const ready = await exec('text("ready")');
if (ready.text !== 'ready') throw new Error(`not ready: ${JSON.stringify(ready)}`);
say({ line: 'ready', pids: [process.pid, pid].filter(Boolean) });

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
const startedAt = performance.now();
let outcome;
try {
  outcome = await exec(source);
} catch (error) {
  outcome = { end: 'peer failed', text: String(error?.message ?? error) };
}
const ms = Math.round(performance.now() - startedAt);
delay.disable();
const escaped = outcome.text.includes(process.env.HOSTILE_SECRET);
const { end, lost = false, text } = outcome;
say({ line: 'ended', end, lost, escaped, ms, lagMs: Math.round(delay.max / 1e6), words: text.slice(0, 200) });

let next;
try {
  next = (await exec('text(String((await tools.echo({ a: 1 })).a + 1))')).text;
} catch (error) {
  next = String(error?.message ?? error);
}
say({ line: 'next', works: next === '2', words: next.slice(0, 200) });
// Whatever a peer does in the background after an exec is over by then.
setTimeout(() => process.exit(0), 300);
