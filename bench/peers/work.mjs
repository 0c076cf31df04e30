// The work that every peer does: the same scripts, the same tools, counted in the same units.
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTools } from '../support/tools.mjs';

const TRIVIAL = 'text("ok");';
const PACE_MS = 5;
const MEGABYTE = Array.from(
  { length: 16_384 },
  (_, i) => `${String(i).padStart(8, '0')}: "some text of a file that was read"\n`,
)
  .join('')
  .slice(0, 2 ** 20);
const echoTool = [{ name: 'echo', description: 'Returns its input.', inputSchema: { type: 'object' } }];
const readTool = [{ name: 'read', description: 'Reads a file.', inputSchema: { type: 'object' } }];

/** What the tools do, in all peers. */
export function execute(input, name) {
  return name === 'read' || input?.read === true ? { text: MEGABYTE } : input;
}

/**
 * Each kind of work: its title, its tools, and `run(exec, amount)`, which gives samples in milliseconds per unit.
 * `amount` is how many units are measured, `warmUp` how many go before, uncounted; `unit` names one.
 */
export const works = {
  trivial: {
    title: 'trivial exec, paced 5 ms',
    unit: 'exec',
    amount: 60,
    warmUp: 5,
    tools: [],
    run: pacedExecs,
  },
  newSources: {
    title: 'trivial exec, a new source each time, paced 5 ms',
    unit: 'exec',
    amount: 60,
    warmUp: 5,
    tools: [],
    run: (exec, amount) => pacedExecs(exec, amount, () => `${TRIVIAL} // ${++sources}`),
  },
  tools128: {
    title: 'trivial exec with 128 tools, paced 5 ms',
    unit: 'exec',
    amount: 60,
    warmUp: 5,
    tools: makeTools(128),
    run: pacedExecs,
  },
  calls: {
    title: '1,000 tool calls, one after the other',
    unit: 'call',
    amount: 1000,
    warmUp: 200,
    tools: echoTool,
    async run(exec, amount) {
      const source = `let sum = 0; for (let i = 0; i < ${amount}; i++) sum += (await tools.echo({ value: 1 })).value; text(String(sum));`;
      return [(await timed(exec, source, String(amount))) / amount];
    },
  },
  parallel: {
    title: '100 tool calls at once, 10 times',
    unit: 'call',
    amount: 1000,
    warmUp: 200,
    tools: echoTool,
    async run(exec, amount) {
      const source = `let sum = 0; for (let i = 0; i < ${amount / 100}; i++) {
        const answers = await Promise.all(Array.from({ length: 100 }, () => tools.echo({ value: 1 })));
        for (const answer of answers) sum += answer.value;
      } text(String(sum));`;
      return [(await timed(exec, source, String(amount))) / amount];
    },
  },
  megabyte: {
    title: '1 MB in through a tool and out as text',
    unit: 'exec',
    amount: 10,
    warmUp: 2,
    tools: readTool,
    async run(exec, amount) {
      const samples = [];
      for (let i = 0; i < amount; i++) {
        await sleep(PACE_MS);
        samples.push(await timed(exec, 'text((await tools.read({ read: true })).text);', MEGABYTE));
      }
      return samples;
    },
  },
  burst: {
    title: '200 execs at once',
    unit: 'exec',
    amount: 200,
    warmUp: 5,
    tools: [],
    async run(exec, amount) {
      const start = performance.now();
      await Promise.all(Array.from({ length: amount }, () => timed(exec, TRIVIAL, 'ok')));
      return [(performance.now() - start) / amount];
    },
  },
};

let sources = 0;

async function pacedExecs(exec, amount, source = () => TRIVIAL) {
  const samples = [];
  for (let i = 0; i < amount; i++) {
    await sleep(PACE_MS);
    samples.push(await timed(exec, source(), 'ok'));
  }
  return samples;
}

async function timed(exec, source, expected) {
  const start = performance.now();
  const output = await exec(source);
  const took = performance.now() - start;
  if (output.length !== 1 || output[0] !== expected)
    throw new Error(`unexpected output: ${JSON.stringify(output).slice(0, 200)}`);
  return took;
}
