// quickjs-emscripten: memory limit, stack limit and interrupt handler of the runtime. It runs on the host's thread.
import { importPeer } from '../../peers/cache.mjs';

export async function open({ heapMb, wallMs }) {
  const { getQuickJS, shouldInterruptAfterDeadline } = await importPeer('quickjs-emscripten');
  const quickJs = await getQuickJS();
  return {
    async exec(source) {
      const runtime = quickJs.newRuntime();
      runtime.setMemoryLimit(heapMb * 2 ** 20);
      runtime.setMaxStackSize(320 * 1024);
      runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + wallMs));
      const context = runtime.newContext();
      const output = [];
      const text = context.newFunction('text', (value) => {
        const dumped = context.dump(value);
        output.push(typeof dumped === 'string' ? dumped : JSON.stringify(dumped));
      });
      context.setProp(context.global, 'text', text);
      const tools = context.newObject();
      const echo = context.newFunction('echo', (input) => {
        const promise = context.newPromise();
        const copy = input.dup();
        setImmediate(() => {
          if (!context.alive) return;
          promise.resolve(copy);
          copy.dispose();
          runtime.executePendingJobs();
        });
        return promise.handle;
      });
      context.setProp(tools, 'echo', echo);
      context.setProp(context.global, 'tools', tools);
      for (const handle of [text, echo, tools]) handle.dispose();

      const endOf = (error) => {
        const words =
          typeof error === 'object' && error !== null ? `${error.name}: ${error.message}` : String(error);
        if (/interrupted/.test(words)) return { end: 'time limit', text: words };
        return { end: /out of memory/.test(words) ? 'memory limit' : 'script error', text: words };
      };
      const ended = async () => {
        const evaluated = context.evalCode(`(async () => {${source}\n})()`);
        if (evaluated.error) return endOf(context.dump(evaluated.error));
        const settled = context.resolvePromise(evaluated.value);
        const jobs = runtime.executePendingJobs();
        if (jobs.error) return endOf(context.dump(jobs.error));
        const result = await settled;
        return result.error
          ? endOf(context.dump(result.error))
          : { end: 'completed', text: output.join('\n') };
      };
      const timeout = new Promise((resolve) => setTimeout(resolve, wallMs, { end: 'time limit', text: '' }));
      try {
        return await Promise.race([ended(), timeout]);
      } finally {
        // What a script left alive keeps QuickJS from taking the runtime down; then its memory stays.
        try {
          context.dispose();
          runtime.dispose();
        } catch {
          output.length = 0;
        }
      }
    },
  };
}
