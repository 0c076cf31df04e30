import { describe, expect, test } from 'vitest';
import { isolation } from '../isolation.js';
import { cleanly, runChild } from './child.js';

/** Statements that count this process's threads and file descriptors, and wait until they are `wanted`. */
const counting = `
  import { readdirSync } from 'node:fs';
  const count = () => ({ threads: readdirSync('/proc/self/task').length, descriptors: readdirSync('/proc/self/fd').length });
  const settle = async (wanted) => {
    // Threads end a moment after their isolate is disposed.
    for (let i = 0; i < 200 && JSON.stringify(count()) !== JSON.stringify(wanted); i++)
      await new Promise((resolve) => setTimeout(resolve, 25));
    return count();
  };
  const tools = [{ name: 'echo', execute: (input) => input }, { name: 'never', execute: () => new Promise(() => {}) }];
  // What the process starts for good when a service is first used: its watchdog, workers of Node.
  const first = new CodeModeService({ warmIsolates: 1, limits: { wallMs: 10_000 } });
  await first.createSession().exec('text(1)');
  await first.close();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = await settle(count());
`;

describe.skipIf(process.platform !== 'linux')('after close() (read from /proc, so on Linux only)', () => {
  test.each([
    ['of a service that was never used', 'const service = new CodeModeService({ warmIsolates: 4 });'],
    [
      'of a service with cells behind it',
      `const service = new CodeModeService({ warmIsolates: 4 });
       const session = service.createSession({ tools });
       for (let i = 0; i < 100; i++) await session.exec('text(await tools.echo({}))');
       await Promise.all(Array.from({ length: 40 }, () => session.exec('throw new Error("e")')));`,
    ],
    [
      'of a service with cells in it',
      `const service = new CodeModeService({ maxCells: 16 });
       const session = service.createSession({ tools });
       for (const source of ['for (;;);', 'await tools.never()', 'for (;;) await tools.echo({})', 'for (;;) await 0'])
         for (let i = 0; i < 8; i++) session.start(source);`,
    ],
    [
      'of twenty services one after the other',
      `for (let i = 0; i < 19; i++) {
         const other = new CodeModeService({ warmIsolates: 2 });
         await other.createSession({ tools }).exec('await tools.echo({})');
         await other.close();
       }
       const service = new CodeModeService();`,
    ],
  ])('%s no thread and no file descriptor is left', async (_what, program) => {
    const result = await runChild(`${counting} ${program}
      await service.close();
      const after = await settle(before);
      console.log(JSON.stringify(after) === JSON.stringify(before) ? 'none left' : JSON.stringify({ before, after }));`);
    expect(result).toEqual(cleanly(0, 'none left\n'));
  });

  // In a host process the thread goes with its process.
  test.skipIf(isolation === 'process')('a thread that was given up is the only one left', async () => {
    const result = await runChild(`${counting}
      const service = new CodeModeService({ quarantineMs: 50 });
      const session = service.createSession({ limits: { wallMs: 100 } });
      await session.exec('Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)');
      await service.close();
      const wanted = { ...before, threads: before.threads + 1 };
      const after = await settle(wanted);
      console.log(JSON.stringify(after) === JSON.stringify(wanted) ? 'one left' : JSON.stringify({ before, after }));
      process.exit(0);`);
    expect(result).toEqual(cleanly(0, 'one left\n'));
  });
});
