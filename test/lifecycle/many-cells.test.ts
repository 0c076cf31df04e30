import { describe, expect, test } from 'vitest';
import { gate, nextTurn, openService, openSession, texts } from '../contract/support.js';
import { runChild } from './child.js';

describe('200 cells at once', () => {
  test('all run at the same time, and each gives its own outcome', async () => {
    const allCalled = gate();
    let calls = 0;
    const session = openSession(
      {
        tools: [
          {
            name: 'meet',
            execute: async (input) => {
              if (++calls === 200) allCalled.open();
              await allCalled.passed;
              return input;
            },
          },
        ],
      },
      { maxCells: 200 },
    );
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        session.exec(`text((await tools.meet({ i: ${i} })).i)`, { yieldTimeMs: Infinity }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(Array(200).fill('completed'));
    expect(outcomes.flatMap(texts)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
    expect(outcomes.map(({ cellId }) => cellId)).toEqual(
      Array.from({ length: 200 }, (_, i) => String(i + 1)),
    );
  });

  test('computing are all terminated, and the service goes on', async () => {
    const service = openService({ maxCells: 200 });
    const session = service.createSession();
    const started = Array.from({ length: 200 }, () => session.exec('for (;;);', { yieldTimeMs: 0 }));
    const ids = (await Promise.all(started)).map(({ cellId }) => cellId);
    const outcomes = await Promise.all(ids.map((id) => session.terminate(id)));
    expect(outcomes.map(({ status }) => status)).toEqual(Array(200).fill('terminated'));
    while (service.stats().liveCells > 0) await nextTurn();
    expect(service.stats()).toMatchObject({ queuedCells: 0, quarantinedThreads: 0 });
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
  });
});

/** Cells of the long run; more with CODECELL_LONG_RUN. */
const cellsInARow = Number(process.env['CODECELL_LONG_RUN'] ?? 10_000);

describe(`${cellsInARow} cells in a row`, () => {
  test('give every outcome, and memory stays flat', { timeout: 600_000 }, async () => {
    const program = `
      const service = new CodeModeService();
      const session = service.createSession({ tools: [{ name: 'echo', execute: (input) => input }] });
      const sources = [
        (i) => 'text(' + i + ')',
        (i) => 'text((await tools.echo({ i: ' + i + ' })).i)',
        (i) => 'store("k", { i: ' + i + ' }); text(load("k").i)',
        (i) => 'const a = []; for (let i = 0; i < 1e3; i++) a.push({ i }); throw text(' + i + ')',
        (i) => 'text(' + i + '); exit()',
      ];
      // Without the space that Node's own heap sets aside for young objects: it grows with any steady allocation.
      const memory = () => {
        for (let i = 0; i < 3; i++) gc();
        const { rss, heapTotal, heapUsed } = process.memoryUsage();
        return (rss - heapTotal + heapUsed) / 2 ** 20;
      };
      const total = ${cellsInARow};
      let wrong = 0, before = 0;
      for (let i = 0; i < total; i++) {
        const outcome = await session.exec(sources[i % sources.length](i));
        const status = i % sources.length === 3 ? 'failed' : 'completed';
        if (outcome.status !== status || outcome.contentItems[0]?.text !== String(i)) wrong++;
        if (i + 1 === Math.floor(total / 5)) before = memory();
      }
      const after = memory();
      const { liveCells, quarantinedThreads } = service.stats();
      console.log(JSON.stringify({ wrong, quarantinedThreads, cells: session.cells().length, before, after }));
      await service.close();`;
    const { code, stdout, stderr } = await runChild(program, { nodeArguments: ['--expose-gc'] });
    expect([code, stderr]).toEqual([0, '']);
    const report = JSON.parse(stdout) as Record<string, number>;
    expect(report).toMatchObject({ wrong: 0, quarantinedThreads: 0, cells: 0 });
    console.log(
      `memory after a fifth: ${report['before']!.toFixed(1)} MiB, at the end: ${report['after']!.toFixed(1)} MiB`,
    );
    // Both are after the allocator has warmed up; a leak of 1 KB per cell would show as 8 MiB.
    expect(report['after']! - report['before']!).toBeLessThan(24);
  });
});

describe('services in a row', () => {
  test('are made and closed without leaving threads or memory behind', { timeout: 120_000 }, async () => {
    const program = `
      import { readdirSync } from 'node:fs';
      const threads = () => process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
      const memory = () => {
        for (let i = 0; i < 3; i++) gc();
        const { rss, heapTotal, heapUsed } = process.memoryUsage();
        return (rss - heapTotal + heapUsed) / 2 ** 20;
      };
      const round = async () => {
        const service = new CodeModeService({ warmIsolates: 2 });
        const session = service.createSession();
        const running = session.exec('for (;;);');
        await session.exec('text(1)');
        await service.close();
        if ((await running).status !== 'terminated') throw new Error('not terminated');
        while (service.stats().threads > 0) await new Promise(setImmediate);
      };
      for (let i = 0; i < 50; i++) await round();
      const before = { threads: threads(), memory: memory() };
      for (let i = 0; i < 200; i++) await round();
      const after = { threads: threads(), memory: memory() };
      console.log(JSON.stringify({ threads: after.threads - before.threads, memory: after.memory - before.memory }));`;
    const { code, stdout, stderr } = await runChild(program, { nodeArguments: ['--expose-gc'] });
    expect([code, stderr]).toEqual([0, '']);
    const growth = JSON.parse(stdout) as { threads: number; memory: number };
    expect(growth.threads).toBeLessThanOrEqual(2);
    expect(growth.memory).toBeLessThan(24);
  });
});
