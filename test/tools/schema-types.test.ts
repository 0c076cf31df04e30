import { describe, expect, test } from 'vitest';
import { renderType } from '../../lib/tools/schema-types.js';
import { MCP_TYPES } from '../../lib/tools/mcp-types.js';
import { Random } from './support/random.js';
import { parseStatements, typeErrors } from './support/typescript.js';

function declarations(schema: unknown, options = {}): string {
  const { type, declarations, mcpTypes } = renderType(schema, options);
  const shared = [...mcpTypes].map((name) => MCP_TYPES[name]);
  return [...shared, ...declarations, `type Rendered = ${type};`].join('\n');
}

const string = { type: 'string' };
const number = { type: 'number' };

describe('a JSON Schema renders as TypeScript', () => {
  test.each<[string, unknown, string]>([
    ['true', true, 'unknown'],
    ['false', false, 'never'],
    ['the empty schema', {}, 'unknown'],
    ['no schema', undefined, 'unknown'],
    ['an array in place of a schema', [], 'unknown'],
    ['a string', string, 'string'],
    ['an integer', { type: 'integer' }, 'number'],
    ['null', { type: 'null' }, 'null'],
    ['several types', { type: ['string', 'null'] }, 'string | null'],
    ['an unknown type', { type: 'date' }, 'unknown'],
    ['nullable', { type: 'string', nullable: true }, 'string | null'],
    ['a constant', { const: 'a"b' }, '"a\\"b"'],
    ['an object constant', { const: { a: [1, null] } }, '{ a: [1, null] }'],
    ['an enumeration', { enum: ['a', 1, true, null, 'a'] }, '"a" | 1 | true | null'],
    ['a long enumeration', { enum: Array.from({ length: 100 }, (_, i) => `v${i}`) }, 'string'],
    ['a long constant', { const: 'x'.repeat(1000) }, 'string'],
    ['an array', { type: 'array', items: string }, 'string[]'],
    ['an array of anything', { type: 'array' }, 'unknown[]'],
    [
      'an array of a union',
      { type: 'array', items: { type: ['string', 'number'] } },
      'Array<string | number>',
    ],
    ['a tuple', { type: 'array', prefixItems: [string, number], items: false }, '[string, number]'],
    ['a tuple with a rest', { prefixItems: [string], items: number }, '[string, ...number[]]'],
    ['a tuple with optional elements', { prefixItems: [string, number], minItems: 1 }, '[string, (number)?]'],
    [
      'a draft-07 tuple',
      { items: [string, number], additionalItems: string },
      '[string, number, ...string[]]',
    ],
    [
      'an object',
      { type: 'object', properties: { a: string, b: number }, required: ['a'] },
      '{ a: string; b?: number }',
    ],
    ['an object without a type', { properties: { a: string } }, '{ a?: string }'],
    ['an open object', { type: 'object' }, '{ [key: string]: unknown }'],
    ['a closed empty object', { type: 'object', additionalProperties: false }, '{}'],
    ['a map', { type: 'object', additionalProperties: number }, '{ [key: string]: number }'],
    [
      'a pattern map',
      { patternProperties: { '^x': number }, additionalProperties: false },
      '{ [key: string]: number }',
    ],
    [
      'named properties beside others',
      { properties: { a: string }, additionalProperties: number },
      '{ a?: string; [key: string]: unknown }',
    ],
    ['a required property without a schema', { type: 'object', required: ['a'] }, '{ a: unknown }'],
    [
      'odd property names',
      { properties: { 'a-b': string, '1': string, class: string } },
      '{ "1"?: string; "a-b"?: string; class?: string }',
    ],
    ['anyOf', { anyOf: [string, number, string] }, 'string | number'],
    ['oneOf with anything', { oneOf: [string, {}] }, 'unknown'],
    ['oneOf with never', { oneOf: [string, false] }, 'string'],
    [
      'allOf',
      { allOf: [{ properties: { a: string } }, { properties: { b: string } }] },
      '{ a?: string } & { b?: string }',
    ],
    [
      'alternatives beside properties',
      {
        type: 'object',
        properties: { a: string },
        anyOf: [{ properties: { b: string } }, { properties: { c: string } }],
      },
      '{ a?: string } & ({ b?: string } | { c?: string })',
    ],
    [
      'alternatives of an object',
      { type: 'object', oneOf: [{ properties: { b: string } }] },
      '{ b?: string }',
    ],
    [
      'alternatives that only require',
      { properties: { a: string }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      '{ a?: string }',
    ],
    ['a reference', { $ref: '#/$defs/a', $defs: { a: string } }, 'string'],
    [
      'a reference into definitions',
      { items: { $ref: '#/definitions/a~1b' }, definitions: { 'a/b': string } },
      'string[]',
    ],
    [
      'a reference to an anchor',
      { items: { $ref: '#x' }, $defs: { a: { $anchor: 'x', type: 'string' } } },
      'string[]',
    ],
    ['a reference that leads nowhere', { $ref: '#/$defs/none' }, 'unknown'],
    ['a reference to elsewhere', { $ref: 'https://example.com/a' }, 'unknown'],
    ['a reference to itself', { $ref: '#' }, 'Value'],
  ])('%s', (_title, schema, expected) => {
    expect(renderType(schema).type).toBe(expected);
    parseStatements(declarations(schema));
  });

  test('comments stand above their properties', () => {
    const schema = {
      type: 'object',
      properties: {
        at: { type: 'string', format: 'date-time', description: 'When.\n  In UTC.' },
        n: { type: 'integer', default: 10 },
        plain: string,
        inner: { type: 'object', properties: { x: { type: 'string', description: 'Deep.' } } },
        old: { type: 'string', deprecated: true },
      },
      required: ['at'],
    };
    expect(renderType(schema).type).toBe(
      [
        '{',
        '  // When. In UTC. (format date-time)',
        '  at: string;',
        '  // (integer, default 10)',
        '  n?: number;',
        '  plain?: string;',
        '  inner?: {',
        '    // Deep.',
        '    x?: string;',
        '  };',
        '  // (deprecated)',
        '  old?: string;',
        '}',
      ].join('\n'),
    );
    expect(renderType(schema, { comments: false }).type).not.toContain('//');
  });
});

describe('references', () => {
  test('that recurse give a named type', () => {
    const schema = {
      type: 'object',
      properties: { root: { $ref: '#/$defs/node' } },
      $defs: {
        node: { type: 'object', properties: { kids: { type: 'array', items: { $ref: '#/$defs/node' } } } },
      },
    };
    const rendered = renderType(schema, { aliasPrefix: 'Search Input' });
    expect(rendered.type).toBe('{ root?: SearchInputNode }');
    expect(rendered.declarations).toEqual(['type SearchInputNode = { kids?: SearchInputNode[] };']);
    expect(typeErrors(declarations(schema))).toEqual([]);
  });

  test('to one definition used twice give one named type', () => {
    const schema = {
      properties: { a: { $ref: '#/$defs/p' }, b: { $ref: '#/$defs/p' } },
      $defs: { p: string },
    };
    expect(declarations(schema)).toBe('type P = string;\ntype Rendered = { a?: P; b?: P };');
  });

  test('in a ring of pure references are unknown', () => {
    const schema = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } };
    expect(declarations(schema)).toBe('type A = unknown;\ntype Rendered = A;');
  });

  test('keep clear of names that are taken', () => {
    const schema = { items: { $ref: '#' } };
    const takenNames = new Set(['Value']);
    expect(renderType(schema, { takenNames }).type).toBe('Value2');
    expect(takenNames).toContain('Value2');
  });
});

describe('MCP shapes', () => {
  const block = (type: string) => ({ type: 'object', properties: { type: { const: type } } });
  const content = { type: 'array', items: { anyOf: ['text', 'image', 'audio'].map(block) } };

  test('are referred to by name', () => {
    const structuredContent = { type: 'object', properties: { id: string }, required: ['id'] };
    const result = renderType({
      type: 'object',
      properties: { content, structuredContent, isError: { type: 'boolean' } },
    });
    expect(result.type).toBe('CallToolResult<{ id: string }>');
    expect([...result.mcpTypes].sort()).toEqual(['CallToolResult', 'ContentBlock']);
    expect(renderType(content).type).toBe('ContentBlock[]');
    expect(renderType({ type: 'object', properties: { content, _meta: {} } }).type).toBe('CallToolResult');
  });

  test('are not seen in what only resembles them', () => {
    expect(
      renderType({ properties: { content: { type: 'string' }, isError: { type: 'boolean' } } }).type,
    ).toContain('content?');
    expect(renderType({ properties: { content, total: number } }).type).toContain('total?: number');
  });
});

describe('hostile schema text cannot break out', () => {
  const nasty = [
    '*/ }; declare const evil: 1; /*',
    'a\nevil(): void;',
    'a\r\u2028evil(): void;\u2029\u0085x',
    '``` \n# heading',
    '"; evil: 1; "',
    '\\',
    '\u202e reversed',
    '\ud800',
    '${1}`',
    '//',
    '__proto__',
    'constructor',
  ];

  test.each(nasty)('%j as description, name, constant, format and definition', (text) => {
    const escaped = text.replaceAll('~', '~0').replaceAll('/', '~1');
    const isWellFormed = Buffer.from(text).toString() === text;
    const reference = `#/$defs/${isWellFormed ? encodeURIComponent(escaped) : escaped}`;
    const schema = {
      type: 'object',
      properties: Object.fromEntries([
        ['a', { type: 'string', description: text, format: text, default: text }],
        [text, { const: text }],
        ['e', { enum: [text, { [text]: text }] }],
        ['r', { $ref: reference }],
        ['s', { $ref: reference }],
      ]),
      required: [text],
      $defs: Object.fromEntries([[text, { type: 'string', description: text }]]),
    };
    const rendered = declarations(schema);
    expect(new Set(parseStatements(rendered))).toEqual(new Set(['TypeAliasDeclaration']));
    expect(rendered).not.toContain('```');
    expect(rendered).not.toMatch(/[\u202e\u2028\u2029\u0085\r]/);
    expect(rendered.split('\n').filter((line) => /^\s*evil/.test(line))).toEqual([]);
  });
});

describe('the size stays bounded', () => {
  test('for a schema of a hundred thousand properties', () => {
    const properties = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`p${i}`, string]));
    const { type } = renderType({ properties });
    expect(type.length).toBeLessThan(10_000);
    expect(type).toContain('// and 99800 more');
  });

  test('for definitions that double at every level', () => {
    const $defs: Record<string, unknown> = {};
    for (let i = 0; i < 60; i++) {
      $defs[`d${i}`] = { properties: { a: { $ref: `#/$defs/d${i + 1}` }, b: { $ref: `#/$defs/d${i + 1}` } } };
    }
    expect(declarations({ $ref: '#/$defs/d0', $defs }).length).toBeLessThan(10_000);
  });

  test('for a schema object that contains itself', () => {
    const schema: Record<string, unknown> = { type: 'object' };
    schema['properties'] = { a: schema, b: schema, c: schema, d: { anyOf: [schema, schema] } };
    const rendered = declarations(schema);
    expect(rendered.length).toBeLessThan(100_000);
    parseStatements(rendered);
  });

  test('for a chain of ten thousand definitions', () => {
    const $defs: Record<string, unknown> = {};
    for (let i = 0; i < 10_000; i++)
      $defs[`d${i}`] = { properties: { a: { $ref: `#/$defs/d${i + 1}` }, z: { $ref: '#/$defs/d0' } } };
    expect(declarations({ $ref: '#/$defs/d0', $defs }).length).toBeLessThan(100_000);
  });

  test('for huge names and texts', () => {
    const huge = 'x'.repeat(1_000_000);
    const schema = {
      properties: { [huge]: string, a: { description: huge, const: huge } },
      required: [huge],
    };
    expect(declarations(schema).length).toBeLessThan(2_000);
  });
});

test('random schemas always give text that parses, the same text each time', () => {
  const texts = ['a', 'b c', '*/', '"', '\n', '```', '#', '$ref', '__proto__', 'é🙂', '\ud800', '0', '-'];
  for (let seed = 1; seed <= 1500; seed++) {
    const random = new Random(seed);
    const text = () => random.pick(texts);
    const value = (): unknown =>
      random.pick([text(), 5, -1.5, 1e300, true, null, [1, [text()]], { [text()]: text() }, undefined]);
    const schema = (depth: number): unknown => {
      if (depth === 0) return random.pick([true, false, {}, string, null, 7, [], { const: value() }]);
      const below = () => schema(depth - 1);
      const record = () => Object.fromEntries(random.list(4, () => [text(), below()]));
      const made: Record<string, unknown> = {};
      const keywords: [string, () => unknown][] = [
        [
          'type',
          () =>
            random.pick(['object', 'array', 'string', 'integer', ['object', 'null'], ['array', 5], text()]),
        ],
        ['properties', record],
        ['patternProperties', record],
        ['additionalProperties', below],
        ['required', () => random.list(3, text)],
        ['items', () => random.pick([below(), [below(), below()]])],
        ['prefixItems', () => random.list(3, below)],
        ['minItems', () => random.below(3)],
        ['enum', () => random.list(4, value)],
        ['const', value],
        ['anyOf', () => random.list(3, below)],
        ['oneOf', () => random.list(3, below)],
        ['allOf', () => random.list(3, below)],
        ['$ref', () => random.pick(['#', '#/$defs/a', '#/$defs/%', '#/properties/a', `#${text()}`, text()])],
        ['$defs', record],
        ['nullable', () => true],
        ['description', text],
        ['default', value],
        ['format', text],
      ];
      for (const [keyword, make] of random.list(5, () => random.pick(keywords))) made[keyword] = make();
      return made;
    };
    const made = schema(4);
    const rendered = declarations(made);
    try {
      expect(new Set(parseStatements(rendered))).toEqual(new Set(['TypeAliasDeclaration']));
    } catch (error) {
      throw new Error(`seed ${seed}: ${JSON.stringify(made)}\n${rendered}`, { cause: error });
    }
    expect(declarations(made)).toBe(rendered);
  }
});
