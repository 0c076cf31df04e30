import { describe, expect, test } from 'vitest';
import { CodeModeError, CodeModeService } from '../../lib/index.js';
import { ending, openService, openSession, texts } from './support.js';

const notStrings = [
  undefined,
  null,
  5,
  5n,
  true,
  {},
  [],
  () => 'text(1)',
  Symbol('s'),
  new String('text(1)'),
];

describe('a source', () => {
  test.each(notStrings)('that is not a string is refused: %s', async (source) => {
    const session = openSession();
    await expect(session.exec(source as never)).rejects.toMatchObject({
      code: 'INVALID_SOURCE',
      message: expect.stringContaining('exec source must be a string; got '),
    });
    expect(() => session.start(source as never)).toThrow(expect.objectContaining({ code: 'INVALID_SOURCE' }));
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
  });

  test.each([
    ['empty', ''],
    ['blank', ' \n\t '],
    ['only a comment', '// nothing'],
    ['a hashbang', '#!/usr/bin/env node'],
    ['a byte order mark', '\ufeff'],
  ])('that is %s completes without output', async (_what, source) => {
    const outcome = await openSession().exec(source);
    expect([ending(outcome), ...texts(outcome)]).toEqual(['completed']);
  });

  test('may hold any character', async () => {
    const session = openSession();
    const outcome = await session.exec(
      'text("ü€😀"); text("a\0b".length); text("\ud800".length); text("\u2028".length)',
    );
    expect(ending(outcome)).toBe('completed');
    expect(texts(outcome)).toEqual(['ü€😀', '3', '1', '1']);
    expect(ending(await session.exec('text(1)\0'))).toBe('failed SYNTAX_ERROR');
    expect(ending(await session.exec('\ud800'))).toBe('failed SYNTAX_ERROR');
  });

  test('of 50 MB is a SOURCE_LIMIT outcome, and with the limit off it runs', async () => {
    const session = openSession({ limits: { heapMb: 1024 } });
    const source = `text(1); // ${'x'.repeat(50e6)}`;
    const outcome = await session.exec(source);
    expect(ending(outcome)).toBe('failed SOURCE_LIMIT');
    expect(outcome.error!.message).toContain('50000012 bytes');
    expect(outcome.cellId).toBe('1');
    expect((await session.wait('1')).status).toBe('missing');
    const unlimited = await session.exec(source, { limits: { sourceBytes: Infinity } });
    expect([unlimited.cellId, ...texts(unlimited)]).toEqual(['2', '1']);
  });

  test('is measured in bytes, not characters', async () => {
    const session = openSession({ limits: { sourceBytes: 30 } });
    expect(ending(await session.exec(`// ${'x'.repeat(27)}`))).toBe('completed');
    expect(ending(await session.exec(`// ${'x'.repeat(28)}`))).toBe('failed SOURCE_LIMIT');
    expect(ending(await session.exec(`// ${'€'.repeat(9)}`))).toBe('completed');
    expect(ending(await session.exec(`// ${'€'.repeat(10)}`))).toBe('failed SOURCE_LIMIT');
  });

  test('that does not compile is a SYNTAX_ERROR with its position', async () => {
    const outcome = await openSession().exec('text(1);\nconst x = ;');
    expect(ending(outcome)).toBe('failed SYNTAX_ERROR');
    expect(outcome.error).toMatchObject({ line: 2, column: 11 });
    expect(outcome.error!.text).toContain('exec_main.mjs:2:11');
    expect(outcome.error!.text).toContain('const x = ;');
  });

  test('that imports what does not exist is an UNSUPPORTED_IMPORT', async () => {
    const outcome = await openSession().exec('import fs from "node:fs"; text(1)');
    expect(ending(outcome)).toBe('failed UNSUPPORTED_IMPORT');
    expect(outcome.error!.message).toBe('Unsupported import in exec: node:fs');
  });
});

describe('a cell id', () => {
  test.each([undefined, null, 1, {}, ['1']])('that is not a string is refused: %s', async (cellId) => {
    const session = openSession();
    const refusal = { code: 'INVALID_CELL_ID', message: expect.stringContaining('cell id must be a string') };
    await expect(session.wait(cellId as never)).rejects.toMatchObject(refusal);
    await expect(session.terminate(cellId as never)).rejects.toMatchObject(refusal);
    expect(() => session.events(cellId as never)).toThrow(expect.objectContaining(refusal));
  });

  test.each(['', '0', '01', '1.0', ' 1', '__proto__', 'x'.repeat(1000)])(
    'that is unknown is missing: %j',
    async (id) => {
      const session = openSession();
      await session.exec('yield_control(); await new Promise((resolve) => setTimeout(resolve, 60_000))');
      for (const outcome of [
        await session.wait(id),
        await session.terminate(id),
        await session.wait(id, { terminate: true }),
      ]) {
        expect([outcome.status, outcome.error?.text]).toEqual(['missing', `exec cell ${id} not found`]);
      }
      expect(session.cells()).toHaveLength(1);
    },
  );
});

/** Calls that have to be refused with INVALID_OPTION, and a part of the message. */
const badServiceOptions: [unknown, string][] = [
  [5, 'CodeModeService options must be an object; got 5'],
  [[], 'CodeModeService options must be an object; got an array'],
  [{ warmIsolate: 1 }, 'no option `warmIsolate`; did you mean `warmIsolates`?'],
  [{ heapMb: 1 }, 'no option `heapMb`; valid names are warmIsolates, maxCells'],
  [{ warmIsolates: -1 }, 'warmIsolates must be a whole number from 0 to 256; got -1'],
  [{ warmIsolates: 1.5 }, 'got 1.5'],
  [{ warmIsolates: '2' }, 'got "2"'],
  [{ maxCells: 0 }, 'maxCells must be a whole number from 1 to 4096; got 0'],
  [{ maxCells: NaN }, 'got NaN'],
  [{ quarantineMs: Infinity }, 'quarantineMs must be a whole number'],
  [{ profile: 'kind' }, "profile must be 'default' or 'codex'; got \"kind\""],
  [{ imageUrls: true }, "imageUrls must be 'any' or 'data'; got true"],
  [{ isolation: 'fork' }, "isolation must be 'thread' or 'process'; got \"fork\""],
  [{ hostProcess: true }, 'hostProcess must be an object; got true'],
  [{ hostProcess: { scopes: 'session' } }, 'hostProcess has no option `scopes`; did you mean `scope`?'],
  [{ hostProcess: { scope: 'cell' } }, "hostProcess.scope must be 'service' or 'session'"],
  [{ hostProcess: { graceMs: -1 } }, 'hostProcess.graceMs must be a whole number from 0 to 600000; got -1'],
  [{ hostProcess: { startTimeoutMs: 0 } }, 'hostProcess.startTimeoutMs must be a whole number from 1'],
  [{ hostProcess: { entryPath: 5 } }, 'hostProcess.entryPath must be a string; got 5'],
  [{ hostProcess: { start: 'node' } }, 'hostProcess.start must be a function; got "node"'],
  [{ limits: 128 }, 'limits must be an object; got 128'],
  [{ limits: { heapMB: 128 } }, 'limits has no option `heapMB`; did you mean `heapMb`?'],
  [{ limits: { heapMb: -1 } }, 'limits.heapMb must be a non-negative whole number'],
  [{ limits: { cpuMs: 1.5 } }, 'limits.cpuMs must be a non-negative whole number'],
  [{ limits: { toolCalls: 10n } }, 'got 10n'],
];
const badSessionOptions: [unknown, string][] = [
  ['x', 'createSession options must be an object; got "x"'],
  [{ tool: [] }, 'no option `tool`; did you mean `tools`?'],
  [{ invokeTool: {} }, 'invokeTool must be a function; got an object'],
  [{ onNotify: 'x' }, 'onNotify must be a function; got "x"'],
  [{ onOutput: 1 }, 'onOutput must be a function; got 1'],
  [{ yieldTimeMs: -1 }, 'yieldTimeMs must be a non-negative number of milliseconds, or Infinity; got -1'],
  [{ profile: 0 }, 'profile must be'],
  [{ limits: [] }, 'limits must be an object; got an array'],
];
const badExecOptions: [unknown, string][] = [
  [5, 'exec options must be an object; got 5'],
  [{ yieldTime: 5 }, 'no option `yieldTime`; did you mean `yieldTimeMs`?'],
  [{ yield_time_ms: 5 }, 'did you mean `yieldTimeMs`?'],
  [{ yieldTimeMs: '5' }, 'yieldTimeMs must be'],
  [{ yieldTimeMs: NaN }, 'got NaN'],
  [{ callId: 5 }, 'callId must be a string; got 5'],
  [{ signal: {} }, 'signal must be an AbortSignal; got an object'],
  [{ signal: new AbortController() }, 'signal must be an AbortSignal'],
  [{ onOutput: true }, 'onOutput must be a function; got true'],
  [{ limits: { heap: 5 } }, 'limits has no option `heap`'],
];
const badWaitOptions: [unknown, string][] = [
  [5, 'wait options must be an object; got 5'],
  [{ terminated: true }, 'no option `terminated`; did you mean `terminate`?'],
  [{ terminate: 'yes' }, 'terminate must be a boolean; got "yes"'],
  [{ yieldTimeMs: -0.1 }, 'got -0.1'],
  [{ signal: 'x' }, 'signal must be an AbortSignal; got "x"'],
];

describe('an option', () => {
  test.each(badServiceOptions)('of a service that is wrong is named: %#', (options, message) => {
    expect(() => new CodeModeService(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
    );
  });

  test('of a session that is wrong is named', () => {
    const service = openService();
    for (const [options, message] of badSessionOptions) {
      expect(() => service.createSession(options as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) }),
      );
    }
    expect(service.stats().sessions).toBe(0);
  });

  test('of an exec or wait that is wrong is named, and no cell is made', async () => {
    const session = openSession();
    for (const [options, message] of badExecOptions) {
      await expect(session.exec('', options as never)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(message),
      });
    }
    for (const [options, message] of badWaitOptions) {
      await expect(session.wait('1', options as never)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(message),
      });
    }
    await expect(session.terminate('1', { yieldTimeMs: 5 } as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    expect((await session.exec('')).cellId).toBe('1');
  });

  test('that is null or undefined means the default', async () => {
    const service = openService({ warmIsolates: null, limits: null, profile: null });
    const session = service.createSession({
      tools: null,
      limits: { heapMb: null },
      onNotify: null,
      yieldTimeMs: null,
    });
    expect(
      (await session.exec('', { callId: null, signal: null, limits: null, yieldTimeMs: null })).status,
    ).toBe('completed');
    expect((await session.exec('', null)).status).toBe('completed');
    expect((await session.wait('1', null)).status).toBe('missing');
  });

  test.each<[unknown, string]>([
    [[{ execute: () => 1 }], 'INVALID_TOOL'],
    [[{ name: 'a' }], 'INVALID_TOOL'],
    [[5], 'INVALID_TOOL'],
    [{ name: 'a' }, 'INVALID_TOOL'],
    [[{ name: 'a', execute: 'x' }], 'INVALID_TOOL'],
    [[{ name: 'a', exec: () => 1 }], 'INVALID_TOOL'],
    [
      [
        { name: 'a-b', execute: () => 1 },
        { name: 'a.b', execute: () => 1 },
      ],
      'TOOL_NAME_COLLISION',
    ],
    [[{ name: '__proto__', execute: () => 1 }], 'TOOL_NAME_COLLISION'],
  ])('with a tool that cannot be offered is refused: %#', (tools, code) => {
    expect(() => openService().createSession({ tools: tools as never })).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe('what a script hands over', () => {
  test.each([
    ['a circular value', 'const a = {}; a.a = a; await tools.see(a)'],
    ['a BigInt', 'await tools.see({ a: 1n })'],
    ['a throwing toJSON', 'await tools.see({ toJSON() { throw new Error("trap") } })'],
  ])('as tool input cannot be %s', async (_what, source) => {
    const session = openSession({ tools: [{ name: 'see', execute: () => 1 }] });
    const outcome = await session.exec(`text("a"); ${source}`);
    expect(ending(outcome)).toBe('failed SCRIPT_ERROR');
    expect(texts(outcome)).toEqual(['a']);
    expect(outcome.toolCalls).toEqual([]);
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
  });

  test.each([
    'throw { toString() { throw 1 } }',
    'throw { get stack() { throw 1 } }',
    'throw new Proxy({}, { get() { throw 1 } })',
    'throw [Object.create(null)]',
    'throw Symbol("s")',
    'throw undefined',
    'Error.prepareStackTrace = () => { throw 1 }; null.x',
    'Object.prototype.toString = () => { throw 1 }; throw {}',
    'await Promise.reject(Object.create(null))',
    'setTimeout(() => { throw { toString() { throw 1 } } }); await new Promise((resolve) => setTimeout(resolve, 1000))',
  ])('may throw anything: %s', async (source) => {
    const session = openSession();
    const outcome = await session.exec(`text("a"); ${source}`);
    expect(ending(outcome)).toBe('failed SCRIPT_ERROR');
    expect(typeof outcome.error!.text).toBe('string');
    expect(texts(outcome)).toEqual(['a']);
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
  });
});

describe('CodeModeError', () => {
  test('is told by its brand, whichever copy of the package made it', () => {
    const error = new CodeModeError('ABORTED', 'message', { cause: 1 });
    expect(CodeModeError.is(error)).toBe(true);
    expect(CodeModeError.is({ [Symbol.for('codecell.CodeModeError')]: true })).toBe(true);
    for (const other of [new Error('x'), null, undefined, 'ABORTED', { code: 'ABORTED' }]) {
      expect(CodeModeError.is(other)).toBe(false);
    }
    expect([error.name, error.code, error.message, error.cause]).toEqual([
      'CodeModeError',
      'ABORTED',
      'message',
      1,
    ]);
  });
});
