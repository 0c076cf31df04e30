// codecell: limits of the service.
import { importCodecell } from '../../support/package.mjs';

export async function open({ heapMb, wallMs, isolation }) {
  const { CodeModeService } = await importCodecell();
  const options = isolation === 'process' ? { isolation } : {};
  const service = new CodeModeService({ limits: { heapMb, wallMs }, ...options });
  const session = service.createSession({ tools: [{ name: 'echo', execute: (input) => input }] });
  const ends = { WALL_LIMIT: 'time limit', HEAP_LIMIT: 'memory limit', SCRIPT_ERROR: 'script error' };
  return {
    async exec(source) {
      const { status, error, contentItems, diagnostics } = await session.exec(source, {
        yieldTimeMs: Infinity,
      });
      const lost = diagnostics.some(({ code }) => code === 'QUARANTINED');
      const end = status === 'completed' ? status : (ends[error.code] ?? error.code);
      return { end, lost, text: contentItems.map((item) => item.text).join('\n') };
    },
  };
}
