import type { JsonSchema } from './definition.js';

/** TypeScript for the shapes every MCP tool shares; printed once, referred to by name. */
export const MCP_TYPES: Readonly<Record<'ContentBlock' | 'CallToolResult', string>> = {
  ContentBlock: `type ContentBlock =
  | { type: "text"; text: string }
  | { type: "image" | "audio"; data: string; mimeType: string } // data is base64
  | { type: "resource_link"; uri: string; name: string; mimeType?: string }
  | { type: "resource"; resource: { uri: string; mimeType?: string; text?: string; blob?: string } };`,
  CallToolResult: `type CallToolResult<T = unknown> = {
  content: ContentBlock[];
  structuredContent?: T;
  isError?: boolean;
};`,
};

const RESULT_PROPERTIES = ['content', 'structuredContent', 'isError', '_meta'];
const BLOCK_TYPES = ['text', 'image', 'audio', 'resource', 'resource_link'];

/** The schema of `structuredContent` (or undefined) when `schema` describes an MCP tool result, else null. */
export function matchCallToolResult(schema: JsonSchema): { structuredContent: unknown } | null {
  const properties = schema['properties'];
  if (!isRecord(properties) || !isRecord(properties['content'])) return null;
  if (properties['content']['type'] !== 'array') return null;
  const names = Object.keys(properties);
  const isResult = names.length > 1 && names.every((name) => RESULT_PROPERTIES.includes(name));
  return isResult ? { structuredContent: properties['structuredContent'] } : null;
}

/** Whether a union of these schemas is MCP's content block: at least three of its kinds, and nothing else. */
export function matchContentBlock(
  branches: readonly unknown[],
  resolve: (schema: unknown) => unknown,
): boolean {
  const kinds = new Set<unknown>();
  for (const branch of branches) {
    const schema = resolve(branch);
    if (!isRecord(schema) || !isRecord(schema['properties'])) return false;
    const type = schema['properties']['type'];
    if (!isRecord(type)) return false;
    const options = type['enum'];
    const single: unknown = Array.isArray(options) && options.length === 1 ? options[0] : null;
    const kind = 'const' in type ? type['const'] : single;
    if (!BLOCK_TYPES.includes(kind as string)) return false;
    kinds.add(kind);
  }
  return kinds.size >= 3;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
