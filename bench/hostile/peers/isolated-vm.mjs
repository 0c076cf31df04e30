// isolated-vm: memoryLimit and timeout are its own. What the timeout does not cover (the script's asynchronous rest) a timer
// of the host does, which disposes the isolate.
import { requirePeer } from '../../peers/cache.mjs';

export const nodeArgs = ['--no-node-snapshot'];

const BOOTSTRAP = `
  const call = $0, finish = $1, output = [];
  globalThis.text = (value) => void output.push(typeof value === 'string' ? value : JSON.stringify(value));
  globalThis.completed = () => finish.applyIgnored(undefined, ['completed', JSON.stringify(output)]);
  globalThis.failed = (error) => {
    let text = 'error';
    try { text = String(error?.stack ?? error) } catch {}
    finish.applyIgnored(undefined, ['script error', JSON.stringify([text])]);
  };
  globalThis.tools = {
    echo: async (input) =>
      JSON.parse(await call.apply(undefined, [JSON.stringify(input)], { result: { promise: true } })),
  };
`;

export async function open({ heapMb, wallMs }) {
  const ivm = requirePeer('isolated-vm');
  const call = new ivm.Reference(async (json) => json);
  return {
    async exec(source) {
      const catastrophe = Promise.withResolvers();
      const onCatastrophicError = () => catastrophe.resolve({ end: 'memory limit', lost: true, text: '' });
      const isolate = new ivm.Isolate({ memoryLimit: heapMb, onCatastrophicError });
      let timedOut = false;
      const timer = setTimeout(() => {
        timedOut = true;
        dispose();
      }, wallMs + 100);
      const dispose = () => {
        try {
          isolate.dispose();
        } catch {
          // It was disposed already.
        }
      };
      try {
        const context = await isolate.createContext();
        const finished = Promise.withResolvers();
        const finish = new ivm.Reference((end, output) =>
          finished.resolve({ end, text: JSON.parse(output).join('\n') }),
        );
        await context.evalClosure(BOOTSTRAP, [call, finish]);
        const script = await isolate.compileScript(
          `(async () => {${source}\n})().then(completed, failed); 0`,
        );
        const ran = script.run(context, { timeout: wallMs }).then(() => new Promise(() => {}));
        const stopped = new Promise((_, reject) => setTimeout(reject, wallMs + 200, new Error('timed out')));
        return await Promise.race([finished.promise, ran, stopped, catastrophe.promise]);
      } catch (error) {
        const words = String(error?.message ?? error);
        if (/memory limit|allocation failed/i.test(words)) return { end: 'memory limit', text: words };
        if (timedOut || /timed out/.test(words)) return { end: 'time limit', text: words };
        return { end: 'script error', text: words };
      } finally {
        clearTimeout(timer);
        dispose();
      }
    },
  };
}
