// worker_threads + node:vm: a fresh worker with a fresh vm context for each exec. No boundary for hostile code.
import { Worker } from 'node:worker_threads';

export const name = 'worker + vm';

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads');
  const vm = require('node:vm');
  const pending = new Map();
  const output = [];
  let calls = 0;
  const tools = {};
  for (const name of workerData.names) {
    tools[name] = (input) => new Promise((resolve) => {
      pending.set(++calls, resolve);
      parentPort.postMessage({ call: calls, name, input });
    });
  }
  parentPort.on('message', ({ call, value }) => {
    pending.get(call)(value);
    pending.delete(call);
  });
  const text = (value) => void output.push(typeof value === 'string' ? value : JSON.stringify(value));
  const context = vm.createContext({ tools, text });
  vm.runInContext('(async () => {' + workerData.source + '\\n})()', context).then(() => parentPort.postMessage({ output }));
`;

export async function open({ tools, execute }) {
  const names = tools.map((tool) => tool.name);
  return {
    exec(source) {
      return new Promise((resolve, reject) => {
        const worker = new Worker(PROGRAM, { eval: true, workerData: { source, names } });
        worker.on('error', reject);
        worker.on('message', async ({ output, call, name, input }) => {
          if (output === undefined) return worker.postMessage({ call, value: await execute(input, name) });
          resolve(output);
          await worker.terminate();
        });
      });
    },
    close: async () => {},
  };
}
