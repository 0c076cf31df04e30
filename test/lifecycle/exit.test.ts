import { describe, expect, test } from 'vitest';
import { cleanly, runChild } from './child.js';

describe('a process', () => {
  test('ends by itself when only idle warm isolates are left', async () => {
    const program = `
      const session = open({}, { warmIsolates: 4 });
      console.log((await session.exec('text(1)')).status);`;
    expect(await runChild(program)).toEqual(cleanly(0, 'completed\n'));
  });

  test('ends by itself when a service was made and never used', async () => {
    expect(await runChild('new CodeModeService({ warmIsolates: 4 });')).toEqual(cleanly(0));
  });

  test('ends by itself when everything was closed', async () => {
    const program = `
      await using service = new CodeModeService();
      await using session = service.createSession();
      await session.exec('yield_control(); await new Promise((resolve) => setTimeout(resolve, 60_000))');
      console.log('closing');`.replaceAll('await using', 'const');
    const closing = `${program} await session[Symbol.asyncDispose](); await service[Symbol.asyncDispose]();`;
    expect(await runChild(closing)).toEqual(cleanly(0, 'closing\n'));
  });

  test('is kept alive by a live cell that nobody observes', async () => {
    const program = `
      const tools = [{ name: 'say', execute: ({ text }) => console.log(text) }];
      const session = open({ tools });
      session.start('await new Promise((resolve) => setTimeout(resolve, 300)); await tools.say({ text: "alive" })');`;
    expect(await runChild(program)).toEqual(cleanly(0, 'alive\n'));
  });

  test('is kept alive by a cell that has yielded', async () => {
    const program = `
      const session = open({ onOutput: ({ text }) => console.log(text) });
      const { status } = await session.exec('yield_control(); await new Promise((resolve) => setTimeout(resolve, 300)); text("late")');
      console.log(status);`;
    expect(await runChild(program)).toEqual(cleanly(0, 'yielded\nlate\n'));
  });
});

/** What cells are doing when the process exits. */
const situations: Record<string, string> = {
  'nothing but warming up': 'new CodeModeService({ warmIsolates: 8 });',
  'being started': `const session = open(); for (let i = 0; i < 20; i++) session.start('text(1)');`,
  computing: `const session = open(); for (let i = 0; i < 4; i++) session.start('for (;;);');`,
  'in endless microtasks': `const session = open(); for (let i = 0; i < 4; i++) session.start('for (;;) await null');`,
  allocating: `const session = open(); for (let i = 0; i < 4; i++) session.start('const a = []; for (;;) a.push(new Array(100).fill({}))');`,
  'putting out text': `const session = open({ onOutput() {} }); for (let i = 0; i < 4; i++) session.start('for (;;) text("x".repeat(100))');`,
  'calling tools': `
    const session = open({ tools: [{ name: 'echo', execute: async (input) => input }] });
    for (let i = 0; i < 4; i++) session.start('for (let i = 0;; i++) await tools.echo({ i })');`,
  'waiting for tools and timers': `
    const session = open({ tools: [{ name: 'never', execute: () => new Promise(() => {}) }] });
    for (let i = 0; i < 10; i++) session.start('setTimeout(() => {}, 1e6); await tools.never()');`,
  queued: `const session = open({}, { maxCells: 1 }); for (let i = 0; i < 20; i++) session.start('for (;;);');`,
  'being terminated': `
    const session = open();
    for (let i = 1; i <= 8; i++) { session.start('for (;;);'); void session.terminate(String(i)); }`,
  'being closed': `
    const session = open();
    for (let i = 1; i <= 8; i++) session.start('for (;;);');
    void session.close();`,
  'refusing to stop': `
    const session = open();
    session.start('Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)');
    void session.terminate('1');`,
};

describe.each(Object.entries(situations))('a process that exits with cells %s', (_what, situation) => {
  test('ends with its exit code, whenever that is', async () => {
    const moments = [
      `${situation} process.exit(3);`,
      `${situation} setImmediate(() => process.exit(3));`,
      ...[1, 5, 20, 100].map((ms) => `${situation} setTimeout(() => process.exit(3), ${ms});`),
    ];
    for (const program of moments)
      expect({ program, ...(await runChild(program)) }).toEqual({ program, ...(cleanly(3) as object) });
  });
});

describe('a process that exits', () => {
  test.each([
    [
      'a tool call',
      `open({ tools: [{ name: 'end', execute: () => process.exit(3) }] }).start('await tools.end()');`,
    ],
    ['onOutput', `open({ onOutput: () => process.exit(3) }).start('for (;;) text(1)');`],
    ['onNotify', `open({ onNotify: () => process.exit(3) }).start('for (;;) notify(1)');`],
    ['the continuation of an exec', `void open().exec('text(1)').then(() => process.exit(3));`],
  ])('within %s ends with its exit code', async (_what, program) => {
    expect(await runChild(program)).toEqual(cleanly(3));
  });

  test('because of an uncaught exception reports that', async () => {
    const program = `open().start('for (;;);'); setTimeout(() => { throw new Error('host mistake') }, 50);`;
    const { code, signal, stderr } = await runChild(program);
    expect([code, signal]).toEqual([1, null]);
    expect(stderr).toContain('host mistake');
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
    'because of %s ends by that signal',
    async (signal) => {
      const program = `
      const session = open({ onOutput: ({ text }) => console.log(text) });
      for (let i = 0; i < 4; i++) session.start('text("running"); for (;;);');`;
      const result = await runChild(program, {
        onPrint: (stdout, kill) => {
          if (stdout.includes('running')) kill(signal);
        },
      });
      expect([result.code, result.signal]).toEqual([null, signal]);
    },
  );
});
