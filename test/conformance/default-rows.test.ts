/** What the two profiles do differently, one describe block per documented difference. */
import { afterAll, describe, expect, test } from 'vitest';
import {
  CodeModeService,
  defineTool,
  type ExecOptions,
  type Outcome,
  type SessionOptions,
  type ToolDefinition,
} from '../../lib/index.js';
import type { Profile } from './harness.js';
import { isolation } from '../isolation.js';

const service = new CodeModeService({ isolation });
afterAll(() => service.close());

const echo = defineTool({ name: 'echo', execute: (input) => ({ v: input }) });
const run = defineTool({ name: 'run', kind: 'freeform', execute: (input) => ({ v: input }) });
const search = defineTool({
  name: 'search',
  inputSchema: {
    type: 'object',
    properties: {
      query: { type: 'string' },
      options: { type: 'object', properties: { limit: { type: 'integer' } } },
    },
    required: ['query'],
  },
  execute: (input) => input,
});
const failing = defineTool({
  name: 'failing',
  execute: () => {
    throw Object.assign(new RangeError('too far'), { code: 'FAR', data: { distance: 5 } });
  },
});

type Options = SessionOptions & { exec?: ExecOptions };

async function exec(
  profile: Profile,
  source: string,
  { exec: execOptions, ...options }: Options = {},
): Promise<Outcome> {
  const session = service.createSession({ profile, tools: [echo, run, search, failing], ...options });
  try {
    return await session.exec(source, { yieldTimeMs: Infinity, ...execOptions });
  } finally {
    await session.close();
  }
}

async function texts(profile: Profile, source: string, options?: Options): Promise<string[]> {
  const { error, contentItems } = await exec(profile, source, options);
  expect(error?.text).toBeUndefined();
  return contentItems.map((item) => (item.type === 'input_text' ? item.text : item.type));
}

async function errorOf(profile: Profile, source: string, options?: Options) {
  const { status, error } = await exec(profile, source, options);
  expect(status).toBe('failed');
  return error!;
}

/** Gives the text of what `call` throws, and whether it is an Error. */
const caught = (call: string) =>
  `try { ${call} } catch (e) { text(e instanceof Error); text(String(e)); text(e.message ?? null) }`;

describe('errors thrown by helpers and rejected by tools', () => {
  const helperCalls: [string, string][] = [
    [
      'image(1)',
      'image expects a non-empty image URL string, an object with image_url and optional detail, or a raw MCP image block',
    ],
    ['notify("")', 'notify expects non-empty text'],
    ['store(Symbol(), 1)', 'store key must be a string'],
    ['content(1)', 'content expects one MCP ContentBlock'],
    ['setTimeout(1)', 'setTimeout expects a function callback'],
    ['text({ toJSON() { throw 5 } })', '5'],
    ['await tools.failing({})', 'too far'],
  ];
  for (const [call, message] of helperCalls) {
    test(`${call} gives the bare string in profile codex`, async () => {
      expect(await texts('codex', caught(call))).toEqual(['false', message, 'null']);
    });
    test(`${call} gives an Error that reads like the string in profile default`, async () => {
      expect(await texts('default', caught(call))).toEqual(['true', message, message]);
    });
  }

  test('an uncaught one has the string as its text and carries its position apart', async () => {
    const error = await errorOf('default', '\nimage(1)');
    expect(error.text).toMatch(/^image expects [^\n]*$/);
    expect(error).toMatchObject({ code: 'SCRIPT_ERROR', message: error.text, line: 2, column: 1 });
    expect(error.stack).toContain('exec_main.mjs:2:1');
  });

  test("a tool's error keeps its name, code and data", async () => {
    const source = 'try { await tools.failing({}) } catch (e) { text([e.name, e.code, e.data]) }';
    expect(await texts('default', source)).toEqual(['["RangeError","FAR",{"distance":5}]']);
  });

  test('what toJSON threw is the cause', async () => {
    const source =
      'const mine = new Error("mine"); try { text({ toJSON() { throw mine } }) } catch (e) { text(e.cause === mine) }';
    expect(await texts('default', source)).toEqual(['true']);
  });
});

describe('tools.x(unserializable)', () => {
  const source =
    'let how = "sync"; try { tools.echo(1n).catch(() => { how = "rejected" }); await null; await null } catch {} text(how)';
  test('throws synchronously in profile codex', async () =>
    expect(await texts('codex', source)).toEqual(['sync']));
  test('rejects in profile default', async () =>
    expect(await texts('default', source)).toEqual(['rejected']));

  test('reaches no tool', async () => {
    const circular =
      'const o = {}; o.o = o; await tools.echo(o).catch(() => {}); await tools.echo(() => 1).catch(() => {})';
    expect((await exec('default', circular)).toolCalls).toEqual([]);
  });
});

describe('input that does not fit', () => {
  const rejection = (call: string) => `try { text(await ${call}) } catch (e) { text(e.message) }`;
  const misfits: [string, string][] = [
    ['tools.echo(5)', 'tool "echo" input: must be an object; got 5'],
    ['tools.echo("a")', 'tool "echo" input: must be an object; got "a"'],
    ['tools.echo([])', 'tool "echo" input: must be an object; got an array'],
    ['tools.echo(null)', 'tool "echo" input: must be an object; got null'],
    ['tools.run({})', 'tool "run" input: must be a string; got an object'],
    ['tools.run()', 'tool "run" input: must be a string; got no input'],
    ['tools.search({})', 'tool "search" input.query: is required'],
    [
      'tools.search({ query: "q", options: { limit: "x" } })',
      'tool "search" input.options.limit: must be integer',
    ],
  ];
  for (const [call, message] of misfits) {
    test(`${call} is rejected in profile default, naming the path`, async () => {
      const [text] = await texts('default', rejection(call));
      expect(text).toContain(message);
    });
    test(`${call} is passed on in profile codex`, async () => {
      const { toolCalls } = await exec('codex', `await ${call}`);
      expect(toolCalls).toMatchObject([{ status: 'completed' }]);
    });
  }

  test('is listed as a failed call', async () => {
    const { toolCalls } = await exec('default', 'await tools.echo(5).catch(() => {})');
    expect(toolCalls).toMatchObject([{ id: 'tool-1', name: 'echo', status: 'failed' }]);
  });
});

describe('no input and null', () => {
  const inputs = async (profile: Profile, source: string) => {
    const seen: unknown[] = [];
    const spy: ToolDefinition = { name: 'spy', execute: (input) => seen.push(input) };
    await exec(profile, source, { tools: [spy] });
    return seen;
  };
  test('are both null in profile codex', async () => {
    expect(
      await inputs('codex', 'await tools.spy(); await tools.spy(undefined); await tools.spy(null)'),
    ).toEqual([null, null, null]);
  });
  test('no input is undefined in profile default', async () => {
    expect(await inputs('default', 'await tools.spy(); await tools.spy(undefined)')).toEqual([
      undefined,
      undefined,
    ]);
  });
  test('null is no object in profile default', async () => {
    expect(await inputs('default', 'await tools.spy(null).catch(() => {})')).toEqual([]);
  });
});

describe('text() of values that JSON shows as {}', () => {
  const source =
    'text(new Map([["a", 1], ["b", { c: 2 }]])); text(new Set([1, "x"])); text(new TypeError("bad"))';
  test('gives {} in profile codex', async () =>
    expect(await texts('codex', source)).toEqual(['{}', '{}', '{}']));
  test('gives entries and stack in profile default', async () => {
    const shown = await texts('default', source);
    expect(shown).toEqual([
      '[["a",1],["b",{"c":2}]]',
      '[1,"x"]',
      expect.stringMatching(/^TypeError: bad\n {4}at exec_main\.mjs:1:\d+$/),
    ]);
  });
  test('an error made by a tool reads as its message in profile default', async () => {
    const [shown] = await texts('default', 'try { await tools.failing({}) } catch (e) { text(e) }');
    expect(shown).toContain('too far');
  });
});

describe('a script that can never go on', () => {
  for (const source of [
    'await new Promise(() => {})',
    'await new Promise(() => setTimeout(() => {}, 1))',
    'for await (const x of { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) });',
  ]) {
    test(`fails with STALLED in profile default: ${source}`, async () => {
      const { status, error, contentItems } = await exec('default', `text('before'); ${source}`);
      expect({ status, code: error?.code, contentItems }).toEqual({
        status: 'failed',
        code: 'STALLED',
        contentItems: [{ type: 'input_text', text: 'before' }],
      });
    });
  }

  test('stays running until terminated in profile codex', async () => {
    const session = service.createSession({ profile: 'codex' });
    const outcome = await session.exec('text(1); yield_control(); await new Promise(() => {})');
    expect(outcome.status).toBe('yielded');
    expect((await session.wait(outcome.cellId, { yieldTimeMs: 20 })).status).toBe('yielded');
    expect((await session.terminate(outcome.cellId)).status).toBe('terminated');
    await session.close();
  });

  test('is not one while a tool call or a timer is outstanding', async () => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const gate: ToolDefinition = { name: 'gate', execute: () => released };
    const session = service.createSession({ tools: [gate] });
    const outcome = await session.exec(
      'yield_control(); await tools.gate(); await new Promise((r) => setTimeout(r, 5)); text("on")',
    );
    expect(outcome.status).toBe('yielded');
    release();
    expect(await session.wait(outcome.cellId)).toMatchObject({
      status: 'completed',
      contentItems: [{ text: 'on' }],
    });
    await session.close();
  });
});

describe('failures nobody handles', () => {
  const source =
    'Promise.reject(new Error("lost")); tools.failing({}); await new Promise((r) => setTimeout(r, 20)); text("ok")';
  test('vanish in profile codex', async () => {
    expect((await exec('codex', source)).diagnostics).toEqual([]);
  });
  test('are diagnostics in profile default', async () => {
    const { status, diagnostics } = await exec('default', source);
    expect(status).toBe('completed');
    expect(diagnostics.map(({ code }) => code).sort()).toEqual([
      'UNAWAITED_TOOL_FAILURE',
      'UNHANDLED_REJECTION',
    ]);
    expect(diagnostics.map(({ message }) => message).join()).toMatch(/lost/);
    expect(diagnostics.map(({ message }) => message).join()).toMatch(/too far/);
  });
  test('are no diagnostics once they are handled', async () => {
    const handled =
      'const p = Promise.reject(1); await null; p.catch(() => {}); await tools.failing({}).catch(() => {})';
    expect((await exec('default', handled)).diagnostics).toEqual([]);
  });
});

describe('a syntax error', () => {
  const source = 'const a = 1;\nlet b = = 2;';
  test('has no position in profile codex', async () => {
    expect((await errorOf('codex', source)).text).toBe("SyntaxError: Unexpected token '='");
  });
  test('has its position and line in profile default', async () => {
    const error = await errorOf('default', source);
    expect(error).toMatchObject({
      code: 'SYNTAX_ERROR',
      message: "Unexpected token '='",
      line: 2,
      column: 9,
    });
    expect(error.text).toBe(
      "SyntaxError: Unexpected token '='\n    at exec_main.mjs:2:9\n    let b = = 2;\n            ^",
    );
  });
});

describe('lines after a pragma', () => {
  const input = '// @exec: {"max_output_tokens": 1000}\n\nnull.x';
  const modelText = async (profile: Profile) => {
    const session = service.createSession({ profile });
    const { contentItems } = await session.handleToolCall({ name: 'exec', callId: 'call-1', input });
    await session.close();
    return JSON.stringify(contentItems);
  };
  test('are one too small in profile codex', async () =>
    expect(await modelText('codex')).toContain('exec_main.mjs:2:6'));
  test('are right in profile default', async () =>
    expect(await modelText('default')).toContain('exec_main.mjs:3:6'));
});

describe('remote image URLs', () => {
  const source = 'image("HTTPS://x/y.png"); image({ image_url: "http://x/z.png", detail: "low" })';
  const items = [
    { type: 'input_image', image_url: 'HTTPS://x/y.png', detail: 'high' },
    { type: 'input_image', image_url: 'http://x/z.png', detail: 'low' },
  ];
  const refusal =
    'Tool call failed: remote image URLs are not supported in tool outputs. Pass a base64 data URI instead';
  test('are refused in profile codex', async () =>
    expect((await errorOf('codex', source)).text).toBe(refusal));
  test('are allowed in profile default', async () => {
    expect((await exec('default', source)).contentItems).toEqual(items);
  });
  test("are refused with imageUrls: 'data'", async () => {
    expect((await errorOf('default', source, { imageUrls: 'data' })).text).toBe(refusal);
  });
});

describe('colliding tool names', () => {
  const named = (...names: string[]) => names.map((name) => ({ name, execute: () => name }));
  test('leave the last one in profile codex, and list both', async () => {
    const source = 'text(await tools.a_b()); text(ALL_TOOLS.map(({ name }) => name))';
    expect(await texts('codex', source, { tools: named('a-b', 'a.b') })).toEqual(['a.b', '["a_b","a_b"]']);
  });
  test('are refused in profile default, naming both', () => {
    expect(() => service.createSession({ tools: named('a-b', 'a.b') })).toThrow(
      expect.objectContaining({ code: 'TOOL_NAME_COLLISION', message: expect.stringMatching(/a-b.*a\.b/) }),
    );
  });
  test('a tool named __proto__ is refused in profile default', () => {
    expect(() => service.createSession({ tools: named('__proto__') })).toThrow(
      expect.objectContaining({ code: 'TOOL_NAME_COLLISION' }),
    );
  });
});

describe('tools and ALL_TOOLS', () => {
  const changes = [
    'tools.echo = 1',
    'tools.mine = 1',
    'delete tools.echo',
    'ALL_TOOLS.push(1)',
    'ALL_TOOLS[0].name = 1',
    'Object.setPrototypeOf(tools, {})',
  ];
  for (const change of changes) {
    test(`${change} works in profile codex`, async () =>
      expect((await exec('codex', change)).status).toBe('completed'));
    test(`${change} is a TypeError in profile default`, async () => {
      expect((await errorOf('default', change)).text).toMatch(/^TypeError: /);
    });
  }
  test('are frozen in profile default', async () => {
    expect(
      await texts('default', 'text([tools, ALL_TOOLS].every(Object.isFrozen)); text(Object.keys(tools))'),
    ).toEqual(['true', '["echo","run","search","failing"]']);
  });
});

describe('modules of tools', () => {
  const tools: ToolDefinition[] = [
    { name: 'mcp__files__read-file', namespace: 'files', toolName: 'read-file', execute: () => 'read' },
    { name: 'plain', execute: () => 'plain' },
  ];
  const imports = `
    import { plain, ALL_TOOLS } from 'tools.js';
    import { text as show, exit, output_text } from '@openai/code_mode';
    import { read_file } from 'tools/files.js';
    show(await plain()); text(await read_file()); text(ALL_TOOLS.length); text(show === text);
    text((await import('tools/files.js')).read_file === tools.mcp__files__read_file); exit(); text('no');`;
  test('are synthetic modules in profile default', async () => {
    expect(await texts('default', imports, { tools })).toEqual(['plain', 'read', '2', 'true', 'true']);
  });
  for (const specifier of ['tools.js', '@openai/code_mode', 'tools/files.js']) {
    test(`${specifier} is unsupported in profile codex`, async () => {
      const { text } = await errorOf('codex', `import '${specifier}'`, { tools });
      expect(text).toBe(`Unsupported import in exec: ${specifier}`);
    });
  }
  test('another dynamic import names its specifier in profile default', async () => {
    expect(await texts('default', `try { await import('node:fs') } catch (e) { text(String(e)) }`)).toEqual([
      'Unsupported import in exec: node:fs',
    ]);
  });
});

describe('yield times of 10 s and more', () => {
  test('last a second longer in profile codex and as asked in profile default', async () => {
    const order: Profile[] = [];
    const observe = async (profile: Profile, yieldTimeMs: number) => {
      const { status } = await exec(profile, 'await new Promise((r) => setTimeout(r, 60_000))', {
        exec: { yieldTimeMs },
      });
      expect(status).toBe('yielded');
      order.push(profile);
    };
    // Started first and asked for less, the codex observation still ends last.
    await Promise.all([observe('codex', 10_000), observe('default', 10_500)]);
    expect(order).toEqual(['default', 'codex']);
  });
});
