import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SessionObserver, ToolDefinition } from '../../lib/index.js';
import { blockingTool, echo, gate, openService, openSession, texts } from './support.js';

/** Notes every event as a short text, in order. */
function notingObserver(): { observer: SessionObserver; seen: string[] } {
  const seen: string[] = [];
  const note = (text: string) => void seen.push(text);
  const observer: SessionObserver = {
    modelCallStarted: ({ name, callId }) => note(`modelCallStarted ${name} ${callId ?? '-'}`),
    modelCallEnded: (_call, { result }) => note(`modelCallEnded ${result?.success ?? 'rejected'}`),
    execRefused: ({ callId }, error) => note(`execRefused ${callId ?? '-'} ${(error as Error).message}`),
    cellStarted: ({ cellId, execCallId, source, profile, modelCall }) =>
      note(`cellStarted ${cellId} ${execCallId ?? '-'} ${profile} ${source} ${modelCall?.callId ?? '-'}`),
    firstOutcome: (_cell, { status }) => note(`firstOutcome ${status}`),
    cellYielded: (_cell, { cause, observed }) => note(`cellYielded ${cause} ${observed}`),
    outputAppended: (_cell, item) => note(`output ${item.type === 'input_text' ? item.text : item.type}`),
    notified: (_cell, text) => note(`notified ${text}`),
    terminateRequested: (_cell, { cause }) => note(`terminateRequested ${cause}`),
    cellEnded: (_cell, { status, error }) => note(`cellEnded ${status} ${error?.code ?? '-'}`),
    waitStarted: ({ cellId, callId, cell, terminate, yieldTimeMs }) =>
      note(`waitStarted ${cellId} ${callId ?? '-'} ${cell?.cellId ?? 'missing'} ${terminate} ${yieldTimeMs}`),
    waitEnded: (_wait, { outcome, error }) =>
      note(`waitEnded ${outcome?.status ?? (error as Error).message}`),
    toolCallStarted: ({ id, tool, inputJson }) =>
      note(`toolCallStarted ${id} ${tool.name} ${inputJson ?? '-'}`),
    runTool: ({ id }, run) => {
      note(`runTool ${id}`);
      run();
    },
    toolCallEnded: ({ id }, { status, resultJson, error }) =>
      note(`toolCallEnded ${id} ${status} ${resultJson ?? error?.message ?? '-'}`),
  };
  return { observer, seen };
}

const failing: ToolDefinition = {
  name: 'fail',
  execute: () => {
    throw new Error('no');
  },
};

describe('an observer', () => {
  test('sees a cell, its calls and its output in order', async () => {
    const { observer, seen } = notingObserver();
    const session = openSession({ tools: [echo, failing], observers: [observer] });
    const source = "text(await tools.echo({ a: 1 })); await tools.fail().catch(() => {}); notify('n')";
    await session.exec(source, { callId: 'call-1' });
    expect(seen).toEqual([
      `cellStarted 1 call-1 default ${source} -`,
      'toolCallStarted tool-1 echo {"a":1}',
      'runTool tool-1',
      'toolCallEnded tool-1 completed {"a":1}',
      'output {"a":1}',
      'toolCallStarted tool-2 fail -',
      'runTool tool-2',
      'toolCallEnded tool-2 failed no',
      'notified n',
      'firstOutcome completed',
      'cellEnded completed -',
    ]);
  });

  test('sees yields, waits and a termination, with its cancelled calls', async () => {
    const { observer, seen } = notingObserver();
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool], observers: [observer] });
    await session.exec('yield_control(); await tools.block()');
    await reached;
    await session.wait('1', { callId: 'w1', yieldTimeMs: 0 });
    await session.terminate('1', { callId: 'w2' });
    await session.wait('1');
    expect(seen.slice(1)).toEqual([
      'cellYielded script true',
      'firstOutcome yielded',
      'toolCallStarted tool-1 block -',
      'runTool tool-1',
      'waitStarted 1 w1 1 false 0',
      'cellYielded time true',
      'waitEnded yielded',
      'waitStarted 1 w2 1 true null',
      'terminateRequested terminate',
      'toolCallEnded tool-1 cancelled -',
      'cellEnded terminated -',
      'waitEnded terminated',
      'waitStarted 1 - missing false 10000',
      'waitEnded missing',
    ]);
  });

  test("sees a model's calls around what they cause", async () => {
    const { observer, seen } = notingObserver();
    const session = openSession({ observers: [observer] });
    await session.handleToolCall({ name: 'exec', callId: 'c1', input: 'text(1)' });
    await session.handleToolCall({ name: 'wait', callId: 'c2', input: { cell_id: '9' } });
    await session.handleToolCall({ name: 'exec', callId: 'c3', input: '// @exec: {"x": 1}\ntext(1)' });
    expect(seen).toEqual([
      'modelCallStarted exec c1',
      'cellStarted 1 c1 default text(1) c1',
      'output 1',
      'firstOutcome completed',
      'cellEnded completed -',
      'modelCallEnded true',
      'modelCallStarted wait c2',
      'waitStarted 9 c2 missing false 10000',
      'waitEnded missing',
      'modelCallEnded false',
      'modelCallStarted exec c3',
      'modelCallEnded false',
    ]);
  });

  test('sees execs that never got a cell', async () => {
    const { observer, seen } = notingObserver();
    const session = openSession({ observers: [observer] });
    await expect(session.exec(7 as never, { callId: 'c' })).rejects.toThrow();
    await expect(session.exec('1', { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(seen).toEqual([
      'execRefused c exec source must be a string; got 7',
      'execRefused - exec was aborted before it started',
    ]);
  });

  test('sees an end when the session closes, and when the source is too large', async () => {
    const { observer, seen } = notingObserver();
    const session = openSession({ observers: [observer], limits: { sourceBytes: 60 } });
    await session.exec(' '.repeat(61));
    session.start('await new Promise(() => setTimeout(() => {}, 1e9))');
    await session.close();
    expect(seen.slice(1, 3)).toEqual(['cellEnded failed SOURCE_LIMIT', 'firstOutcome failed']);
    expect(seen.slice(4)).toEqual(['terminateRequested close', 'cellEnded terminated -']);
  });

  test('of the service comes before those of the session', async () => {
    const order: string[] = [];
    const named = (name: string): SessionObserver => ({ cellStarted: () => void order.push(name) });
    const service = openService({ observers: [named('service')] });
    await service.createSession({ observers: [named('session')] }).exec('');
    expect(order).toEqual(['service', 'session']);
  });

  test('that throws or rejects harms nothing, and is reported once', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    const broken: SessionObserver = {
      cellStarted: () => {
        throw new Error('first');
      },
      outputAppended: () => Promise.reject(new Error('async')) as never,
      runTool: () => {
        throw new Error('run');
      },
      cellEnded: () => {
        throw null;
      },
    };
    const { observer, seen } = notingObserver();
    const session = openSession({ tools: [echo], observers: [broken, observer] });
    const outcome = await session.exec('text(await tools.echo({}))');
    await session.exec('text(1)');
    expect(texts(outcome)).toEqual(['{}']);
    expect(seen).toContain('cellEnded completed -');
    const ours = warnings.filter(({ name }) => name === 'CodecellObserverWarning');
    expect(ours.map(({ message }) => message.split('\n')[0])).toEqual([
      'an observer failed; further failures of it are not reported: Error: first',
    ]);
  });

  test('that is misspelt or no object is refused', () => {
    const service = openService();
    expect(() => service.createSession({ observers: [{ cellEnded: 1 } as never] })).toThrow(
      'observers[0].cellEnded must be a function; got 1',
    );
    expect(() => service.createSession({ observers: [null as never] })).toThrow(
      'observers[0] must be an object',
    );
    expect(() => service.createSession({ observers: {} as never })).toThrow('observers must be an array');
  });
});

describe('runTool', () => {
  test('makes a context active for the tool and what it awaits, the first observer outermost', async () => {
    const store = new AsyncLocalStorage<string>();
    const found: (string | undefined)[] = [];
    const release = gate();
    const tool: ToolDefinition = {
      name: 'look',
      execute: async () => {
        found.push(store.getStore());
        await release.passed;
        found.push(store.getStore());
        return 'done';
      },
    };
    const within = (name: string): SessionObserver => ({
      runTool: (_call, run) => store.run(`${store.getStore() ?? ''}${name}`, run),
    });
    const session = openSession({ tools: [tool], observers: [within('a'), within('b')] });
    const done = session.exec('text(await tools.look())');
    release.open();
    expect(texts(await done)).toEqual(['done']);
    expect(found).toEqual(['ab', 'ab']);
  });

  test('runs the tool once, whether an observer runs it twice, late or not at all', async () => {
    let runs = 0;
    const late: (() => void)[] = [];
    const tool: ToolDefinition = { name: 'count', execute: () => ++runs };
    const observers: SessionObserver[] = [
      {
        runTool: (_call, run) => {
          run();
          run();
        },
      },
      { runTool: (_call, run) => void late.push(run) },
    ];
    const outcome = await openSession({ tools: [tool], observers }).exec('text(await tools.count())');
    for (const run of late) run();
    expect(texts(outcome)).toEqual(['1']);
    expect(runs).toBe(1);
  });
});
