import { matchCallToolResult, matchContentBlock, MCP_TYPES } from './mcp-types.js';
import { findReferences, isRecord, localTarget, type References } from './schema-references.js';
import { commentText, propertyName, stringLiteral, typeName } from './type-text.js';

export interface RenderTypeOptions {
  /** Put in front of the names of types that `$ref`s give rise to. Default `''`. */
  aliasPrefix?: string;
  /** Names that are taken; names given to types are added. */
  takenNames?: Set<string>;
  /** Whether descriptions, formats and defaults are shown as comments. Default true. */
  comments?: boolean;
  /** Levels of nesting; what is deeper is `unknown`. Default 12. */
  maxDepth?: number;
  /** UTF-16 units of the whole text; what is over is `unknown`. Default 20,000. */
  maxLength?: number;
}

export interface RenderedType {
  /** A TypeScript type. */
  type: string;
  /** Type declarations that `type` refers to, in order of first use. */
  declarations: string[];
  /** Names of the shared MCP types that the text uses. */
  mcpTypes: Set<keyof typeof MCP_TYPES>;
}

const LINE_WIDTH = 90;
const LONGEST_COMMENT = 300;
const MOST_ENUM_VALUES = 40;
const MOST_PROPERTIES = 200;
const MOST_BRANCHES = 40;
const LONGEST_NAME = 200;
const ANY_OBJECT = '{ [key: string]: unknown }';
const COMPOSITION = ['anyOf', 'oneOf', 'allOf'];

/**
 * A JSON Schema (2020-12, 2019-09 or draft-07) as a TypeScript type, for a model to read. Total: every
 * value gives text that parses, whatever it holds; what TypeScript cannot say (patterns, ranges, `not`)
 * is left out, and what is not understood is `unknown`. The same schema always gives the same text.
 */
export function renderType(schema: unknown, options: RenderTypeOptions = {}): RenderedType {
  const renderer = new TypeRenderer(schema, options);
  return renderer.render();
}

class TypeRenderer {
  private readonly declarations: string[] = [];
  private readonly mcpTypes: RenderedType['mcpTypes'] = new Set();
  private readonly aliases = new Map<unknown, string>();
  private readonly references: References;
  private readonly inlining = new Set<unknown>();
  private readonly takenNames: Set<string>;
  private readonly comments: boolean;
  private readonly maxDepth: number;
  private remaining: number;

  constructor(
    private readonly root: unknown,
    private readonly options: RenderTypeOptions,
  ) {
    this.takenNames = options.takenNames ?? new Set();
    this.comments = options.comments ?? true;
    this.maxDepth = options.maxDepth ?? 12;
    this.remaining = options.maxLength ?? 20_000;
    this.references = findReferences(root);
  }

  render(): RenderedType {
    const type = this.references.isShared(this.root)
      ? this.alias(this.root, 'Value')
      : this.type(this.root, 0, 0);
    // Rendering one alias may add others; a Map's iteration reaches those as well.
    for (const [target, name] of this.aliases) {
      const text = this.type(target, 0, 0);
      this.declarations.push(`type ${name} = ${text === name ? 'unknown' : text};`);
    }
    return { type, declarations: this.declarations, mcpTypes: this.mcpTypes };
  }

  private alias(target: unknown, suggestion: string): string {
    const known = this.aliases.get(target);
    if (known !== undefined) return known;
    const base = typeName(`${this.options.aliasPrefix ?? ''} ${suggestion}`);
    let name = base;
    for (let n = 2; this.takenNames.has(name) || name in MCP_TYPES; n++) name = `${base}${n}`;
    this.takenNames.add(name);
    this.aliases.set(target, name);
    return name;
  }

  /** `indent` is the level of the line that the text starts on. */
  private type(schema: unknown, depth: number, indent: number): string {
    if (schema === false) return 'never';
    if (!isRecord(schema)) return 'unknown';
    if (depth > this.maxDepth || this.remaining <= 0) return 'unknown';
    this.remaining -= 8;
    const parts: string[] = [];
    const add = (part: string) => {
      if (part !== 'unknown' && !parts.includes(part)) parts.push(part);
    };

    if (typeof schema['$ref'] === 'string') add(this.reference(schema['$ref'], depth, indent));
    if ('const' in schema) add(this.literal(schema['const'], 0));
    else if (Array.isArray(schema['enum'])) add(this.enumeration(schema['enum']));
    else add(this.typed(schema, depth, indent));
    // Beside alternatives, "some object" says nothing more.
    if (parts.at(-1) === ANY_OBJECT && COMPOSITION.some((key) => key in schema)) parts.pop();
    for (const key of ['anyOf', 'oneOf']) {
      if (Array.isArray(schema[key])) add(this.branches(schema[key], depth, indent));
    }
    if (Array.isArray(schema['allOf'])) {
      for (const branch of schema['allOf'].slice(0, MOST_BRANCHES)) add(this.type(branch, depth + 1, indent));
    }

    let text = intersection(parts);
    if (schema['nullable'] === true && text !== 'unknown') text = union([text, 'null']);
    return text;
  }

  private reference(reference: string, depth: number, indent: number): string {
    const target = localTarget(this.root, reference);
    if (target === undefined) return 'unknown';
    if (this.references.isShared(target)) {
      return this.alias(
        target,
        target === this.root ? 'Value' : reference.slice(reference.lastIndexOf('/') + 1),
      );
    }
    if (this.inlining.has(target)) return 'unknown';
    this.inlining.add(target);
    const text = this.type(target, depth + 1, indent);
    this.inlining.delete(target);
    return text;
  }

  private typed(schema: Record<string, unknown>, depth: number, indent: number): string {
    const { type } = schema;
    if (Array.isArray(type)) {
      return union(type.slice(0, 8).map((name) => this.named(name, schema, depth, indent)));
    }
    return this.named(type ?? impliedType(schema), schema, depth, indent);
  }

  private named(name: unknown, schema: Record<string, unknown>, depth: number, indent: number): string {
    switch (name) {
      case 'string':
      case 'number':
      case 'boolean':
      case 'null':
        return name;
      case 'integer':
        return 'number';
      case 'array':
        return this.array(schema, depth, indent);
      case 'object':
        return this.object(schema, depth, indent);
      default:
        return 'unknown';
    }
  }

  private array(schema: Record<string, unknown>, depth: number, indent: number): string {
    const { items, prefixItems, additionalItems, minItems } = schema;
    const isOldTuple = Array.isArray(items);
    const elements: unknown = isOldTuple ? items : prefixItems;
    const rest = isOldTuple ? additionalItems : items;
    if (!Array.isArray(elements)) return arrayOf(this.type(rest, depth + 1, indent));
    const required = typeof minItems === 'number' ? minItems : elements.length;
    const members = elements.slice(0, MOST_BRANCHES).map((element, index) => {
      const text = this.type(element, depth + 1, indent);
      return index < required ? text : `(${text})?`;
    });
    if (isRecord(rest) || rest === true || elements.length > MOST_BRANCHES) {
      const text = elements.length > MOST_BRANCHES ? 'unknown' : this.type(rest, depth + 1, indent);
      members.push(`...${arrayOf(text)}`);
    }
    return `[${members.join(', ')}]`;
  }

  private object(schema: Record<string, unknown>, depth: number, indent: number): string {
    const result = matchCallToolResult(schema);
    if (result !== null) {
      this.mcpTypes.add('CallToolResult').add('ContentBlock');
      const structured = this.type(result.structuredContent, depth + 1, indent);
      return structured === 'unknown' ? 'CallToolResult' : `CallToolResult<${structured}>`;
    }
    const { additionalProperties, patternProperties } = schema;
    const properties = isRecord(schema['properties']) ? schema['properties'] : {};
    const required = new Set(Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []);
    const members: Member[] = [];
    const names = Object.keys(properties);
    for (const name of required) {
      if (typeof name === 'string' && !Object.hasOwn(properties, name)) names.push(name);
    }
    for (const name of names) {
      if (members.length === MOST_PROPERTIES || this.remaining <= 0) break;
      if (name.length > LONGEST_NAME) continue;
      this.remaining -= name.length + 4;
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      const type = this.type(property, depth + 1, indent + 1);
      const optional = required.has(name) ? '' : '?';
      members.push({ text: `${propertyName(name)}${optional}: ${type};`, comment: this.commentOf(property) });
    }
    if (names.length > members.length) {
      members.push({ text: '[key: string]: unknown;', comment: `and ${names.length - members.length} more` });
    } else if (
      isRecord(additionalProperties) ||
      additionalProperties === true ||
      isRecord(patternProperties)
    ) {
      members.push({
        text: `[key: string]: ${this.indexType(schema, names.length, depth, indent)};`,
        comment: '',
      });
    } else if (names.length === 0 && additionalProperties !== false) {
      members.push({ text: '[key: string]: unknown;', comment: '' });
    }
    return layOut(members, indent);
  }

  /** With named properties beside it, an index signature has to allow their types too. */
  private indexType(schema: Record<string, unknown>, named: number, depth: number, indent: number): string {
    if (named > 0) return 'unknown';
    const patterns = isRecord(schema['patternProperties']) ? Object.values(schema['patternProperties']) : [];
    const additional = schema['additionalProperties'];
    const schemas = patterns.slice(0, MOST_BRANCHES);
    if (additional !== false && (patterns.length === 0 || additional !== undefined)) schemas.push(additional);
    return union(schemas.map((each) => this.type(each, depth + 1, indent + 1)));
  }

  private branches(branches: readonly unknown[], depth: number, indent: number): string {
    const resolve = (branch: unknown) =>
      isRecord(branch) && typeof branch['$ref'] === 'string'
        ? localTarget(this.root, branch['$ref'])
        : branch;
    if (matchContentBlock(branches, resolve)) {
      this.mcpTypes.add('ContentBlock');
      return 'ContentBlock';
    }
    const shown = branches.slice(0, MOST_BRANCHES).map((branch) => this.type(branch, depth + 1, indent));
    if (branches.length > MOST_BRANCHES) shown.push('unknown');
    return union(shown);
  }

  private enumeration(values: readonly unknown[]): string {
    if (values.length <= MOST_ENUM_VALUES) return union(values.map((value) => this.literal(value, 0)));
    return union(values.map((value) => (value === null ? 'null' : typeof value)).map(widened));
  }

  private literal(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        this.remaining -= value.length;
        return this.remaining > 0 ? stringLiteral(value) : 'string';
      case 'number':
        return Number.isFinite(value) ? String(value) : 'number';
      case 'boolean':
        return String(value);
      default:
        if (value === null) return 'null';
        if (typeof value !== 'object' || depth > 3 || this.remaining <= 0) return 'unknown';
    }
    this.remaining -= 8;
    if (Array.isArray(value)) {
      const elements = value.slice(0, MOST_BRANCHES).map((element) => this.literal(element, depth + 1));
      return value.length > MOST_BRANCHES ? 'unknown[]' : `[${elements.join(', ')}]`;
    }
    const members = Object.entries(value)
      .filter(([name]) => name.length <= LONGEST_NAME)
      .slice(0, MOST_BRANCHES)
      .map(([name, each]) => `${propertyName(name)}: ${this.literal(each, depth + 1)}`);
    return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`;
  }

  private commentOf(schema: unknown): string {
    if (!this.comments || !isRecord(schema)) return '';
    const notes: string[] = [];
    const { description, format, deprecated } = schema;
    if (typeof description === 'string') notes.push(commentText(description, LONGEST_COMMENT));
    const facts: string[] = [];
    if (deprecated === true) facts.push('deprecated');
    if (schema['type'] === 'integer') facts.push('integer');
    if (typeof format === 'string') facts.push(`format ${commentText(format, 40)}`);
    const standard = schema['default'];
    if (standard === null || ['string', 'number', 'boolean'].includes(typeof standard)) {
      facts.push(`default ${commentText(JSON.stringify(standard), 60)}`);
    }
    if (facts.length > 0) notes.push(`(${facts.join(', ')})`);
    const comment = notes.filter(Boolean).join(' ');
    this.remaining -= comment.length;
    return comment;
  }
}

interface Member {
  text: string;
  comment: string;
}

/** On one line when it is short and needs no comments, else one member per line. */
function layOut(members: readonly Member[], indent: number): string {
  if (members.length === 0) return '{}';
  if (members.every(({ comment, text }) => comment === '' && !text.includes('\n'))) {
    const line = `{ ${members
      .map(({ text }) => text)
      .join(' ')
      .slice(0, -1)} }`;
    if (line.length + indent * 2 <= LINE_WIDTH) return line;
  }
  const space = '  '.repeat(indent + 1);
  const lines = members.map(({ comment, text }) => {
    const above = comment === '' ? '' : `${space}// ${comment}\n`;
    return `${above}${space}${text}\n`;
  });
  return `{\n${lines.join('')}${'  '.repeat(indent)}}`;
}

function impliedType(schema: Record<string, unknown>): string | undefined {
  const has = (...keys: string[]) => keys.some((key) => key in schema);
  if (has('properties', 'additionalProperties', 'patternProperties')) return 'object';
  if (has('items', 'prefixItems')) return 'array';
  return undefined;
}

function widened(type: string): string {
  return ['string', 'number', 'boolean', 'null'].includes(type) ? type : 'unknown';
}

/** Whether the text is one operand: nothing at its top level would bind to what is put beside it. */
function isAtomic(type: string): boolean {
  return /^(?:[\w$]+|-?[\d.e+]+|"(?:[^"\\]|\\.)*")(?:\[\])*$/.test(type);
}

function arrayOf(type: string): string {
  return isAtomic(type) && !type.startsWith('-') ? `${type}[]` : `Array<${type}>`;
}

function union(types: readonly string[]): string {
  const distinct = [...new Set(types)].filter((type) => type !== 'never');
  if (distinct.length === 0) return types.length === 0 ? 'unknown' : 'never';
  if (distinct.includes('unknown')) return 'unknown';
  return distinct.join(' | ');
}

function intersection(types: readonly string[]): string {
  if (types.length === 0) return 'unknown';
  if (types.length === 1) return types[0]!;
  return types.map((type) => (type.includes('|') ? `(${type})` : type)).join(' & ');
}
