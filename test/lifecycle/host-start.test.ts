import { fork, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CodeModeService, type HostProcessCommand } from '../../lib/index.js';
import { hostProcessCommand, unpacked } from '../../lib/host/start-process.js';
import { echo, ending, openService, texts } from '../contract/support.js';
import { onLinux, spawnHost, watchedService } from './host-process.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'codecell-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('a host process that cannot be started', () => {
  test('fails the exec with HOST_PROCESS_UNAVAILABLE after a bounded number of tries', async () => {
    const service = openService({
      isolation: 'process',
      hostProcess: { entryPath: path.join(root, 'nowhere.js') },
    });
    const session = service.createSession();
    const outcomes = await Promise.all([session.exec('text(1)'), session.exec('text(2)')]);
    expect(outcomes.map(ending)).toEqual(Array(2).fill('failed HOST_PROCESS_UNAVAILABLE'));
    expect(outcomes[0].error?.message).toMatch(
      /could be started: it exited with code 1; it said: [\s\S]*nowhere\.js/,
    );
    expect(service.stats()).toMatchObject({ liveCells: 0, queuedCells: 0, lostProcesses: 0 });
  });

  test('fails it at once when there is no such program', async () => {
    const { service, started } = watchedService({
      start: (command) => spawnHost({ ...command, execPath: path.join(root, 'no-node') }),
    });
    const outcome = await service.createSession().exec('text(1)');
    expect(ending(outcome)).toBe('failed HOST_PROCESS_UNAVAILABLE');
    expect(outcome.error?.message).toContain('ENOENT');
    expect(started).toEqual([]);
  });

  test('fails it in a process that was started as a host process itself', async () => {
    // What a single executable or an Electron without runAsNode would be: it starts itself, and so on.
    process.env['CODECELL_HOST_PROCESS'] = '1';
    onTestFinished(() => void delete process.env['CODECELL_HOST_PROCESS']);
    const service = openService({ isolation: 'process' });
    const outcome = await service.createSession().exec('text(1)');
    expect(ending(outcome)).toBe('failed HOST_PROCESS_UNAVAILABLE');
    expect(outcome.error?.message).toContain('hostProcess.start');
  });

  test('fails it when the starter throws, or gives a process that cannot be talked to', async () => {
    const throwing = openService({
      isolation: 'process',
      hostProcess: {
        start: () => {
          throw new Error('not today');
        },
      },
    });
    const first = await throwing.createSession().exec('text(1)');
    expect(ending(first)).toBe('failed HOST_PROCESS_UNAVAILABLE');
    expect(first.error?.message).toContain('not today');
    const mute = openService({
      isolation: 'process',
      hostProcess: { start: ({ execPath, args }) => spawn(execPath, args, { stdio: 'ignore' }) },
    });
    const second = await mute.createSession().exec('text(1)');
    expect(ending(second)).toBe('failed HOST_PROCESS_UNAVAILABLE');
    expect(second.error?.message).toContain('no channel');
  });

  test('fails it with ADDON_UNAVAILABLE and every file that was tried when it has no addon', async () => {
    const folder = temporaryFolder();
    cpSync(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
    const entryPath = path.join(folder, 'dist', 'host', 'main.js');
    const service = openService({ isolation: 'process', hostProcess: { entryPath } });
    const outcome = await service.createSession().exec('text(1)');
    expect(ending(outcome)).toBe('failed ADDON_UNAVAILABLE');
    expect(outcome.error?.message).toContain(path.join(folder, 'prebuilds'));
  });

  test('in time is killed, and counts as one that ended', async () => {
    const idle: ChildProcess[] = [];
    const { service } = watchedService({
      startTimeoutMs: 50,
      start: ({ execPath }) => {
        const child = spawnHost({
          execPath,
          args: ['-e', 'setInterval(() => {}, 1000)'],
        } as HostProcessCommand);
        idle.push(child);
        return child;
      },
    });
    const outcome = await service.createSession().exec('text(1)');
    expect(ending(outcome)).toBe('failed HOST_PROCESS_UNAVAILABLE');
    expect(outcome.error?.message).toContain('was not ready after 50 ms');
    expect(idle.map(({ signalCode }) => signalCode)).toEqual(Array(3).fill('SIGKILL'));
  });

  test('at first is tried again, and the exec does not notice', async () => {
    const attempts: ChildProcess[] = [];
    const { service } = watchedService({
      start: (command) => {
        const args = attempts.length < 2 ? ['-e', 'process.exit(7)'] : command.args;
        const child = spawnHost({ ...command, args });
        attempts.push(child);
        return child;
      },
    });
    expect(texts(await service.createSession().exec('text("third time")'))).toEqual(['third time']);
    expect(attempts.map(({ exitCode }) => exitCode)).toEqual([7, 7, null]);
  });

  test('for a while leaves the service usable', async () => {
    let isBroken = true;
    const { service } = watchedService({
      start: (command) =>
        spawnHost({ ...command, args: isBroken ? ['-e', 'process.exit(7)'] : command.args }),
    });
    const session = service.createSession();
    expect(ending(await session.exec('text(1)'))).toBe('failed HOST_PROCESS_UNAVAILABLE');
    expect(ending(await session.exec('text(1)'))).toBe('failed HOST_PROCESS_UNAVAILABLE');
    isBroken = false;
    expect(texts(await session.exec('text("works")'))).toEqual(['works']);
  });

  test('leaves a cell that is terminated while it waits terminated', async () => {
    const { service } = watchedService({
      start: ({ execPath }) =>
        spawnHost({ execPath, args: ['-e', 'setInterval(() => {}, 1000)'] } as HostProcessCommand),
    });
    const session = service.createSession();
    const running = session.exec('text(1)');
    expect(ending(await session.terminate('1'))).toBe('terminated');
    expect(ending(await running)).toBe('terminated');
  });
});

describe('a host process that does not keep to the protocol', () => {
  const program = fileURLToPath(new URL('strange-host.mjs', import.meta.url));
  const loader = import.meta.resolve('tsx');
  const strange = (how: string) =>
    new CodeModeService({
      isolation: 'process',
      hostProcess: {
        start: (command) => spawnHost({ ...command, args: ['--import', loader, program, how] }),
      },
    });

  test.each([
    ['noise', 'failed HOST_PROCESS_UNAVAILABLE'],
    ['another version', 'failed HOST_PROCESS_UNAVAILABLE'],
    ['bad events', 'failed HOST_PROCESS_LOST'],
    ['a text out of bounds', 'failed HOST_PROCESS_LOST'],
  ])('but sends %s is killed', async (how, expected) => {
    const service = strange(how);
    onTestFinished(() => service.close());
    expect(ending(await service.createSession().exec('text(1)'))).toBe(expected);
  });

  test('but sends more than the limits of a cell is killed', async () => {
    const service = strange('more than the limits');
    onTestFinished(() => service.close());
    const outcome = await service.createSession({ limits: { outputItems: 10 } }).exec('text(1)');
    expect([ending(outcome), texts(outcome).length]).toEqual(['failed HOST_PROCESS_LOST', 10]);
    expect(outcome.error?.message).toContain('more than the limits');
  });

  test('cannot speak for cells, tools and stored values that are not its own', async () => {
    const service = strange('a stranger');
    onTestFinished(() => service.close());
    const session = service.createSession({ tools: [echo] });
    const outcome = await session.exec('text(1)');
    expect([ending(outcome), texts(outcome), outcome.toolCalls]).toEqual(['completed', ['mine'], []]);
    expect(session.storedValues()).toEqual({});
  });
});

describe('a starter', () => {
  const job = `
    const { a } = await tools.echo({ a: "x".repeat(5000) + "é\ud800" });
    text(a.length);
    text(a.charCodeAt(5001).toString(16));`;
  const expected = ['5002', 'd800'];

  test('may fork with advanced serialization', async () => {
    const service = openService({
      isolation: 'process',
      hostProcess: {
        start: ({ entryPath, env }) => fork(entryPath, { env, execArgv: [], serialization: 'advanced' }),
      },
    });
    expect(texts(await service.createSession({ tools: [echo] }).exec(job))).toEqual(expected);
  });

  test("may give a process with the interface of Electron's utilityProcess", async () => {
    const shim = new URL('parent-port.mjs', import.meta.url).href;
    const service = openService({
      isolation: 'process',
      hostProcess: {
        start: ({ entryPath, env }) => {
          const child = fork(entryPath, { env, execArgv: ['--import', shim], serialization: 'advanced' });
          return {
            get pid() {
              return child.pid;
            },
            postMessage: (message) => void child.send(message as object),
            on: (event, listener) => child.on(event, listener),
            kill: () => child.kill(),
          };
        },
      },
    });
    const session = service.createSession({ tools: [echo] });
    expect(texts(await session.exec(job))).toEqual(expected);
    expect(texts(await session.exec('text("again")'))).toEqual(['again']);
  });
});

describe('what a host process is started with', () => {
  test('is the file beside an Electron archive when the package was unpacked there', () => {
    const inside = path.join(
      'app',
      'resources',
      'app.asar',
      'node_modules',
      'codecell',
      'dist',
      'host',
      'main.js',
    );
    const outside = inside.replace('app.asar', 'app.asar.unpacked');
    expect(unpacked(inside, (file) => file === outside)).toBe(outside);
    expect(unpacked(inside, () => false)).toBe(inside);
    expect(unpacked(outside, () => true)).toBe(outside);
  });

  test('is an environment of the few variables that it needs', () => {
    process.env['CODECELL_SECRET'] = 'secret';
    process.env['TZ'] ??= 'UTC';
    onTestFinished(() => void delete process.env['CODECELL_SECRET']);
    const { env } = hostProcessCommand(undefined);
    expect(env['TZ']).toBe(process.env['TZ']);
    expect(Object.keys(env)).not.toContain('CODECELL_SECRET');
    expect(Object.keys(env)).not.toContain('PATH');
  });

  test.runIf(onLinux)('is nothing else, and no handles but its pipes', async () => {
    process.env['CODECELL_SECRET'] = 'secret';
    onTestFinished(() => void delete process.env['CODECELL_SECRET']);
    const folder = temporaryFolder();
    mkdirSync(path.join(folder, 'inner'));
    const { readFileSync, readdirSync, readlinkSync, openSync, closeSync } = await import('node:fs');
    const open = openSync(path.join(folder, 'inner'), 'r');
    onTestFinished(() => closeSync(open));
    const { service, started } = watchedService();
    await service.createSession().exec('text(1)');
    const { pid } = started[0]!;
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('secret');
    const handles = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`];
      } catch {
        return [];
      }
    });
    expect(handles.filter((handle) => handle.includes(folder))).toEqual([]);
    expect(handles.filter((handle) => /^[01] /.test(handle))).toEqual(['0 /dev/null', '1 /dev/null']);
    const sockets = handles
      .filter((handle) => handle.includes('socket:'))
      .map((handle) => handle.split(' ')[0]);
    expect(sockets).toEqual(['2', '3']);
  });
});
