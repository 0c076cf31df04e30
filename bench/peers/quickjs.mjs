// quickjs-emscripten: a fresh runtime and context for each exec, on the host's own thread, in WebAssembly.
import { importPeer } from './cache.mjs';

export const name = 'quickjs-emscripten';

export async function open({ tools, execute }) {
  const { getQuickJS } = await importPeer('quickjs-emscripten');
  const quickJs = await getQuickJS();
  return {
    async exec(source) {
      const runtime = quickJs.newRuntime();
      runtime.setMemoryLimit(128 * 1024 * 1024);
      const context = runtime.newContext();
      const output = [];
      const json = context.getProp(context.global, 'JSON');
      const parse = context.getProp(json, 'parse');
      const text = context.newFunction('text', (value) => {
        const dumped = context.dump(value);
        output.push(typeof dumped === 'string' ? dumped : JSON.stringify(dumped));
      });
      context.setProp(context.global, 'text', text);
      const toolsObject = context.newObject();
      for (const { name } of tools) {
        const call = context.newFunction(name, (input) => {
          const promise = context.newPromise();
          void answer(promise, context.dump(input), name);
          return promise.handle;
        });
        context.setProp(toolsObject, name, call);
        call.dispose();
      }
      context.setProp(context.global, 'tools', toolsObject);

      const answer = async (promise, input, name) => {
        const answerText = context.newString(JSON.stringify(await execute(input, name)));
        const value = context.unwrapResult(context.callFunction(parse, context.undefined, answerText));
        promise.resolve(value);
        value.dispose();
        answerText.dispose();
        promise.dispose();
        runtime.executePendingJobs();
      };

      const evaluation = context.unwrapResult(context.evalCode(`(async () => {${source}\n})()`));
      const settled = context.resolvePromise(evaluation);
      runtime.executePendingJobs();
      context.unwrapResult(await settled).dispose();
      for (const handle of [evaluation, toolsObject, text, parse, json]) handle.dispose();
      context.dispose();
      runtime.dispose();
      return output;
    },
    close: async () => {},
  };
}
