import { describe, expect, test } from 'vitest';
import { isolation } from '../isolation.js';
import { cleanly, runChild } from '../lifecycle/child.js';
import { openSession } from './support.js';

describe('memory outside of the V8 heap', () => {
  test('timers without end are stopped by heapMb', async () => {
    const session = openSession({ limits: { heapMb: 32 } });
    const outcome = await session.exec('const f = () => {}; for (;;) setTimeout(f, 1e9)');
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'HEAP_LIMIT' } });
  });

  test('an array buffer over heapMb is refused with a RangeError, and HEAP_LIMIT when nobody catches it', async () => {
    const session = openSession({ limits: { heapMb: 32 } });
    const caught = await session.exec(
      'try { new ArrayBuffer(2 ** 33) } catch (error) { text(error instanceof RangeError) }',
    );
    expect(caught.contentItems).toEqual([{ type: 'input_text', text: 'true' }]);
    const uncaught = await session.exec('new ArrayBuffer(2 ** 33)');
    expect(uncaught).toMatchObject({ status: 'failed', error: { code: 'HEAP_LIMIT', line: 1 } });
    expect(uncaught.error?.text).toMatch(/^RangeError: Array buffer allocation failed/);
  });

  test('a heap lost to one huge allocation costs its cell, and nothing reaches stdout or stderr', async () => {
    const result = await runChild(`
      const session = open({ limits: { heapMb: 64 } });
      const lost = await session.exec('new Array(1e9).fill(1)');
      const next = await session.exec('text("alive")');
      console.log(lost.status, lost.error.code, next.contentItems[0].text);
      process.exit(0);
    `);
    expect(result).toEqual(cleanly(0, 'failed HEAP_LIMIT alive\n'));
  });

  test('a process that lost a heap ends by itself, with its exit code', async () => {
    const result = await runChild(`
      const service = new CodeModeService();
      await service.createSession({ limits: { heapMb: 64 } }).exec('new Array(1e9).fill(1)');
      await service.close();
      process.exitCode = 3;
    `);
    expect(result).toEqual(cleanly(3));
  });

  test('a heap that is nearly full when its script completes is disposed, and the process ends by itself', async () => {
    const result = await runChild(`
      const service = new CodeModeService();
      const session = service.createSession({ limits: { heapMb: 64, wallMs: 20_000 } });
      const many = 'eval("({" + Array.from({ length: 1e6 }, (_, i) => "k" + i + ":1").join() + "})")';
      const outcome = await session.exec(many);
      if (!['completed', 'failed'].includes(outcome.status)) console.log(outcome.status);
      await service.close();
    `);
    expect(result).toEqual(cleanly(0));
  });

  // With host processes the thread is killed with its process, and the next cell gets another.
  test.skipIf(isolation === 'process')(
    'at maxCells quarantined threads no more isolates are given out',
    async () => {
      const result = await runChild(`
      const service = new CodeModeService({ maxCells: 1, quarantineMs: 50, warmIsolates: 1 });
      const session = service.createSession({ limits: { wallMs: 100 } });
      const lost = await session.exec('Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)');
      const next = await session.exec('text(1)');
      console.log(lost.error.code, lost.diagnostics[0].code, next.error.code);
      process.exit(0);
    `);
      expect(result).toEqual(cleanly(0, 'WALL_LIMIT QUARANTINED ISOLATE_UNAVAILABLE\n'));
    },
  );
});

describe('timers', () => {
  test('20,000 that are due at once all fire, in order', async () => {
    const outcome = await openSession().exec(`
      const fired = [];
      await Promise.all(Array.from({ length: 20_000 }, (_, i) =>
        new Promise((resolve) => setTimeout(() => { fired.push(i); resolve(); }, 1))));
      text(fired.length);
      text(fired.every((value, i) => value === i));`);
    expect(outcome.contentItems.map((item) => (item.type === 'input_text' ? item.text : ''))).toEqual([
      '20000',
      'true',
    ]);
  });
});

describe('stored values', () => {
  test('writing over a value counts the new one alone against storedBytes', async () => {
    const session = openSession({ limits: { storedBytes: 200 } });
    const write = 'store("key", "x".repeat(120))';
    expect((await session.exec(write)).status).toBe('completed');
    expect((await session.exec(write)).status).toBe('completed');
    const over = await session.exec('store("other", "x".repeat(120))');
    expect(over).toMatchObject({ status: 'failed', error: { code: 'STORE_LIMIT' } });
  });
});

describe('what is told of a failure', () => {
  test('an uncaught tool error says where the script called the tool', async () => {
    const tool = {
      name: 'fails',
      execute: () => {
        throw new Error('no such file');
      },
    };
    const session = openSession({ tools: [tool] });
    const outcome = await session.exec('async function read() {\n  await tools.fails();\n}\nawait read()');
    expect(outcome.error).toMatchObject({
      message: 'no such file',
      text: 'no such file',
      line: 2,
      column: 15,
    });
    expect(outcome.error?.stack).toBe(
      'no such file\n    at read (exec_main.mjs:2:15)\n    at exec_main.mjs:4:7',
    );
  });

  test('exit() in a finally block leaves no diagnostic of the error it discards', async () => {
    const outcome = await openSession().exec('try { throw 1 } finally { exit() }');
    expect(outcome).toMatchObject({ status: 'completed', diagnostics: [] });
  });

  test('outputBytes counts UTF-8, in running cells and in those that ended', async () => {
    const session = openSession();
    const yielded = await session.exec(
      'text("é日本🙂"); yield_control(); await new Promise((r) => setTimeout(r, 1))',
    );
    expect(yielded).toMatchObject({ status: 'yielded', metrics: { outputBytes: 12 } });
    const ended = await session.wait(yielded.cellId);
    expect(ended).toMatchObject({ status: 'completed', metrics: { outputBytes: 12 } });
  });
});
