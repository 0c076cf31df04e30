import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ToolDefinition } from '../tools/definition.js';

/** What was read, or why it could not be. */
export type Read<T> = { value: T } | { problem: string };

/** Reads the script from a file, or from standard input when `path` is `-`. */
export async function readScript(path: string): Promise<Read<string>> {
  try {
    if (path !== '-') return { value: await readFile(path, 'utf8') };
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return { value: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    return { problem: `cannot read ${path === '-' ? 'standard input' : path}: ${messageOf(error)}` };
  }
}

/** Imports a tools module. What its definitions must be is checked when the session is made. */
export async function importTools(path: string | undefined): Promise<Read<ToolDefinition[]>> {
  if (path === undefined) return { value: [] };
  try {
    const loaded = (await import(pathToFileURL(resolve(path)).href)) as {
      default?: unknown;
      tools?: unknown;
    };
    const tools = loaded.default ?? loaded.tools;
    if (Array.isArray(tools)) return { value: tools as ToolDefinition[] };
    return { problem: `${path} must export an array of tool definitions, as its default or as \`tools\`` };
  } catch (error) {
    return { problem: `cannot load the tools module ${path}: ${messageOf(error)}` };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
