/** Statements about observation, notification and stored values that one exec alone cannot show. */
import { afterAll, describe, expect, test } from 'vitest';
import { CodeModeService, type Outcome, type SessionOptions, type ToolDefinition } from '../../lib/index.js';
import { isolation } from '../isolation.js';

const service = new CodeModeService({ isolation });
afterAll(() => service.close());

/** A promise and the function that resolves it. */
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

const itemTexts = ({ contentItems }: Outcome) =>
  contentItems.map((item) => (item.type === 'input_text' ? item.text : item.type));

describe.each(['codex', 'default'] as const)('profile %s', (profile) => {
  const createSession = (options: SessionOptions = {}) => service.createSession({ profile, ...options });

  test('cell ids count from 1 per session, those that do not compile included', async () => {
    const session = createSession();
    const ids = [];
    for (const source of ['text(1)', 'let = 1', 'text(2)']) ids.push((await session.exec(source)).cellId);
    expect(ids).toEqual(['1', '2', '3']);
    expect((await createSession().exec('text(1)')).cellId).toBe('1');
  });

  test('a yield time of 0 returns at once, and the result is kept', async () => {
    const session = createSession();
    expect(await session.exec('text(1)', { yieldTimeMs: 0 })).toMatchObject({
      status: 'yielded',
      contentItems: [],
    });
    expect(await session.wait('1', { yieldTimeMs: 5000 })).toMatchObject({
      status: 'completed',
      contentItems: [{ text: '1' }],
    });
  });

  test('each observation gets the output since the previous one', async () => {
    const gates = [gate(), gate()];
    const next: ToolDefinition = {
      name: 'next',
      execute: (input) => gates[(input as { n: number }).n]!.opened,
    };
    const session = createSession({ tools: [next] });
    const source =
      'for (const n of [0, 1]) { text("before " + n); yield_control(); await tools.next({ n }) } text("end")';
    const outcomes = [await session.exec(source)];
    for (const { open } of gates) {
      open();
      outcomes.push(await session.wait('1'));
    }
    expect(outcomes.map(itemTexts)).toEqual([['before 0'], ['before 1'], ['end']]);
    expect(outcomes.map(({ status }) => status)).toEqual(['yielded', 'yielded', 'completed']);
  });

  test('two yields in one turn end one observation, and the output after them is not lost', async () => {
    const { open, opened } = gate();
    const session = createSession({ tools: [{ name: 'gate', execute: () => opened }] });
    const first = await session.exec(
      'text("a"); yield_control(); yield_control(); text("b"); await tools.gate(); text("c")',
    );
    expect(first).toMatchObject({ status: 'yielded', contentItems: [{ text: 'a' }] });
    open();
    const rest: string[] = [];
    for (let outcome = await session.wait('1'); ; outcome = await session.wait('1')) {
      rest.push(...itemTexts(outcome));
      if (outcome.status !== 'yielded') break;
    }
    expect(rest).toEqual(['b', 'c']);
  });

  test('a result is held back until every notification was answered', async () => {
    const { open, opened } = gate();
    const order: string[] = [];
    const session = createSession({
      onNotify: async ({ text }) => {
        order.push(`notified ${text}`);
        await opened;
        order.push('answered');
      },
    });
    const running = session.exec('notify("n"); text(1)').then((outcome) => {
      order.push(outcome.status);
    });
    setImmediate(open);
    await running;
    expect(order).toEqual(['notified n', 'answered', 'completed']);
  });

  test('a notification carries the call id of its exec', async () => {
    const seen: unknown[] = [];
    const session = createSession({
      onNotify: ({ text, callId, cellId }) => seen.push([text, callId, cellId]),
    });
    await session.exec('notify({ a: 1 })', { callId: 'call-7' });
    expect(seen).toEqual([['{"a":1}', 'call-7', '1']]);
  });

  test('notifications and tool calls arrive in program order', async () => {
    const seen: string[] = [];
    const mark: ToolDefinition = {
      name: 'mark',
      execute: (input) => void seen.push(`tool ${(input as { n: number }).n}`),
    };
    const session = createSession({
      tools: [mark],
      onNotify: ({ text }) => void seen.push(`notify ${text}`),
    });
    await session.exec('for (let n = 0; n < 500; n++) { notify(n); tools.mark({ n }) } text(1)');
    expect(seen).toEqual(Array.from({ length: 500 }, (_, n) => [`notify ${n}`, `tool ${n}`]).flat());
  });

  test('a failing notification handler does not fail the script', async () => {
    const session = createSession({ onNotify: () => Promise.reject(new Error('no')) });
    expect((await session.exec('notify("n"); text(1)')).status).toBe('completed');
  });

  test('terminate cancels notifications that are not answered', async () => {
    const aborted = gate();
    const session = createSession({
      onNotify: ({ signal }) => {
        signal.addEventListener('abort', aborted.open);
        return new Promise(() => {});
      },
    });
    await session.exec('notify("n"); yield_control(); await new Promise((r) => setTimeout(r, 1e9))');
    expect((await session.terminate('1')).status).toBe('terminated');
    await aborted.opened;
  });

  test('a second observer is refused while the first one is served', async () => {
    const { open, opened } = gate();
    const session = createSession({ tools: [{ name: 'gate', execute: () => opened }] });
    const running = session.exec('await tools.gate(); text(1)');
    await expect(session.wait('1')).rejects.toMatchObject({
      code: 'CELL_BUSY',
      message: 'exec cell 1 already has an active observer',
    });
    open();
    expect((await running).status).toBe('completed');
  });

  test('terminating a finished cell gives its result, and its stored values stand', async () => {
    const session = createSession();
    await session.exec('store("k", 1); text("done")', { yieldTimeMs: 0 });
    while (session.cells()[0]?.status !== 'settled') await new Promise((resolve) => setImmediate(resolve));
    expect(await session.terminate('1')).toMatchObject({
      status: 'completed',
      contentItems: [{ text: 'done' }],
    });
    expect(itemTexts(await session.exec('text(load("k"))'))).toEqual(['1']);
  });

  test('an unknown cell is missing, for wait and for terminate', async () => {
    const session = createSession();
    for (const outcome of [await session.wait('7'), await session.terminate('7')]) {
      expect(outcome).toMatchObject({
        status: 'missing',
        cellId: '7',
        error: { text: 'exec cell 7 not found' },
      });
    }
  });

  test('stored values are visible once their cell has ended, however it ended', async () => {
    const session = createSession();
    await session.exec('store("done", 1)');
    await session.exec('store("failed", 1); throw 1');
    await session.exec('store("exited", 1); exit()');
    await session.exec('Promise.resolve().then(() => store("late", 1))');
    await session.exec('setTimeout(() => store("never", 1), 0)');
    expect(session.storedValues()).toEqual({ done: 1, failed: 1, exited: 1, late: 1 });
  });

  test('a call made after the end of the script is delivered and cancelled', async () => {
    const cancelled: unknown[] = [];
    const never: ToolDefinition = {
      name: 'never',
      execute: (input, { signal }) => {
        signal.addEventListener('abort', () => cancelled.push(input));
        return new Promise(() => {});
      },
    };
    const session = createSession({ tools: [never] });
    const outcome = await session.exec(
      'Promise.resolve().then(() => tools.never({ n: 2 })); tools.never({ n: 1 })',
    );
    expect(outcome.status).toBe('completed');
    expect(cancelled).toEqual([{ n: 1 }, { n: 2 }]);
    expect(outcome.toolCalls.map(({ id, status }) => [id, status])).toEqual([
      ['tool-1', 'cancelled'],
      ['tool-2', 'cancelled'],
    ]);
  });

  test('an answer of a tool that comes after the end changes nothing', async () => {
    const { open, opened } = gate();
    const session = createSession({ tools: [{ name: 'late', execute: () => opened }] });
    const outcome = await session.exec('tools.late({}).then(() => text("no")); text("end")');
    open();
    expect(itemTexts(outcome)).toEqual(['end']);
    expect(itemTexts(await session.exec('text("next")'))).toEqual(['next']);
  });
});
