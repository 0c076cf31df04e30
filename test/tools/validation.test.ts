import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { resolveTools } from '../../lib/tools/tool-set.js';
import { checkInput } from '../../lib/tools/validation.js';

function toolOf(definition: object) {
  const [tool] = resolveTools([{ name: 'search', ...definition }], {
    profile: 'default',
    hasInvokeTool: true,
  }).tools;
  return tool!;
}

const NOTHING = Symbol('no input');

function check(definition: object, input: unknown) {
  const hasInput = input !== NOTHING;
  return checkInput(toolOf(definition), hasInput ? input : undefined, hasInput);
}

describe('the kind function', () => {
  test.each([
    ['null', null, 'null'],
    ['an array', [], 'an array'],
    ['a string', 'x', '"x"'],
    ['a number', 5, '5'],
    ['a boolean', true, 'true'],
  ])('rejects %s', (_title, input, got) => {
    expect(check({}, input)).toEqual({
      ok: false,
      message: `tool "search" input: must be an object; got ${got}`,
    });
  });

  test('takes an object as it is', () => {
    const input = { a: 1 };
    expect(check({}, input)).toEqual({ ok: true, value: input });
  });

  test('passes no input on as undefined when there is no schema', () => {
    expect(check({}, NOTHING)).toEqual({ ok: true, value: undefined });
  });

  test('passes no input on as {} when there is a schema that takes it', () => {
    expect(check({ inputSchema: { type: 'object' } }, NOTHING)).toEqual({ ok: true, value: {} });
    expect(check({ inputSchema: z.object({ n: z.number().default(3) }) }, NOTHING)).toEqual({
      ok: true,
      value: { n: 3 },
    });
  });

  test('rejects no input when the schema requires something', () => {
    const message = 'tool "search" input.query: is required';
    expect(check({ inputSchema: { type: 'object', required: ['query'] } }, NOTHING)).toEqual({
      ok: false,
      message,
    });
  });

  test('passes no input on as undefined to a schema that takes only that', () => {
    expect(check({ inputSchema: z.void() }, NOTHING)).toEqual({ ok: true, value: undefined });
  });
});

describe('the kind freeform', () => {
  test.each([
    ['no input', NOTHING, 'no input'],
    ['null', null, 'null'],
    ['an object', {}, 'an object'],
  ])('rejects %s', (_title, input, got) => {
    const message = `tool "search" input: must be a string; got ${got}`;
    expect(check({ kind: 'freeform' }, input)).toEqual({ ok: false, message });
  });

  test('takes a string, and checks it against a schema', () => {
    expect(check({ kind: 'freeform' }, '')).toEqual({ ok: true, value: '' });
    expect(check({ kind: 'freeform', inputSchema: { type: 'string', minLength: 2 } }, 'a')).toEqual({
      ok: false,
      message: 'tool "search" input: must NOT have fewer than 2 characters',
    });
  });
});

describe('a JSON Schema', () => {
  const inputSchema = {
    type: 'object',
    properties: {
      query: { type: 'string' },
      limit: { type: 'integer' },
      sort: { enum: ['asc', 'desc'] },
      items: { type: 'array', items: { type: 'object', properties: { 'a/b~c': { type: 'string' } } } },
    },
    required: ['query'],
    additionalProperties: false,
  };

  test.each([
    [{ query: 5 }, 'input.query: must be string'],
    [{}, 'input.query: is required'],
    [{ query: 'x', limits: 5 }, 'input.limits: is not a known property; did you mean "limit"?'],
    [{ query: 'x', banana: 5 }, 'input.banana: is not a known property'],
    [{ query: 'x', 'odd key': 5 }, 'input["odd key"]: is not a known property'],
    [{ query: 'x', sort: 'up' }, 'input.sort: must be one of "asc", "desc"'],
    [{ query: 'x', items: [{}, { 'a/b~c': 1 }] }, 'input.items[1]["a/b~c"]: must be string'],
    [{ query: 5, limit: 'x' }, 'input.query: must be string; input.limit: must be integer'],
  ])('rejects %j, naming the path', (input, expected) => {
    expect(check({ inputSchema }, input)).toEqual({ ok: false, message: `tool "search" ${expected}` });
  });

  test('leaves a fitting input as it is, the same object', () => {
    const input = { query: 'x' };
    const checked = check({ inputSchema }, input);
    expect(checked).toEqual({ ok: true, value: input });
    expect((checked as { value: unknown }).value).toBe(input);
  });

  test('tells at most five issues', () => {
    const properties = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`p${i}`, { type: 'string' }]));
    const input = Object.fromEntries(Object.keys(properties).map((name) => [name, 1]));
    const checked = check({ inputSchema: { type: 'object', properties } }, input) as { message: string };
    expect(checked.message.split('; ')).toHaveLength(6);
    expect(checked.message).toMatch(/; and 4 more$/);
  });

  test('tells one issue of a huge input instead of collecting all', () => {
    const schema = { type: 'object', properties: { list: { type: 'array', items: { type: 'string' } } } };
    const list = Array.from({ length: 200_000 }, (_, i) => i);
    expect(check({ inputSchema: schema }, { list })).toEqual({
      ok: false,
      message: 'tool "search" input.list[0]: must be string',
    });
  });

  test.each([
    ['2020-12 tuples', { properties: { t: { prefixItems: [{ type: 'string' }], items: false } } }],
    [
      'draft-07 tuples that say so',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        properties: { t: { items: [{ type: 'string' }], additionalItems: false } },
      },
    ],
    [
      'draft-07 tuples that do not',
      { properties: { t: { items: [{ type: 'string' }], additionalItems: false } } },
    ],
    [
      '2019-09',
      {
        $schema: 'https://json-schema.org/draft/2019-09/schema',
        properties: { t: { items: [{ type: 'string' }], additionalItems: false } },
      },
    ],
  ])('may be of the dialect %s', (_title, schema) => {
    expect(check({ inputSchema: schema }, { t: ['x'] })).toMatchObject({ ok: true });
    expect(check({ inputSchema: schema }, { t: [1] })).toMatchObject({ ok: false });
    expect(check({ inputSchema: schema }, { t: ['x', 'y'] })).toMatchObject({ ok: false });
  });

  test('may use formats, keywords and a $schema that nobody knows', () => {
    const schema = {
      $schema: 'https://example.com/mine',
      'x-note': 1,
      properties: { a: { type: 'string', format: 'moon' } },
    };
    expect(check({ inputSchema: schema }, { a: 'x' })).toMatchObject({ ok: true });
  });

  test('may be shared by tools and have an $id', () => {
    const schema = { $id: 'https://example.com/a', type: 'object', required: ['a'] };
    expect(check({ inputSchema: schema }, { a: 1 })).toMatchObject({ ok: true });
    expect(check({ inputSchema: { ...schema } }, { a: 1 })).toMatchObject({ ok: true });
    expect(check({ inputSchema: schema }, {})).toMatchObject({ ok: false });
  });

  test('that refers to itself is followed', () => {
    const schema = { properties: { kids: { type: 'array', items: { $ref: '#' } }, n: { type: 'number' } } };
    expect(check({ inputSchema: schema }, { kids: [{ kids: [{ n: 'x' }] }] })).toEqual({
      ok: false,
      message: 'tool "search" input.kids[0].kids[0].n: must be number',
    });
  });

  test.each([
    [
      'a reference that leads nowhere',
      { $ref: '#/$defs/none' },
      /inputSchema cannot be used: can't resolve reference/,
    ],
    ['a pattern that is none', { properties: { a: { pattern: '(' } } }, /inputSchema cannot be used: /],
    [
      'a minimum that is no number',
      { properties: { a: { minimum: 'x' } } },
      /inputSchema cannot be used: minimum value must be \["number"\]/,
    ],
    ['$async', { $async: true }, /inputSchema cannot be used: \$async schemas are not supported/],
  ])('with %s rejects every call and says why, every time', (_title, schema, expected) => {
    const definition = { inputSchema: schema };
    for (let i = 0; i < 2; i++) {
      const checked = check(definition, { a: 'x' });
      expect(checked).toMatchObject({ ok: false, message: expect.stringMatching(/^tool "search": its /) });
      expect(checked).toMatchObject({ message: expect.stringMatching(expected) });
    }
  });

  test('nested as deep as JSON goes does not overflow the stack of the host', () => {
    const schema = { properties: { kids: { $ref: '#' } } };
    let input: object = {};
    for (let i = 0; i < 100_000; i++) input = { kids: input };
    expect(check({ inputSchema: schema }, input)).toMatchObject({ ok: false });
  });
});

describe('a Standard Schema', () => {
  const inputSchema = z.object({
    query: z.string().transform((text) => text.toUpperCase()),
    list: z.array(z.object({ n: z.number() })).optional(),
  });

  test('replaces the input by its output', () => {
    expect(check({ inputSchema }, { query: 'x' })).toEqual({ ok: true, value: { query: 'X' } });
  });

  test('rejects with the path', () => {
    expect(check({ inputSchema }, { query: 'x', list: [{ n: 1 }, { n: 'x' }] })).toEqual({
      ok: false,
      message: expect.stringMatching(/^tool "search" input\.list\[1\]\.n: Invalid input: expected number/),
    });
  });

  test('may validate asynchronously', async () => {
    const asynchronous = z.object({ a: z.string().refine(async (text) => text === 'x', 'is not x') });
    expect(await check({ inputSchema: asynchronous }, { a: 'x' })).toEqual({ ok: true, value: { a: 'x' } });
    expect(await check({ inputSchema: asynchronous }, { a: 'y' })).toEqual({
      ok: false,
      message: 'tool "search" input.a: is not x',
    });
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('that %s is a rejection, not a crash', async (_title, validate) => {
    const schema = { '~standard': { version: 1, vendor: 'x', validate } };
    expect(await check({ inputSchema: schema }, {})).toEqual({
      ok: false,
      message: 'tool "search": its inputSchema cannot be used: broken',
    });
  });
});

test('path segments of a Standard Schema may be objects', () => {
  const validate = () => ({ issues: [{ message: 'bad', path: [{ key: 'a' }, 0, 'b c'] }] });
  const schema = { '~standard': { version: 1, vendor: 'x', validate } };
  expect(check({ inputSchema: schema }, {})).toEqual({
    ok: false,
    message: 'tool "search" input.a[0]["b c"]: bad',
  });
});
