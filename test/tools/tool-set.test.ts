import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CodeModeError } from '../../lib/errors.js';
import { resolveTools, type ToolProfile } from '../../lib/tools/tool-set.js';

const execute = () => null;

function resolve(definitions: unknown, profile: ToolProfile = 'default', hasInvokeTool = false) {
  return resolveTools(definitions, { profile, hasInvokeTool });
}

function refusal(definitions: unknown, profile: ToolProfile = 'default'): { code: string; message: string } {
  try {
    resolve(definitions, profile);
  } catch (error) {
    expect(CodeModeError.is(error)).toBe(true);
    const { code, message } = error as CodeModeError;
    return { code, message };
  }
  throw new Error('was not refused');
}

describe('a resolved tool', () => {
  test('has every field filled in', () => {
    const [tool] = resolve([{ name: 'get-it', execute }]).tools;
    expect(tool).toMatchObject({
      index: 0,
      name: 'get-it',
      namespace: null,
      toolName: 'get-it',
      globalName: 'get_it',
      shortName: 'get_it',
      description: 'Tool get-it',
      hasDescription: false,
      kind: 'function',
      deferred: false,
    });
    expect(tool?.inputJsonSchema).toBeUndefined();
  });

  test('keeps an empty description empty', () => {
    expect(resolve([{ name: 'a', description: '', execute }]).tools[0]?.description).toBe('');
  });

  test('makes its global name of `name` alone when it has a namespace', () => {
    const definition = {
      name: 'mcp__a-b__get-profile',
      toolName: 'get-profile',
      namespace: 'mcp__a-b',
      execute,
    };
    expect(resolve([definition]).tools[0]).toMatchObject({
      globalName: 'mcp__a_b__get_profile',
      shortName: 'get_profile',
      toolName: 'get-profile',
      namespace: 'mcp__a-b',
    });
  });

  test('calls execute as a method of its definition', () => {
    const definition = {
      name: 'a',
      answer: undefined,
      execute(this: { name: string }) {
        return this.name;
      },
    };
    const { answer: _, ...clean } = definition;
    const [tool] = resolve([clean]).tools;
    expect(tool?.execute?.({}, {} as never)).toBe('a');
  });

  test('converts a zod schema for rendering on first use, each direction its own way', () => {
    const schema = z.object({ a: z.string().default('x') });
    const [tool] = resolve([{ name: 'a', inputSchema: schema, outputSchema: schema, execute }]).tools;
    expect(tool?.inputJsonSchema?.['required']).toBeUndefined();
    expect(tool?.outputJsonSchema?.['required']).toEqual(['a']);
    expect(tool?.inputJsonSchema).toBe(tool?.inputJsonSchema);
  });

  test('has no schema to render when its library cannot convert it', () => {
    const standard = { '~standard': { version: 1, vendor: 'x', validate: (value: unknown) => ({ value }) } };
    expect(
      resolve([{ name: 'a', inputSchema: standard, execute }]).tools[0]?.inputJsonSchema,
    ).toBeUndefined();
  });

  test('needs no execute when the session has invokeTool', () => {
    expect(resolve([{ name: 'a' }], 'default', true).tools[0]?.execute).toBeUndefined();
  });
});

test('no definitions give an empty tool set', () => {
  expect(resolve(undefined).tools).toEqual([]);
  expect(resolve([]).tools).toEqual([]);
});

describe('a definition is refused with INVALID_TOOL', () => {
  test.each<[string, unknown, string]>([
    ['when the list is no array', { a: 1 }, 'tools must be an array of tool definitions; got an object'],
    ['when it is null', [null], 'tools[0] must be a tool definition; got null'],
    ['when it has no name', [{ execute }], 'tools[0]: `name` must be a string; got undefined'],
    [
      'when a field is misspelled, with the nearest name',
      [{ name: 'a', inputShema: {}, execute }],
      'tool "a" has no field `inputShema`; did you mean `inputSchema`?',
    ],
    [
      'when a field is unknown, with the valid names',
      [{ name: 'a', banana: 1, execute }],
      'tool "a" has no field `banana`; valid names are name, namespace, toolName, description, kind, inputSchema, ' +
        'outputSchema, deferred, execute',
    ],
    [
      'when a text is none',
      [{ name: 'a', description: 5, execute }],
      'tool "a": `description` must be a string; got 5',
    ],
    [
      'when execute is none',
      [{ name: 'a', execute: 'x' }],
      'tool "a": `execute` must be a function; got "x"',
    ],
    [
      'when deferred is no boolean',
      [{ name: 'a', deferred: 1, execute }],
      'tool "a": `deferred` must be a boolean; got 1',
    ],
    [
      'when the namespace is empty',
      [{ name: 'a', namespace: '', execute }],
      'tool "a": `namespace` must not be empty; leave it out instead',
    ],
    [
      'when the kind is unknown',
      [{ name: 'a', kind: 'fn', execute }],
      'tool "a": `kind` must be "function" or "freeform"; got "fn"',
    ],
    [
      'when nothing serves it',
      [{ name: 'a' }],
      'tool "a" has no `execute`, and the session has no `invokeTool` to serve it',
    ],
    [
      'when a schema is no object',
      [{ name: 'a', inputSchema: 'string', execute }],
      'tool "a": `inputSchema` must be a JSON Schema object or a Standard Schema; got "string"',
    ],
    [
      'when a schema type does not exist',
      [{ name: 'a', inputSchema: { type: 'strin' }, execute }],
      'tool "a": `inputSchema.type` is not a JSON Schema type: "strin"; did you mean "string"?',
    ],
    [
      'when schema properties are no object',
      [{ name: 'a', outputSchema: { properties: [] }, execute }],
      'tool "a": `outputSchema.properties` must be an object; got an array',
    ],
    [
      'when required is no list of names',
      [{ name: 'a', inputSchema: { required: true }, execute }],
      'tool "a": `inputSchema.required` must be an array of strings; got true',
    ],
  ])('%s', (_title, definitions, message) => {
    expect(refusal(definitions)).toEqual({ code: 'INVALID_TOOL', message });
    expect(refusal(definitions, 'codex').code).toBe('INVALID_TOOL');
  });
});

describe('colliding tools', () => {
  const one = { name: '1abc', execute };
  const two = { name: '2abc', execute };

  test('are refused in the default profile, naming both', () => {
    expect(refusal([one, { name: 'x', execute }, two])).toEqual({
      code: 'TOOL_NAME_COLLISION',
      message: 'tool "1abc" (tools[0]) and tool "2abc" (tools[2]) both have the global name `_abc`',
    });
  });

  test('are all kept, in order, in the codex profile', () => {
    expect(resolve([one, two], 'codex').tools.map(({ name, globalName }) => [name, globalName])).toEqual([
      ['1abc', '_abc'],
      ['2abc', '_abc'],
    ]);
  });

  test('are refused for equal short names in one namespace, not in two', () => {
    const read = { name: 'a_read', toolName: 'read', namespace: 'a', execute };
    const alsoRead = { name: 'a_other', toolName: 'read', namespace: 'a', execute };
    expect(refusal([read, alsoRead])).toEqual({
      code: 'TOOL_NAME_COLLISION',
      message: 'tool "a_read" and tool "a_other" both have the short name `read` in namespace "a"',
    });
    expect(resolve([read, { ...alsoRead, namespace: 'b' }]).tools).toHaveLength(2);
    expect(resolve([read, alsoRead], 'codex').tools).toHaveLength(2);
  });

  test.each(['__proto__', '-_proto__', 'ALL_TOOLS'])(
    'are those named %j in the default profile only',
    (name) => {
      expect(refusal([{ name, execute }]).code).toBe('TOOL_NAME_COLLISION');
      expect(resolve([{ name, execute }], 'codex').tools).toHaveLength(1);
    },
  );
});
