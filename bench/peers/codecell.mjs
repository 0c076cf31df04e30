// codecell through its public API, with default options.
import { importCodecell } from '../support/package.mjs';

export const name = 'codecell';

export async function open({ tools, execute }) {
  const { CodeModeService } = await importCodecell();
  const service = new CodeModeService({ limits: { toolCalls: 0 } });
  const session = service.createSession({
    tools: tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema, execute })),
  });
  return {
    async exec(source) {
      const outcome = await session.exec(source, { yieldTimeMs: Infinity });
      if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome.error));
      return outcome.contentItems.map((item) => item.text);
    },
    close: () => service.close(),
  };
}
