import { afterAll, describe, expect, test } from 'vitest';
import { addRow, printTable } from './table.js';
import { isolation } from '../isolation.js';
import { runHost, type ChildEnd, type SpawnOptions } from './run.js';

afterAll(printTable);

async function host(attack: string, program: string, options?: SpawnOptions): Promise<ChildEnd> {
  const end = await runHost(program, options);
  addRow('host side', { name: attack }, end, null);
  return end;
}

const clean = { code: 0, signal: null, stderr: '', hung: false };

/** Cells of every kind that keep a thread busy or wait. */
const busyCells = `
  const tools = [
    { name: 'echo', execute: async (input) => input ?? null },
    { name: 'never', execute: () => new Promise(() => {}) },
  ];
  const sources = [
    'for (;;);',
    'for (;;) text(1)',
    'for (;;) await tools.echo({})',
    'for (;;) notify("n")',
    'await tools.never()',
    'const a = []; for (;;) a.push({})',
    'const f = () => Promise.resolve().then(f); f()',
    'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
    'for (let i = 0;; i++) store("k" + i % 10, "x".repeat(1e5))',
    'new Array(2 ** 26).fill(1.1)',
    'setTimeout(() => { for (;;); }); await new Promise(() => {})',
    'for (;;) new ArrayBuffer(1e7)',
  ];
  const busy = (serviceOptions) => {
    const session = open({ tools, limits: { heapMb: 64 } }, { maxCells: 32, ...serviceOptions });
    for (const source of sources) session.exec(source, { yieldTimeMs: Infinity }).catch((e) => console.log(e.code));
    return session;
  };
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

describe.concurrent('host side', () => {
  test.each([0, 5, 50, 400])('process.exit with cells running for %i ms', async (ms) => {
    const program = `${busyCells} busy(); await sleep(${ms}); process.exit(7);`;
    const { code, signal, stderr, hung } = await host(`process.exit after ${ms} ms`, program);
    expect({ code, signal, stderr, hung }).toEqual({ ...clean, code: 7 });
  });

  test.each([0, 50, 400])('an uncaught exception with cells running for %i ms', async (ms) => {
    const program = `${busyCells} busy(); await sleep(${ms}); setTimeout(() => { throw new Error('uncaught') });`;
    const { code, signal, stderr, hung } = await host(`uncaught exception after ${ms} ms`, program);
    expect({ code, signal, hung }).toEqual({ code: 1, signal: null, hung: false });
    expect(stderr).toContain('Error: uncaught');
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])('%s with cells running', async (name) => {
    const program = `${busyCells} busy(); await sleep(100); process.kill(process.pid, '${name}'); await sleep(1e6);`;
    const { signal, stderr, hung } = await host(name, program);
    expect({ signal, stderr, hung }).toEqual({ signal: name, stderr: '', hung: false });
  });

  test.each([0, 5, 50, 400])('close() after %i ms of everything', async (ms) => {
    const program = `${busyCells}
      const service = new CodeModeService({ maxCells: 32, quarantineMs: 300 });
      const session = service.createSession({ tools, limits: { heapMb: 64 } });
      const outcomes = sources.map((source) => session.exec(source, { yieldTimeMs: Infinity }));
      await sleep(${ms});
      await Promise.all([service.close(), session.close(), service.close()]);
      const ends = await Promise.all(outcomes);
      console.log(ends.every(({ status }) => status === 'terminated' || status === 'failed'));`;
    const { stdout, ...end } = await host(`close() after ${ms} ms`, program);
    expect(end).toMatchObject(clean);
    expect(stdout).toBe('true\n');
  });

  test('close() out of every callback', async () => {
    const program = `
      let service;
      const closers = {
        tool: { tools: [{ name: 'f', execute: () => { void service.close(); return 1 } }] },
        notify: { onNotify: () => { void service.close() } },
        output: { onOutput: () => { void service.close() } },
        awaitedTool: { tools: [{ name: 'f', execute: async () => { await service.close(); return 1 } }] },
        awaitedNotify: { onNotify: async () => { await service.close() } },
      };
      for (const [name, options] of Object.entries(closers)) {
        service = new CodeModeService({ quarantineMs: 300 });
        const session = service.createSession(options);
        const outcome = await session.exec('text(1); notify("n"); await tools.f?.({}); for (;;);', { yieldTimeMs: Infinity });
        await service.close();
        console.log(name, outcome.status);
      }`;
    const { stdout, ...end } = await host('close() out of callbacks', program);
    expect(end).toMatchObject(clean);
    expect(stdout).toBe(
      ['tool', 'notify', 'output', 'awaitedTool', 'awaitedNotify'].map((n) => `${n} terminated\n`).join(''),
    );
  });

  test('a host event loop that is blocked for 5 s', async () => {
    const program = `${busyCells}
      const session = open({ tools, limits }, { maxCells: 32 });
      const outcomes = sources.map((source) => session.exec(source, { yieldTimeMs: Infinity }));
      await sleep(20);
      const end = Date.now() + 5000;
      while (Date.now() < end);
      const ends = await Promise.all(outcomes);
      console.log(ends.every(({ status }) => status === 'failed'), (await session.exec('text(1)')).status);
      if (!ends.every(({ status }) => status === 'failed')) console.log(JSON.stringify(ends.map((e) => e.status)));`;
    const { stdout, ...end } = await host('event loop blocked for 5 s', program);
    expect(end).toMatchObject(clean);
    expect(stdout).toBe('true completed\n');
  });

  test('a host that floods memory while the event loop is blocked cannot be fed more', async () => {
    const program = `${busyCells}
      const session = open({ limits: { ...limits, wallMs: 0, outputBytes: 0, outputItems: 0, toolCalls: 0 } }, { maxCells: 32 });
      for (let i = 0; i < 8; i++) session.start('for (;;) text("x".repeat(1e6))');
      for (let i = 0; i < 8; i++) session.start('for (;;) notify("x".repeat(1e6))');
      const end = Date.now() + 4000;
      while (Date.now() < end);
      const rss = process.memoryUsage.rss() / 2 ** 20;
      console.log(rss < 600 ? 'bounded' : rss);
      await session.close();`;
    const { stdout, ...end } = await host('output while the event loop is blocked', program);
    expect(end).toMatchObject(clean);
    expect(stdout).toBe('bounded\n');
  });

  test('1,000 cells at once', async () => {
    const program = `
      const session = open({ limits: { wallMs: 15_000 } }, { maxCells: 1000 });
      const outcomes = await Promise.all(Array.from({ length: 1000 }, (_, i) =>
        session.exec('await new Promise((r) => setTimeout(r, 500)); text(' + i + ')', { yieldTimeMs: Infinity })));
      const wrong = outcomes.filter((o, i) => !(o.status === 'completed' && o.contentItems[0].text === String(i)));
      console.log(wrong.length, wrong[0]?.error?.code ?? '');`;
    const { stdout, ...end } = await host('1,000 cells at once', program, { guardMs: 60_000 });
    expect(end).toMatchObject(clean);
    expect(stdout).toBe('0 \n');
  });

  // With host processes the threads are killed with their process, and the next cell gets another.
  test.skipIf(isolation === 'process')('all of maxCells quarantined gives a typed failure', async () => {
    const program = `
      const service = new CodeModeService({ maxCells: 2, quarantineMs: 100 });
      const session = service.createSession({ limits: { wallMs: 200 } });
      for (let i = 0; i < 3; i++) {
        const { status, error } = await session.exec('Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)');
        console.log(status, error.code);
      }
      await service.close();`;
    const { stdout, ...end } = await host('all threads quarantined', program);
    expect(end).toMatchObject(clean);
    expect(stdout).toBe('failed WALL_LIMIT\nfailed WALL_LIMIT\nfailed ISOLATE_UNAVAILABLE\n');
  });
});

/** Starts `count` workers one after the other; each runs cells, and is ended in one of several ways. */
const workers = (count: number, cells: string) => `
  import { Worker } from 'node:worker_threads';
  import { once } from 'node:events';
  const source = ${JSON.stringify(`
    const { parentPort } = require('node:worker_threads');
    import(ENTRY).then(({ CodeModeService }) => {
      const isolation = process.env.CODECELL_TEST_ISOLATION ?? 'thread';
      const session = new CodeModeService({ isolation, quarantineMs: 100 }).createSession({
        tools: [{ name: 'echo', execute: async (input) => input }], limits: { heapMb: 32 } });
      for (const source of CELLS) session.exec(source).catch(() => {});
      parentPort.postMessage('running');
      if (MODE === 1) setTimeout(() => process.exit(3), 5);
      if (MODE === 2) setTimeout(() => { throw new Error('uncaught') }, 5);
      if (MODE === 3) session.close();
      if (MODE !== 3) setInterval(() => {}, 1000);
    });`)};
  const service = open({}, {});
  for (let i = 0; i < ${count}; i++) {
    const code = source.replace('ENTRY', JSON.stringify(entry)).replace('CELLS', JSON.stringify(${cells})).replaceAll('MODE', String(i % 4));
    const worker = new Worker(code, { eval: true });
    worker.on('error', () => {});
    const exited = once(worker, 'exit').catch(() => {});
    await once(worker, 'message').catch(() => {});
    if (i % 4 === 0) await worker.terminate();
    await new Promise((resolve) => { worker.once('exit', resolve); if (worker.threadId === -1) resolve(); });
  }
  console.log((await service.exec('text("main")')).contentItems[0].text);`;

describe.concurrent('workers', () => {
  const entry = `const entry = ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};`;
  test.each([
    ['idle', 200, `[]`],
    ['computing', 200, `['for (;;);', 'for (;;) await tools.echo({})']`],
    ['flooding', 60, `['for (;;) text("x".repeat(1e4))', 'for (;;) notify("n")']`],
    ['growing', 40, `['const a = []; for (;;) a.push({})', 'for (;;) new ArrayBuffer(1e6)']`],
    ['uninterruptible', 20, `['Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)']`],
    ['losing their heap', 20, `['new Array(2 ** 26).fill(1.1)', 'for (;;);']`],
  ])('%s cells in workers that end', async (name, count, cells) => {
    const { stdout, ...end } = await host(`${count} workers, cells ${name}`, entry + workers(count, cells), {
      guardMs: 90_000,
    });
    expect(end).toMatchObject(clean);
    expect(stdout).toBe('main\n');
  });
});

describe.skipIf(process.platform !== 'linux').concurrent('a machine that runs out', () => {
  // Node may hang when it gets no threads, and so may a host process: then the time it has to start ends it.
  const hostProcess = isolation === 'process' ? 'hostProcess: { startTimeoutMs: 3000 }' : '';
  const cells = `
    const session = open({ limits: { wallMs: 5000 } }, { maxCells: 200, warmIsolates: 2, ${hostProcess} });
    const outcomes = await Promise.all(Array.from({ length: 200 }, () =>
      session.exec('await new Promise((r) => setTimeout(r, 30)); text(1)', { yieldTimeMs: Infinity })));
    const ends = [...new Set(outcomes.map(({ status, error }) => error ? status + ' ' + error.code : status))].sort();
    console.log(ends.join());
    console.log((await session.exec('text(1)')).status);`;
  const typed = ['completed\n', 'completed,failed ISOLATE_UNAVAILABLE\n'];
  // A host process that V8 aborts is lost, one that gets no threads does not start, and the host lives.
  const typedEnds =
    isolation === 'process'
      ? /^(completed)?,?(failed (ISOLATE_UNAVAILABLE|HOST_PROCESS_\w+),?)*$/
      : /^(completed)?,?(failed ISOLATE_UNAVAILABLE)?$/;

  test.each([24, 32, 64])('of file descriptors (%i)', async (count) => {
    const shell = `ulimit -n ${count}`;
    // Node opens the files of a package at the same time.
    const loaded = await runHost(`console.log('up')`, { shell });
    const { stdout, ...end } = await host(shell, cells, { shell });
    if (loaded.code !== 0) return expect(end.hung).toBe(false);
    expect(end).toMatchObject(clean);
    const noProcess = isolation === 'process' ? ['failed HOST_PROCESS_UNAVAILABLE\nfailed\n'] : [];
    expect([...typed.map((first) => `${first}completed\n`), ...noProcess]).toContain(stdout);
  });

  test('of file descriptors while cells are made', async () => {
    const program = `
      import { openSync } from 'node:fs';
      const session = open({ limits }, { maxCells: 50 });
      await session.exec('text(1)');
      try { for (;;) openSync('/dev/null') } catch {}
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => session.exec('text(1)', { yieldTimeMs: Infinity })));
      console.log([...new Set(outcomes.map(({ status, error }) => error?.code ?? status))].join());`;
    const { stdout, ...end } = await host('no file descriptor left', program, { shell: 'ulimit -n 64' });
    expect(end).toMatchObject(clean);
    expect(['completed\n', 'ISOLATE_UNAVAILABLE\n', 'completed,ISOLATE_UNAVAILABLE\n']).toContain(stdout);
  });

  // Node itself takes six to eleven, and may hang with fewer.
  test.each([8, 9, 11, 12, 14, 24])('of threads (%i)', async (count) => {
    // The superuser has no such bound, and it holds for all processes of a user together.
    const user = process.getuid?.() === 0 ? `setpriv --reuid=${54_300 + count} --clear-groups ` : '';
    const options = { shell: 'true', prefix: `prlimit --nproc=${count} ${user}` };
    const started = await runHost(`console.log('up')`, { ...options, guardMs: 5000 });
    if (started.code !== 0) return;
    const { stdout, ...end } = await host(`${count} threads`, cells, options);
    expect(end).toMatchObject(clean);
    expect(stdout.split('\n')[0]).toMatch(typedEnds);
  });

  // Node itself takes about 1 GiB of address space, and more with each version.
  test.each([1200, 1400, 1600, 2000, 2500, 3000, 4000])('of address space (%i MiB)', async (mebibytes) => {
    const shell = `ulimit -v ${mebibytes * 1024}`;
    // What Node itself asks for and does not get ends it, so there has to be some room beyond what it starts with.
    const spare = isolation === 'process' ? 256 : 128;
    const started = await runHost(`console.log('up')`, { shell: `ulimit -v ${(mebibytes - spare) * 1024}` });
    const { stdout, ...end } = await host(`ulimit -v ${mebibytes} MiB`, cells, { shell });
    if (started.code !== 0) return expect(end.hung).toBe(false);
    expect(end).toMatchObject(clean);
    expect(stdout.split('\n')[0]).toMatch(typedEnds);
  });
});
