import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { aborted, blockingTool, ending, gate, texts } from '../contract/support.js';
import { ended, isRunning, onLinux, openDescriptors, watchedService } from './host-process.js';

const uninterruptible = 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)';

describe('a host process that is killed', () => {
  test('fails the exec that computes, keeps its output, and the next exec works', async () => {
    const { service, kill } = watchedService();
    const shown = gate();
    const session = service.createSession({ onOutput: () => shown.open() });
    const running = session.exec('text("before"); for (;;);');
    await shown.passed;
    kill();
    const outcome = await running;
    expect(ending(outcome)).toBe('failed HOST_PROCESS_LOST');
    expect(outcome.error?.message).toContain('was ended by SIGKILL');
    expect(texts(outcome)).toEqual(['before']);
    expect(outcome.metrics).toMatchObject({ outputBytes: 6 });
    expect(texts(await session.exec('text("after")'))).toEqual(['after']);
    expect(service.stats()).toMatchObject({ processes: 1, lostProcesses: 1 });
  });

  test('during a tool call cancels the call', async () => {
    const { service, kill } = watchedService();
    const { tool, reached } = blockingTool();
    const session = service.createSession({ tools: [tool] });
    const running = session.exec('await tools.block()');
    const { signal } = await reached;
    kill();
    await aborted(signal);
    const outcome = await running;
    expect(ending(outcome)).toBe('failed HOST_PROCESS_LOST');
    expect(outcome.toolCalls).toMatchObject([{ name: 'block', status: 'cancelled' }]);
  });

  test('between two observations fails the cell for the next one', async () => {
    const { service, started, kill } = watchedService();
    const session = service.createSession();
    const source = 'text(1); yield_control(); await new Promise((resolve) => setTimeout(resolve, 1e6))';
    const yielded = await session.exec(source);
    expect(yielded.status).toBe('yielded');
    kill();
    await once(started[0]!, 'close');
    expect(ending(await session.wait(yielded.cellId))).toBe('failed HOST_PROCESS_LOST');
    expect(ending(await session.wait(yielded.cellId))).toBe('missing CELL_NOT_FOUND');
  });

  test('settles a wait, a terminate and a close that are pending', async () => {
    const { service, kill } = watchedService({ graceMs: 600_000 });
    const session = service.createSession();
    const source = 'yield_control(); for (;;);';
    const [waitedFor, terminated, closed] = [
      await session.exec(source),
      await session.exec(source),
      await session.exec(source),
    ];
    kill('SIGSTOP');
    const waiting = session.wait(waitedFor.cellId, { yieldTimeMs: Infinity });
    const terminating = session.terminate(terminated.cellId);
    const observing = session.wait(closed.cellId, { yieldTimeMs: Infinity });
    kill();
    expect(ending(await waiting)).toBe('failed HOST_PROCESS_LOST');
    // The termination came first, as on threads.
    const outcome = await terminating;
    expect(ending(outcome)).toBe('terminated');
    expect(outcome.diagnostics).toMatchObject([{ code: 'HOST_PROCESS_LOST' }]);
    expect(ending(await observing)).toBe('failed HOST_PROCESS_LOST');

    const { cellId } = await session.exec(source);
    kill('SIGSTOP');
    const last = session.wait(cellId, { yieldTimeMs: Infinity });
    const closing = session.close();
    kill();
    expect(ending(await last)).toBe('terminated');
    await closing;
  });

  test('loses what its cells stored, and nothing that was committed', async () => {
    const { service, kill } = watchedService();
    const { tool, reached } = blockingTool();
    const session = service.createSession({
      tools: [tool],
      storedValues: { first: 1, large: 'x'.repeat(1e6) },
    });
    await session.exec('store("second", { a: [2, "é\\ud800"] }); store("first", "changed")');
    await session.exec('store("third", 3); throw 1');
    await session.exec('yield_control(); store("never", 1); for (;;);');
    await session.terminate('3');
    const running = session.exec('store("lost", 1); await tools.block()');
    await reached;
    kill();
    await running;
    const source = `text([load("first"), load("large").length, load("second"), load("third"), load("lost"), load("never")])`;
    expect(texts(await session.exec(source))).toEqual([
      JSON.stringify(['changed', 1e6, { a: [2, 'é\ud800'] }, 3, null, null]),
    ]);
    expect(Object.keys(session.storedValues())).toEqual(['first', 'large', 'second', 'third']);
  });

  test('takes the cells of all its sessions with it, but none that waits for its turn', async () => {
    const { service, kill } = watchedService({}, { maxCells: 2 });
    const blocks = [blockingTool(), blockingTool()];
    const sessions = blocks.map(({ tool }) => service.createSession({ tools: [tool] }));
    const running = sessions.map((session) => session.exec('await tools.block()'));
    await Promise.all(blocks.map(({ reached }) => reached));
    const queued = sessions.map((session) => session.exec('text("mine")'));
    expect(service.stats()).toMatchObject({ liveCells: 2, queuedCells: 2 });
    kill();
    expect((await Promise.all(running)).map(ending)).toEqual(Array(2).fill('failed HOST_PROCESS_LOST'));
    expect((await Promise.all(queued)).flatMap(texts)).toEqual(['mine', 'mine']);
  });

  test('is that of one session with scope session, and ends with it', async () => {
    const { service, started } = watchedService({ scope: 'session' });
    const { tool, reached, release } = blockingTool();
    const shown = gate();
    const one = service.createSession({ onOutput: () => shown.open() });
    const other = service.createSession({ tools: [tool] });
    const lost = one.exec('text(1); for (;;);');
    await shown.passed;
    const kept = other.exec('text(await tools.block())');
    await reached;
    expect(service.stats()).toMatchObject({ processes: 2, sessions: 2 });
    started[0]!.kill('SIGKILL');
    expect(ending(await lost)).toBe('failed HOST_PROCESS_LOST');
    release('kept');
    expect(texts(await kept)).toEqual(['kept']);
    await other.close();
    expect(started[1]!.signalCode).toBe('SIGKILL');
    expect(texts(await one.exec('text("new")'))).toEqual(['new']);
  });

  test.runIf(onLinux)('50 times leaves no descriptors behind', async () => {
    const { service, started, kill } = watchedService();
    const session = service.createSession();
    const round = async () => {
      const calls = gate();
      const inner = service.createSession({
        tools: [{ name: 'call', execute: () => (calls.open(), new Promise(() => {})) }],
      });
      const running = inner.exec('await tools.call()');
      await calls.passed;
      kill();
      expect(ending(await running)).toBe('failed HOST_PROCESS_LOST');
      await inner.close();
    };
    await round();
    const before = openDescriptors();
    for (let i = 0; i < 50; i++) await round();
    expect(texts(await session.exec('text("on")'))).toEqual(['on']);
    expect(openDescriptors()).toBeLessThanOrEqual(before + 2);
    expect(started.filter(({ pid }) => isRunning(pid!))).toHaveLength(1);
  });
});

describe('a script that does not stop', () => {
  test('is killed with its process, and the next exec works', async () => {
    const { service, started } = watchedService({}, { quarantineMs: 50 });
    const session = service.createSession({ limits: { wallMs: 100 } });
    const outcome = await session.exec(uninterruptible);
    expect(ending(outcome)).toBe('failed WALL_LIMIT');
    expect(outcome.diagnostics).toMatchObject([{ code: 'QUARANTINED' }]);
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
    if (started[0]!.signalCode === null) await once(started[0]!, 'exit');
    expect(started[0]!.signalCode).toBe('SIGKILL');
    expect(started).toHaveLength(2);
  });

  test('leaves the other cells of its process the grace time, while new ones run elsewhere', async () => {
    const { service, started } = watchedService({ graceMs: 600_000 }, { quarantineMs: 50 });
    const { tool, reached, release } = blockingTool();
    const session = service.createSession({ tools: [tool], storedValues: { key: 'old' } });
    const other = session.exec('store("key", "new"); text(await tools.block())');
    await reached;
    await session.exec(uninterruptible, { limits: { wallMs: 100 } });
    expect(texts(await session.exec('text(load("key"))'))).toEqual(['old']);
    expect(started).toHaveLength(2);
    expect(started[0]!.signalCode).toBe(null);
    release('done');
    expect(texts(await other)).toEqual(['done']);
    // What it committed there is seen by cells that start here.
    expect(texts(await session.exec('text(load("key"))'))).toEqual(['new']);
    if (started[0]!.signalCode === null) await once(started[0]!, 'exit');
  });

  test('takes the other cells of its process with it when the grace time is over', async () => {
    const { service } = watchedService({ graceMs: 20 }, { quarantineMs: 50 });
    const { tool, reached } = blockingTool();
    const session = service.createSession({ tools: [tool] });
    const other = session.exec('await tools.block()');
    await reached;
    await session.exec(uninterruptible, { limits: { wallMs: 100 } });
    const outcome = await other;
    expect(ending(outcome)).toBe('failed HOST_PROCESS_LOST');
    expect(outcome.error?.message).toContain('one of its threads would not stop');
  });

  test('in a process that does not answer either is terminated all the same', async () => {
    const { service, kill } = watchedService({ graceMs: 50 }, { quarantineMs: 50 });
    const session = service.createSession();
    const { cellId } = await session.exec('yield_control(); for (;;);');
    kill('SIGSTOP');
    const outcome = await session.terminate(cellId);
    expect(ending(outcome)).toBe('terminated');
    expect(outcome.diagnostics[0]?.message).toContain('it did not answer');
    expect(texts(await session.exec('text("next")'))).toEqual(['next']);
  });
});

describe('closing the service', () => {
  test.runIf(onLinux)('ends its processes, also one that is still starting', async () => {
    const { service, started } = watchedService();
    await service.close();
    expect(started.map(({ pid }) => isRunning(pid!))).toEqual([false]);
    const second = watchedService({ scope: 'session' });
    const sessions = [second.service.createSession(), second.service.createSession()];
    const running = sessions.map((session) => session.exec('for (;;);'));
    await Promise.all([second.service.close(), second.service.close()]);
    expect((await Promise.all(running)).map(ending)).toEqual(['terminated', 'terminated']);
    await Promise.all(second.started.map(({ pid }) => ended(pid!)));
    expect(second.service.stats()).toMatchObject({ processes: 0, threads: 0, sessions: 0 });
  });
});
