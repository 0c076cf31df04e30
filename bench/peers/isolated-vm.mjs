// isolated-vm: a fresh isolate, context and module for each exec. Values cross as JSON text, one message each way.
import { requirePeer } from './cache.mjs';

export const name = 'isolated-vm';
export const nodeArgs = ['--no-node-snapshot'];

// What a script sees. The end of the module is a message, because evaluate() does not wait for top-level await.
const BOOTSTRAP = `
  const call = $0, finish = $1, output = [];
  globalThis.text = (value) => void output.push(typeof value === 'string' ? value : JSON.stringify(value));
  globalThis.finished = () => finish.applyIgnored(undefined, [JSON.stringify(output)]);
  const options = { result: { promise: true } };
  globalThis.tools = {};
  for (const name of $2) {
    tools[name] = async (input) => JSON.parse(await call.apply(undefined, [name, JSON.stringify(input)], options));
  }
`;

export async function open({ tools, execute }) {
  const ivm = requirePeer('isolated-vm');
  const names = tools.map((tool) => tool.name);
  const call = new ivm.Reference(async (name, json) => JSON.stringify(await execute(JSON.parse(json), name)));
  return {
    async exec(source) {
      const isolate = new ivm.Isolate({ memoryLimit: 128 });
      const context = await isolate.createContext();
      let finish;
      const finished = new Promise((resolve) => (finish = resolve));
      const references = [call, new ivm.Reference(finish), new ivm.ExternalCopy(names).copyInto()];
      await context.evalClosure(BOOTSTRAP, references);
      const module = await isolate.compileModule(`${source}\n;finished();`);
      await module.instantiate(context, () => {
        throw new Error('there is nothing to import');
      });
      await module.evaluate();
      const output = JSON.parse(await finished);
      isolate.dispose();
      return output;
    },
    close: async () => {},
  };
}
