import { CodeModeError } from '../errors.js';
import { describeValue } from '../option-reader.js';
import { nearestName } from '../suggest.js';
import type { JsonSchema, ToolDefinition, ToolKind, ToolSchema } from './definition.js';
import { isPlainSchema, isStandardSchema, toJsonSchema } from './json-schema.js';
import { globalName, shortName } from './names.js';

export type ToolProfile = 'default' | 'codex';

/** A definition after validation. Nothing in it changes later. */
export interface ResolvedTool {
  /** Position in the definitions, and in the native manifest. */
  readonly index: number;
  readonly name: string;
  readonly namespace: string | null;
  /** The host's own name: the definition's `toolName`, or else its `name`. */
  readonly toolName: string;
  /** The property of `tools`. */
  readonly globalName: string;
  /** The export of `tools/<namespace>.js`. */
  readonly shortName: string;
  /** What ALL_TOOLS shows; `Tool <name>` when the definition has no description. */
  readonly description: string;
  /** Whether `description` is the definition's own. */
  readonly hasDescription: boolean;
  readonly kind: ToolKind;
  /** As it was given; what inputs are validated against. */
  readonly inputSchema: ToolSchema | undefined;
  readonly outputSchema: ToolSchema | undefined;
  /** The schemas for rendering, converted on first use; undefined when there is none to show. */
  readonly inputJsonSchema: JsonSchema | undefined;
  readonly outputJsonSchema: JsonSchema | undefined;
  /** Undefined when the session's `invokeTool` serves the tool. */
  readonly execute: ToolDefinition['execute'];
  readonly deferred: boolean;
}

/** The tools of a session, in definition order. */
export interface ToolSet {
  readonly profile: ToolProfile;
  readonly tools: readonly ResolvedTool[];
}

export interface ResolveToolsOptions {
  profile: ToolProfile;
  /** Whether the session has an `invokeTool` that serves tools without an `execute`. */
  hasInvokeTool: boolean;
}

const FIELDS = [
  'name',
  'namespace',
  'toolName',
  'description',
  'kind',
  'inputSchema',
  'outputSchema',
  'deferred',
  'execute',
] as const;
const FIELD_NAMES: ReadonlySet<string> = new Set(FIELDS);

const SCHEMA_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];

/** The name that `tools.js` exports besides the tools. */
const LIST_EXPORT = 'ALL_TOOLS';

/**
 * Validates tool definitions, once, when a session is made. Throws a CodeModeError: `INVALID_TOOL`
 * names the tool and the field, `TOOL_NAME_COLLISION` (profile `default` only) names both tools. With
 * profile `codex` tools of one global name are all kept, and the last one is the one that is called.
 */
export function resolveTools(definitions: unknown, options: ResolveToolsOptions): ToolSet {
  definitions ??= [];
  if (!Array.isArray(definitions)) {
    throw invalid(`tools must be an array of tool definitions; got ${describeValue(definitions)}`);
  }
  const tools = (definitions as unknown[]).map((definition, index) =>
    resolveTool(definition, index, options),
  );
  if (options.profile === 'default') refuseCollisions(tools);
  return Object.freeze({ profile: options.profile, tools: Object.freeze(tools) });
}

type ToolFields = Omit<ResolvedTool, 'inputJsonSchema' | 'outputJsonSchema'>;

/** A class, because a session may have thousands: what they share lies on its prototype. */
class Tool implements ResolvedTool {
  readonly index: number;
  readonly name: string;
  readonly namespace: string | null;
  readonly toolName: string;
  readonly globalName: string;
  readonly shortName: string;
  readonly description: string;
  readonly hasDescription: boolean;
  readonly kind: ToolKind;
  readonly inputSchema: ToolSchema | undefined;
  readonly outputSchema: ToolSchema | undefined;
  readonly execute: ToolDefinition['execute'];
  readonly deferred: boolean;
  #input: { schema: JsonSchema | undefined } | null = null;
  #output: { schema: JsonSchema | undefined } | null = null;

  constructor(fields: ToolFields) {
    this.index = fields.index;
    this.name = fields.name;
    this.namespace = fields.namespace;
    this.toolName = fields.toolName;
    this.globalName = fields.globalName;
    this.shortName = fields.shortName;
    this.description = fields.description;
    this.hasDescription = fields.hasDescription;
    this.kind = fields.kind;
    this.inputSchema = fields.inputSchema;
    this.outputSchema = fields.outputSchema;
    this.execute = fields.execute;
    this.deferred = fields.deferred;
  }

  get inputJsonSchema(): JsonSchema | undefined {
    return (this.#input ??= { schema: toJsonSchema(this.inputSchema, 'input') }).schema;
  }

  get outputJsonSchema(): JsonSchema | undefined {
    return (this.#output ??= { schema: toJsonSchema(this.outputSchema, 'output') }).schema;
  }
}

function resolveTool(definition: unknown, index: number, options: ResolveToolsOptions): ResolvedTool {
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) {
    throw invalid(`tools[${index}] must be a tool definition; got ${describeValue(definition)}`);
  }
  const given = definition as Record<string, unknown>;
  const name = given['name'];
  if (typeof name !== 'string') {
    throw invalid(`tools[${index}]: \`name\` must be a string; got ${describeValue(name)}`);
  }
  const label = toolLabel(name);
  refuseUnknownFields(given, label);

  const toolName = optionalOf(given, 'toolName', 'string', label);
  const namespace = optionalOf(given, 'namespace', 'string', label) ?? null;
  if (namespace === '') throw invalid(`${label}: \`namespace\` must not be empty; leave it out instead`);
  const description = optionalOf(given, 'description', 'string', label);
  const execute = optionalOf(given, 'execute', 'function', label);
  if (execute === undefined && !options.hasInvokeTool) {
    throw invalid(`${label} has no \`execute\`, and the session has no \`invokeTool\` to serve it`);
  }
  return new Tool({
    index,
    name,
    namespace,
    toolName: toolName ?? name,
    globalName: globalName(name),
    shortName: shortName(name, namespace, toolName),
    description: description ?? `Tool ${name}`,
    hasDescription: description !== undefined,
    kind: kindOf(given, label),
    inputSchema: schemaOf(given, 'inputSchema', label),
    outputSchema: schemaOf(given, 'outputSchema', label),
    // Called as a method of its definition, so that an `execute` using `this` works.
    execute: execute && ((input, context) => execute.call(definition, input, context)),
    deferred: optionalOf(given, 'deferred', 'boolean', label) ?? false,
  });
}

function refuseUnknownFields(given: Record<string, unknown>, label: string): void {
  for (const field of Object.keys(given)) {
    if (FIELD_NAMES.has(field)) continue;
    const nearest = nearestName(field, FIELDS);
    const hint =
      nearest === undefined ? `valid names are ${FIELDS.join(', ')}` : `did you mean \`${nearest}\`?`;
    throw invalid(`${label} has no field \`${field}\`; ${hint}`);
  }
}

interface FieldTypes {
  string: string;
  boolean: boolean;
  function: NonNullable<ToolDefinition['execute']>;
}

function optionalOf<T extends keyof FieldTypes>(
  given: Record<string, unknown>,
  field: (typeof FIELDS)[number],
  type: T,
  label: string,
): FieldTypes[T] | undefined {
  const value = given[field];
  if (value === undefined) return undefined;
  if (typeof value !== type) {
    throw invalid(`${label}: \`${field}\` must be a ${type}; got ${describeValue(value)}`);
  }
  return value as FieldTypes[T];
}

function kindOf(given: Record<string, unknown>, label: string): ToolKind {
  const kind = given['kind'];
  if (kind === undefined) return 'function';
  if (kind === 'function' || kind === 'freeform') return kind;
  throw invalid(`${label}: \`kind\` must be "function" or "freeform"; got ${describeValue(kind)}`);
}

/** Looks at what can be seen at a glance; a schema is compiled when its tool is first called. */
function schemaOf(
  given: Record<string, unknown>,
  field: 'inputSchema' | 'outputSchema',
  label: string,
): ToolSchema | undefined {
  const schema = given[field];
  if (schema === undefined) return undefined;
  if (isStandardSchema(schema)) return schema;
  if (!isPlainSchema(schema)) {
    throw invalid(
      `${label}: \`${field}\` must be a JSON Schema object or a Standard Schema; got ${describeValue(schema)}`,
    );
  }
  const { type, properties, required } = schema;
  for (const name of Array.isArray(type) ? type : type === undefined ? [] : [type]) {
    if (typeof name !== 'string' || !SCHEMA_TYPES.includes(name)) {
      const nearest = typeof name === 'string' ? nearestName(name, SCHEMA_TYPES) : undefined;
      const hint =
        nearest === undefined ? `types are ${SCHEMA_TYPES.join(', ')}` : `did you mean "${nearest}"?`;
      throw invalid(`${label}: \`${field}.type\` is not a JSON Schema type: ${describeValue(name)}; ${hint}`);
    }
  }
  if (properties !== undefined && !isPlainSchema(properties)) {
    throw invalid(`${label}: \`${field}.properties\` must be an object; got ${describeValue(properties)}`);
  }
  if (
    required !== undefined &&
    !(Array.isArray(required) && required.every((key) => typeof key === 'string'))
  ) {
    throw invalid(
      `${label}: \`${field}.required\` must be an array of strings; got ${describeValue(required)}`,
    );
  }
  return schema;
}

function refuseCollisions(tools: readonly ResolvedTool[]): void {
  const byGlobalName = new Map<string, ResolvedTool>();
  const byModuleExport = new Map<string, ResolvedTool>();
  for (const tool of tools) {
    const label = toolLabel(tool.name);
    if (tool.globalName === '__proto__') {
      throw collision(`${label} cannot be offered: its global name \`__proto__\` would replace a prototype`);
    }
    if (tool.globalName === LIST_EXPORT) {
      throw collision(`${label} cannot be offered: \`${LIST_EXPORT}\` is the name of the list of tools`);
    }
    const other = byGlobalName.get(tool.globalName);
    if (other !== undefined) {
      throw collision(
        `tool ${quoted(other.name)} (tools[${other.index}]) and tool ${quoted(tool.name)} (tools[${tool.index}]) ` +
          `both have the global name \`${tool.globalName}\``,
      );
    }
    byGlobalName.set(tool.globalName, tool);
    if (tool.namespace === null) continue;
    const key = JSON.stringify([tool.namespace, tool.shortName]);
    const neighbour = byModuleExport.get(key);
    if (neighbour !== undefined) {
      throw collision(
        `tool ${quoted(neighbour.name)} and tool ${quoted(tool.name)} both have the short name ` +
          `\`${tool.shortName}\` in namespace ${quoted(tool.namespace)}`,
      );
    }
    byModuleExport.set(key, tool);
  }
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name);
}

export function toolLabel(name: string): string {
  return `tool ${quoted(name)}`;
}

function invalid(message: string): CodeModeError {
  return new CodeModeError('INVALID_TOOL', message);
}

function collision(message: string): CodeModeError {
  return new CodeModeError('TOOL_NAME_COLLISION', message);
}
