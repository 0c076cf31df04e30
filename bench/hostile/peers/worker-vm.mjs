// worker_threads with resourceLimits, a node:vm context in each; a timer of the host terminates the worker.
import { Worker } from 'node:worker_threads';

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads');
  const vm = require('node:vm');
  const pending = new Map();
  const output = [];
  let calls = 0;
  const tools = {
    echo: (input) => new Promise((resolve) => {
      pending.set(++calls, resolve);
      parentPort.postMessage({ call: calls, input });
    }),
  };
  parentPort.on('message', ({ call, value }) => {
    pending.get(call)(value);
    pending.delete(call);
  });
  const text = (value) => void output.push(typeof value === 'string' ? value : JSON.stringify(value));
  const end = (end, words) => parentPort.postMessage({ end, text: words });
  vm.runInContext('(async () => {' + workerData + '\\n})()', vm.createContext({ tools, text })).then(
    () => end('completed', output.join('\\n')),
    (error) => {
      let words = 'error';
      try { words = String(error?.stack ?? error) } catch {}
      end('script error', words);
    });
`;

export async function open({ heapMb, wallMs }) {
  const resourceLimits = { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
  return {
    exec: (source) =>
      new Promise((resolve) => {
        const worker = new Worker(PROGRAM, { eval: true, workerData: source, resourceLimits });
        const settle = async (outcome) => {
          clearTimeout(timer);
          await worker.terminate();
          resolve(outcome);
        };
        const timer = setTimeout(settle, wallMs, { end: 'time limit', text: '' });
        worker.on('error', (error) => {
          const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
          void settle({ end: memory ? 'memory limit' : 'script error', text: String(error.message) });
        });
        worker.on('message', ({ end, text, call, input }) => {
          if (end === undefined) worker.postMessage({ call, value: input });
          else void settle({ end, text });
        });
      }),
  };
}
