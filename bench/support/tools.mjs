// Tools as an agent's host offers them: a description and a small schema each.

/** Gives `count` tools, `tool_0` and so on, that answer with their input. */
export function makeTools(count) {
  return Array.from({ length: count }, (_, i) => ({
    name: `tool_${i}`,
    description: `Reads record number ${i} of the catalogue and returns it with its metadata.`,
    inputSchema: {
      type: 'object',
      properties: {
        id: { type: 'string', description: 'Which record to read.' },
        limit: { type: 'integer', description: 'How many lines to return.' },
        verbose: { type: 'boolean' },
      },
    },
    execute: (input) => input,
  }));
}

/** A tool that answers with its input, whatever that is. */
export const echo = { name: 'echo', description: 'Returns its input.', execute: (input) => input };
