import { compareKeys } from './json-text.js';
import type { TraceState } from './state.js';

/** The state as the text of `state.json`: two spaces, maps in the order of their keys' bytes, no final newline. */
export function serializeState(state: TraceState): string {
  const members = Object.entries(state as unknown as Record<string, unknown>).map(([name, value]) => {
    const text =
      mapNames.has(name) && typeof value === 'object' && value !== null
        ? serializeMap(value as Record<string, unknown>)
        : indent(JSON.stringify(value, null, 2), '  ');
    return `  ${JSON.stringify(name)}: ${text}`;
  });
  return `{\n${members.join(',\n')}\n}`;
}

const mapNames = new Set([
  'threads',
  'codex_turns',
  'conversation_items',
  'inference_calls',
  'code_cells',
  'tool_calls',
  'terminal_sessions',
  'terminal_operations',
  'compactions',
  'compaction_requests',
  'interaction_edges',
  'raw_payloads',
]);

/** Written out here because an object would put ids that look like integers first. */
function serializeMap(map: Record<string, unknown>): string {
  const keys = Object.keys(map).sort(compareKeys);
  if (keys.length === 0) return '{}';
  const entries = keys.map(
    (key) => `    ${JSON.stringify(key)}: ${indent(JSON.stringify(map[key], null, 2), '    ')}`,
  );
  return `{\n${entries.join(',\n')}\n  }`;
}

/** Line breaks inside strings are escaped, so every one of them is layout. */
function indent(text: string, prefix: string): string {
  return text.replaceAll('\n', `\n${prefix}`);
}
