import { MCP_TYPES } from '../tools/mcp-types.js';
import { renderType, type RenderedType } from '../tools/schema-types.js';
import type { ResolvedTool, ToolSet } from '../tools/tool-set.js';
import { commentText, propertyName, typeName } from '../tools/type-text.js';
import { BYTES_PER_TOKEN } from './truncation.js';

/** Tokens that the catalogue of tools may take in exec's description. */
export const DEFAULT_CATALOGUE_TOKENS = 8_000;

const LONGEST_DESCRIPTION = 4_000;
const BRIEF_DESCRIPTION = 100;
const ANY_OBJECT = '{ [key: string]: unknown }';

/**
 * How much of a tool is shown: the declaration with its whole description and the comments of its
 * schemas; the declaration with a description cut short; the global name; nothing but being counted.
 */
const enum Level {
  Omitted,
  Named,
  Brief,
  Full,
}

interface Declaration {
  text: string;
  types: string[];
  usesMcpTypes: RenderedType['mcpTypes'];
  bytes: number;
}

interface Entry {
  tool: ResolvedTool;
  typePrefix: string;
  level: Level;
  declarations: Map<Level, Declaration>;
}

/**
 * The tools as TypeScript, for exec's description: types they share first, then one member of `tools`
 * each, grouped by namespace. Deferred tools are only counted. The text takes at most `maxTokens` (the
 * line on what is not listed aside). When not all fits, descriptions are cut short, then tools are given
 * by name only, then counted; those defined first keep most.
 */
export function renderCatalogue(toolSet: ToolSet, maxTokens: number = DEFAULT_CATALOGUE_TOKENS): string {
  const entries = catalogueEntries(toolSet);
  chooseLevels(entries, maxTokens * BYTES_PER_TOKEN - FRAME_BYTES, toolSet);
  const parts: string[] = [];
  const declared = entries.filter(({ level }) => level >= Level.Brief);
  if (declared.length > 0) parts.push(declarationBlock(declared, toolSet));
  const named = entries.filter(({ level }) => level === Level.Named);
  if (named.length > 0) {
    const also = declared.length > 0 ? 'Also there, with types and descriptions left out' : 'By name only';
    parts.push(`${also}: ${named.map(({ tool }) => `\`${tool.globalName}\``).join(', ')}.`);
  }
  const omitted = callableTools(toolSet).length - declared.length - named.length;
  if (omitted > 0) {
    parts.push(
      `${omitted} ${declared.length + named.length > 0 ? 'more ' : ''}tool${omitted === 1 ? ' is' : 's are'} not listed ` +
        'here but can be called all the same. Search `ALL_TOOLS`, an array of `{ name, description }`, for them: ' +
        '`text(ALL_TOOLS.filter(({ name, description }) => /words?/i.test(name + " " + description)))`.',
    );
  }
  return parts.join('\n\n');
}

/** One tool's member of `tools`, with the types it refers to before it. */
export function renderToolDeclaration(tool: ResolvedTool): string {
  const { text, types, usesMcpTypes } = declarationOf(tool, typeName(tool.globalName), Level.Full);
  return [...mcpDeclarations(usesMcpTypes), ...types, `declare const tools: {\n${text}};`].join('\n');
}

/** Of tools with one global name, the one that is called: the last. */
function callableTools(toolSet: ToolSet): ResolvedTool[] {
  const last = new Map(toolSet.tools.map((tool) => [tool.globalName, tool]));
  return toolSet.tools.filter((tool) => last.get(tool.globalName) === tool);
}

/** The tools to show, those without a namespace first and the others grouped by it. */
function catalogueEntries(toolSet: ToolSet): Entry[] {
  const groups = new Map<string | null, ResolvedTool[]>([[null, []]]);
  for (const tool of callableTools(toolSet)) {
    if (tool.deferred) continue;
    const group = groups.get(tool.namespace);
    if (group === undefined) groups.set(tool.namespace, [tool]);
    else group.push(tool);
  }
  const prefixes = new Map<string, number>();
  return [...groups.values()].flat().map((tool) => {
    const base = typeName(tool.globalName);
    const count = (prefixes.get(base) ?? 0) + 1;
    prefixes.set(base, count);
    const typePrefix = count === 1 ? base : `${base}${count}`;
    return { tool, typePrefix, level: Level.Omitted, declarations: new Map<Level, Declaration>() };
  });
}

/** The lines around the members, the fence and the line of names. */
const FRAME_BYTES = 160;

function chooseLevels(entries: Entry[], budget: number, toolSet: ToolSet): void {
  let used = 0;
  for (const entry of entries) {
    const bytes = entry.tool.globalName.length + 4;
    if (used + bytes > budget) return;
    used += bytes;
    entry.level = Level.Named;
  }
  const headings = new Set<string>();
  const mcpTypes = new Set<string>();
  for (const level of [Level.Brief, Level.Full]) {
    for (const entry of entries) {
      const heading = namespaceHeading(entry.tool, toolSet);
      const declaration = declarationFor(entry, level);
      const before =
        level === Level.Brief ? entry.tool.globalName.length + 4 : declarationFor(entry, Level.Brief).bytes;
      let bytes = declaration.bytes - before;
      if (!headings.has(heading)) bytes += Buffer.byteLength(heading);
      for (const name of declaration.usesMcpTypes) {
        if (!mcpTypes.has(name)) bytes += Buffer.byteLength(MCP_TYPES[name]) + 1;
      }
      // A tool too large for what is left stays where it is; smaller ones after it may still fit.
      if (used + bytes > budget || entry.level !== level - 1) continue;
      used += bytes;
      headings.add(heading);
      for (const name of declaration.usesMcpTypes) mcpTypes.add(name);
      entry.level = level;
    }
  }
}

function declarationFor(entry: Entry, level: Level): Declaration {
  let declaration = entry.declarations.get(level);
  if (declaration === undefined) {
    declaration = declarationOf(entry.tool, entry.typePrefix, level);
    entry.declarations.set(level, declaration);
  }
  return declaration;
}

function declarationBlock(entries: Entry[], toolSet: ToolSet): string {
  const types: string[] = [];
  const members: string[] = [];
  const mcpTypes: RenderedType['mcpTypes'] = new Set();
  let heading = '';
  for (const entry of entries) {
    const declaration = declarationFor(entry, entry.level);
    const ownHeading = namespaceHeading(entry.tool, toolSet);
    if (ownHeading !== heading) members.push(ownHeading);
    heading = ownHeading;
    members.push(declaration.text);
    types.push(...declaration.types);
    for (const name of declaration.usesMcpTypes) mcpTypes.add(name);
  }
  const lines = [...mcpDeclarations(mcpTypes), ...types, `declare const tools: {\n${members.join('')}};`];
  return `\`\`\`ts\n${lines.join('\n')}\n\`\`\``;
}

function mcpDeclarations(names: RenderedType['mcpTypes']): string[] {
  return (Object.keys(MCP_TYPES) as (keyof typeof MCP_TYPES)[])
    .filter((name) => names.has(name))
    .map((name) => MCP_TYPES[name]);
}

function namespaceHeading(tool: ResolvedTool, toolSet: ToolSet): string {
  if (tool.namespace === null) return '';
  const name = commentText(tool.namespace, 100);
  const module = toolSet.profile === 'default' ? `, also in module "tools/${name}.js"` : '';
  return `\n  // Namespace ${name}${module}\n`;
}

function declarationOf(tool: ResolvedTool, typePrefix: string, level: Level): Declaration {
  const takenNames = new Set<string>();
  const comments = level === Level.Full;
  const render = (schema: unknown, part: string) =>
    renderType(schema, {
      aliasPrefix: `${typePrefix} ${part}`,
      takenNames,
      comments,
      maxLength: comments ? 20_000 : 4_000,
    });
  const input = render(tool.inputJsonSchema, 'Input');
  const output = render(tool.outputJsonSchema, 'Output');

  const lines = descriptionLines(tool, level).map((line) => `  // ${line}\n`);
  const member = `  ${memberName(tool.globalName)}(${parameter(tool, input.type)}): Promise<${indented(output.type)}>;${exportNote(tool)}\n`;
  const text = lines.join('') + member;
  const types = [...input.declarations, ...output.declarations];
  return {
    text,
    types,
    usesMcpTypes: new Set([...input.mcpTypes, ...output.mcpTypes]),
    bytes: Buffer.byteLength(text) + types.reduce((bytes, type) => bytes + Buffer.byteLength(type) + 1, 0),
  };
}

function descriptionLines(tool: ResolvedTool, level: Level): string[] {
  if (!tool.hasDescription) return [];
  if (level !== Level.Full) {
    const sentence = /^[\s\S]*?[.!?](?=\s|$)/.exec(tool.description)?.[0] ?? tool.description;
    return [commentText(sentence, BRIEF_DESCRIPTION)].filter(Boolean);
  }
  let remaining = LONGEST_DESCRIPTION;
  const lines: string[] = [];
  for (const line of tool.description.split(/\r\n|[\n\r\u0085\u2028\u2029]/)) {
    if (remaining <= 0) break;
    const text = commentText(line, remaining);
    if (text === '') continue;
    lines.push(text);
    remaining -= text.length;
  }
  return lines;
}

function parameter(tool: ResolvedTool, type: string): string {
  if (tool.kind === 'freeform') return type === 'unknown' ? 'input: string' : `input: ${indented(type)}`;
  if (type === 'unknown') return `input?: ${ANY_OBJECT}`;
  const required = tool.inputJsonSchema?.['required'];
  const hasAlternatives = ['anyOf', 'oneOf', 'allOf', '$ref'].some(
    (key) => key in (tool.inputJsonSchema ?? {}),
  );
  const isOptional = !hasAlternatives && !(Array.isArray(required) && required.length > 0);
  return `input${isOptional ? '?' : ''}: ${indented(type)}`;
}

/** Types are laid out from the margin; members of `tools` stand one level in. */
function indented(type: string): string {
  return type.replaceAll('\n', '\n  ');
}

/** `new(...)` would be a construct signature. */
function memberName(globalName: string): string {
  return globalName === 'new' ? '"new"' : propertyName(globalName);
}

/** Says under which name a namespace's module exports the tool, where that cannot be guessed from the name. */
function exportNote(tool: ResolvedTool): string {
  if (tool.namespace === null || tool.globalName.endsWith(tool.shortName)) return '';
  return ` // exported as ${tool.shortName}`;
}
