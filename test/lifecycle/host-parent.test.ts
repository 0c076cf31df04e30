import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ending, gate, texts } from '../contract/support.js';
import { cleanly, runChild } from './child.js';
import { ended, onLinux, watchedService } from './host-process.js';

/** A program that prints the id of its host process and starts cells in it. */
const parent = (cells: string) => `
  import { spawn } from 'node:child_process';
  const service = new codecell.CodeModeService({
    isolation: 'process',
    hostProcess: {
      start: ({ execPath, args, env, cwd }) => {
        const child = spawn(execPath, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
        console.log('host ' + child.pid);
        return child;
      },
    },
  });
  const session = service.createSession({ onOutput: () => console.log('running') });
  ${cells}`;

const busy = `
  for (let i = 0; i < 3; i++) session.start('text(1); while (true) {}');
  session.start('text(1); Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)');`;

describe('the end of the parent', () => {
  test.runIf(onLinux).each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'by %s ends its host process, whatever the cells do',
    async (signal) => {
      const { stdout } = await runChild(parent(busy), {
        onPrint: (printed, kill) => {
          if (printed.split('running').length === 5) kill(signal);
        },
      });
      await ended(Number(/host (\d+)/.exec(stdout)![1]));
    },
  );

  test.runIf(onLinux)('by itself or by process.exit() ends its host process', async () => {
    for (const cells of ['', `await session.exec('text(1)');`, `${busy} process.exit();`]) {
      const { code, stdout, stderr } = await runChild(parent(cells));
      expect([code, stderr]).toEqual([0, '']);
      await ended(Number(/host (\d+)/.exec(stdout)![1]));
    }
  });

  test('is not delayed by an idle host process, and waits for an exec', async () => {
    const program = `
      const session = new codecell.CodeModeService({ isolation: 'process' }).createSession();
      const { status } = await session.exec('await new Promise((resolve) => setTimeout(resolve, 300))');
      console.log(status);`;
    expect(await runChild(program)).toEqual(cleanly(0, 'completed\n'));
  });
});

describe('back-pressure', () => {
  const residentMb = (pid: number | 'self') =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

  test.runIf(onLinux)('bounds what a flooding cell keeps while the parent does not listen', async () => {
    const shown = gate();
    const { service, started } = watchedService();
    const session = service.createSession({
      onOutput: () => shown.open(),
      limits: { outputBytes: 0, outputItems: 0 },
    });
    const running = session.exec('for (;;) text("x".repeat(1e6))');
    await shown.passed;
    const before = residentMb('self');
    // The event loop stands still, which is the point.
    const until = Date.now() + 1500;
    while (Date.now() < until);
    expect(residentMb(started[0]!.pid!)).toBeLessThan(300);
    expect(residentMb('self') - before).toBeLessThan(100);
    expect(ending(await session.terminate('1'))).toBe('terminated');
    await running;
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
  });

  test('loses nothing of what both sides send at once', async () => {
    const { service } = watchedService();
    const tools = [{ name: 'echo', execute: async (input: unknown) => input }];
    const session = service.createSession({ tools });
    const source = `
      const large = 'x'.repeat(3e6);
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => tools.echo({ i, large })));
      text(answers.every((answer, i) => answer.i === i && answer.large === large));
      for (let i = 0; i < 20_000; i++) text(i);`;
    const outcome = await session.exec(source, { yieldTimeMs: Infinity, limits: { heapMb: 1024 } });
    expect(texts(outcome)).toEqual(['true', ...Array.from({ length: 20_000 }, (_, i) => String(i))]);
  });
});
