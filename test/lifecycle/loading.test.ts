import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CodeModeError } from '../../lib/index.js';
import { candidateFiles, loadFirst, prebuiltName } from '../../lib/native/load.js';
import { prebuildPath } from '../../scripts/addon.mjs';
import { isolatedServiceSource, isolation } from '../isolation.js';
import { cleanly, runChild } from './child.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'codecell-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the loader', () => {
  test('lists every file it tried and says what to do when none loads', () => {
    const folder = temporaryFolder();
    const missing = path.join(folder, 'missing.node');
    const broken = path.join(folder, 'broken.node');
    writeFileSync(broken, 'no shared library');
    let error: unknown;
    try {
      loadFirst([missing, broken]);
    } catch (thrown) {
      error = thrown;
    }
    expect(CodeModeError.is(error)).toBe(true);
    const { code, message } = error as CodeModeError;
    expect(code).toBe('ADDON_UNAVAILABLE');
    expect(message).toContain(`${missing}: no such file`);
    expect(message).toContain(`${broken}: `);
    expect(message).toContain(`Node ${process.version} (ABI ${process.versions.modules})`);
    expect(message).toContain('node-gyp rebuild');
  });

  test('tries what node-gyp built, then the prebuilt binaries', () => {
    const folder = temporaryFolder();
    const saved = process.env['PREBUILDS_ONLY'];
    onTestFinished(() => {
      if (saved === undefined) delete process.env['PREBUILDS_ONLY'];
      else process.env['PREBUILDS_ONLY'] = saved;
    });
    const prebuilds = path.join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
    mkdirSync(prebuilds, { recursive: true });
    const fitting = `codecell.node.abi${process.versions.modules}.node`;
    for (const file of [fitting, 'codecell.node.abi1.node', 'README.md'])
      writeFileSync(path.join(prebuilds, file), '');
    delete process.env['PREBUILDS_ONLY'];
    expect([...candidateFiles(folder)]).toEqual([
      path.join(folder, 'build', 'Release', 'codecell.node'),
      path.join(folder, 'build', 'Debug', 'codecell.node'),
      path.join(prebuilds, fitting),
    ]);
    process.env['PREBUILDS_ONLY'] = '1';
    expect([...candidateFiles(folder)]).toEqual([path.join(prebuilds, fitting)]);
    const ours = prebuiltName();
    writeFileSync(path.join(prebuilds, ours), '');
    expect([...candidateFiles(folder)]).toEqual(
      [...new Set([ours, fitting])].map((name) => path.join(prebuilds, name)),
    );
  });

  test('looks first where npm run prebuild puts the binary', () => {
    expect(prebuiltName()).toBe(path.basename(prebuildPath(process.versions.modules)));
  });
});

describe('the package', () => {
  test('loads with require and import in one process, and both give the same classes', async () => {
    const program = `
      import { createRequire } from 'node:module';
      const required = createRequire(${JSON.stringify(path.join(root, 'index.js'))})('./dist/index.js');
      console.log(required.CodeModeService === codecell.CodeModeService);
      const outcome = await new required.CodeModeService({ isolation: '${isolation}' }).createSession().exec('text("required")');
      console.log(outcome.contentItems[0].text);`;
    const { code, signal, stdout } = await runChild(program);
    expect({ code, signal, stdout }).toEqual({ code: 0, signal: null, stdout: 'true\nrequired\n' });
  });

  test('loads twice in one process, as two copies with two addons', async () => {
    const folder = temporaryFolder();
    const addon = [...candidateFiles(root)].find((file) => existsSync(file))!;
    cpSync(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true });
    copyFileSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
    const copy = path.join(folder, path.relative(root, addon));
    mkdirSync(path.dirname(copy), { recursive: true });
    copyFileSync(addon, copy);
    const program = `
      const other = await import(${JSON.stringify(path.join(folder, 'dist', 'index.js'))});
      console.log(other.CodeModeService === codecell.CodeModeService);
      const tools = [{ name: 'echo', execute: (input) => input }];
      const sessions = [CodeModeService, other.CodeModeService].map((Service) => new Service({ isolation: '${isolation}' }).createSession({ tools }));
      for (let round = 0; round < 3; round++) {
        const outcomes = await Promise.all(sessions.map((session, i) => session.exec('text((await tools.echo({ i: ' + i + ' })).i)')));
        console.log(outcomes.map(({ contentItems }) => contentItems[0].text).join());
      }
      try { sessions[1].start(5) } catch (error) { console.log(error instanceof codecell.CodeModeError, codecell.CodeModeError.is(error)) }
      const running = sessions.map((session) => session.exec('for (;;);'));
      await Promise.all(sessions.map((session) => session.close()));
      console.log((await Promise.all(running)).map(({ status }) => status).join());`;
    expect(await runChild(program)).toEqual(
      cleanly(0, 'false\n0,1\n0,1\n0,1\nfalse true\nterminated,terminated\n'),
    );
  });
});

/** Runs a worker that has the package as `codecell` and `open`; `main` sees it as `worker`. */
function inWorker(workerSource: string, main: string): string {
  const imports = `
    import { parentPort, threadId } from 'node:worker_threads';
    import * as codecell from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    ${isolatedServiceSource}
    const open = (options, serviceOptions) => new CodeModeService(serviceOptions).createSession(options);`;
  const url = `data:text/javascript,${encodeURIComponent(imports + workerSource)}`;
  return `
    import { Worker } from 'node:worker_threads';
    import { once } from 'node:events';
    const startWorker = () => new Worker(new URL(${JSON.stringify(url)}));
    ${main}`;
}

describe('worker_threads', () => {
  test('each have services of their own, beside that of the main thread', async () => {
    const program = inWorker(
      `const tools = [{ name: 'id', execute: () => threadId }];
       const session = open({ tools });
       const outcomes = await Promise.all(Array.from({ length: 10 }, () => session.exec('text(await tools.id())')));
       parentPort.postMessage(outcomes.every(({ contentItems }) => contentItems[0].text === String(threadId)));`,
      `const session = open();
       const workers = Array.from({ length: 4 }, startWorker);
       const results = await Promise.all(workers.map(async (worker) => {
         const [[message], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
         return [message, code];
       }));
       console.log(JSON.stringify(results));
       console.log((await session.exec('text("main")')).contentItems[0].text);`,
    );
    expect(await runChild(program)).toEqual(cleanly(0, '[[true,0],[true,0],[true,0],[true,0]]\nmain\n'));
  });

  test.each([
    ['idle', `open({}, { warmIsolates: 4 });`],
    [
      'cells that compute',
      `const session = open(); for (let i = 0; i < 4; i++) session.start('text(1); for (;;);');`,
    ],
    [
      'cells that call tools',
      `const session = open({ tools: [{ name: 'echo', execute: async (input) => input }] });
       for (let i = 0; i < 4; i++) session.start('for (let i = 0;; i++) await tools.echo({ i })');`,
    ],
    [
      'cells that flood',
      `const session = open(); for (let i = 0; i < 4; i++) session.start('for (;;) text(1)');`,
    ],
    [
      'queued cells',
      `const session = open({}, { maxCells: 1 }); for (let i = 0; i < 20; i++) session.start('for (;;);');`,
    ],
  ])('can be terminated with %s, and the process goes on', async (_what, workerSource) => {
    const program = inWorker(
      `${workerSource} parentPort.postMessage('running'); setInterval(() => {}, 1000);`,
      `const session = open();
       for (const ms of [0, 1, 5, 30]) {
         const worker = startWorker();
         await once(worker, 'message');
         await new Promise((resolve) => setTimeout(resolve, ms));
         await worker.terminate();
         console.log((await session.exec('text("main")')).contentItems[0].text);
       }`,
    );
    expect(await runChild(program)).toEqual(cleanly(0, 'main\n'.repeat(4)));
  });

  test('end by themselves with idle warm isolates, and exit with cells running', async () => {
    const program = inWorker(
      `const session = open({}, { warmIsolates: 4 });
       await session.exec('text(1)');
       if (threadId % 2 === 0) { session.start('for (;;);'); process.exit(7); }`,
      `const workers = Array.from({ length: 4 }, startWorker);
       const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]));
       console.log(codes.sort().join());`,
    );
    expect(await runChild(program)).toEqual(cleanly(0, '0,0,7,7\n'));
  });
});
