// codex-code-mode-host over its stdio protocol, in a process of its own: heap limit at session/open, and terminate for a cell
// that yields when its time is over.
import { codexHostProgram } from '../../peers/cache.mjs';
import { Host } from '../../peers/codex-host.mjs';

const sessionId = 'compare';

export async function open({ heapMb, wallMs }) {
  const host = new Host(await codexHostProgram(), (input) => input);
  await host.hello();
  const cellExecutionLimits = { maxYieldTimeMs: 600_000, maxHeapSizeBytes: heapMb * 2 ** 20 };
  await host.request({ method: 'session/open', sessionId, cellExecutionLimits });
  const tool = {
    name: 'echo',
    tool_name: { name: 'echo', namespace: null },
    description: '',
    kind: 'function',
  };
  const enabled_tools = [{ ...tool, input_schema: null, output_schema: null }];
  const textOf = (items) => items.map((item) => item.text).join('\n');
  return {
    pid: host.pid,
    async exec(source) {
      const request = {
        tool_call_id: 'call',
        enabled_tools,
        source,
        yield_time_ms: wallMs,
        max_output_tokens: null,
      };
      const first = await host.execute({ method: 'session/execute', sessionId, request });
      if (first.Yielded !== undefined) {
        await host.request({ method: 'session/terminate', sessionId, cellId: first.Yielded.cell_id });
        return { end: 'time limit', text: textOf(first.Yielded.content_items) };
      }
      const { error_text, content_items } = first.Result;
      if (error_text !== null) return { end: 'script error', text: error_text };
      return { end: 'completed', text: textOf(content_items) };
    },
  };
}
