import { describe, expect, test } from 'vitest';
import type { ModelCallResult } from '../../lib/index.js';
import { blockingTool, echo, openSession } from './support.js';

/** The texts sent back, with the wall time made constant. */
function sent({ contentItems }: ModelCallResult): string[] {
  return contentItems.map((item) =>
    item.type === 'input_text'
      ? item.text.replace(/Wall time [\d.]+ seconds/, 'Wall time N seconds')
      : `<${item.type}>`,
  );
}

const header = (status: string) => `${status}\nWall time N seconds\nOutput:\n`;

describe("a model's exec call", () => {
  test('as source text gives header and output', async () => {
    const session = openSession({ tools: [echo] });
    const result = await session.handleToolCall({
      name: 'exec',
      callId: 'call-1',
      input: 'text("a"); text(await tools.echo({}))',
    });
    expect(sent(result)).toEqual([header('Script completed'), 'a', '{}']);
    expect(result.success).toBe(true);
    expect(result.outcome).toMatchObject({ status: 'completed', cellId: '1' });
  });

  test.each([
    ['an object', { code: 'text("a")' }],
    ['an object with every field', { code: 'text("a")', yield_time_ms: 5000, max_output_tokens: 100 }],
    ['an object with nulls', { code: 'text("a")', yield_time_ms: null, max_output_tokens: null }],
    ['JSON text', '{"code": "text(\\"a\\")", "yield_time_ms": 5000}'],
    ['source with a pragma', '// @exec: {"yield_time_ms": 5000}\ntext("a")'],
  ])('may come as %s', async (_what, input) => {
    const result = await openSession().handleToolCall({ name: 'exec', input });
    expect(sent(result)).toEqual([header('Script completed'), 'a']);
  });

  test('that begins with a block is source, not arguments', async () => {
    const session = openSession();
    expect(sent(await session.handleToolCall({ name: 'exec', input: '{ text("a") }' }))).toEqual([
      header('Script completed'),
      'a',
    ]);
    expect(sent(await session.handleToolCall({ name: 'exec', input: '{}' }))).toEqual([
      header('Script completed'),
    ]);
    expect(sent(await session.handleToolCall({ name: 'exec', input: '{"a"; text("b")}' }))).toEqual([
      header('Script completed'),
      'b',
    ]);
  });

  test('obeys its pragma, and its own fields before the pragma', async () => {
    const { tool } = blockingTool();
    const session = openSession({ tools: [tool] });
    const atOnce = '// @exec: {"yield_time_ms": 0}\nawait tools.block()';
    const yielded = await session.handleToolCall({ name: 'exec', input: atOnce });
    expect(sent(yielded)).toEqual([header('Script running with cell ID 1')]);
    const source = '// @exec: {"max_output_tokens": 4}\ntext("x".repeat(1000))';
    const short = await session.handleToolCall({ name: 'exec', input: source });
    expect(sent(short)[1]).toContain('truncated');
    expect(short.outcome!.contentItems).toMatchObject([{ text: 'x'.repeat(1000) }]);
    const long = await session.handleToolCall({
      name: 'exec',
      input: { code: source, max_output_tokens: 1000 },
    });
    expect(sent(long)[1]).toBe('x'.repeat(1000));
  });

  test('keeps positions right under a pragma, except with profile codex', async () => {
    const input = '// @exec: {}\nthrow new Error("no")';
    const kind = await openSession().handleToolCall({ name: 'exec', input });
    expect(kind.success).toBe(false);
    expect(sent(kind)[0]).toBe(header('Script failed'));
    expect(sent(kind)[1]).toContain('Script error:\nError: no\n    at exec_main.mjs:2:7');
    const codex = await openSession({ profile: 'codex' }).handleToolCall({ name: 'exec', input });
    expect(sent(codex)[1]).toContain('Script error:\nError: no\n    at exec_main.mjs:1:7');
  });

  test.each([
    ['an empty source', '', 'exec expects raw JavaScript source text (non-empty)'],
    ['a blank source', ' \n ', 'exec expects raw JavaScript source text (non-empty)'],
    ['a pragma alone', '// @exec: {}', 'exec pragma must be followed by JavaScript source'],
    ['a pragma that is not JSON', '// @exec: {yield: 1}\ntext(1)', 'exec pragma must be valid JSON'],
    ['a pragma with an unknown field', '// @exec: {"foo": 1}\ntext(1)', 'got `foo`'],
    [
      'a pragma with a wrong value',
      '// @exec: {"yield_time_ms": -1}\ntext(1)',
      'must be non-negative safe integers',
    ],
    ['a number', 5, 'exec expects JavaScript source text, or an object with the source as `code`; got 5'],
    ['nothing', undefined, 'got nothing'],
    ['an array', ['text(1)'], 'got an array'],
    ['an object without code', { source: 'text(1)' }, 'with the source as `code`'],
    [
      'an unknown field',
      { code: 'text(1)', yieldtime_ms: 5 },
      'exec has no field `yieldtime_ms`; did you mean `yield_time_ms`?',
    ],
    [
      'a wrong yield time',
      { code: 'text(1)', yield_time_ms: '5' },
      'exec field `yield_time_ms` must be a non-negative safe integer; got "5"',
    ],
  ])('with %s is refused in words, without a cell', async (_what, input, message) => {
    const session = openSession();
    const result = await session.handleToolCall({ name: 'exec', input });
    expect(result).toMatchObject({ outcome: null, success: false });
    expect(sent(result).join('\n')).toContain(message);
    expect((await session.exec('')).cellId).toBe('1');
  });
});

describe("a model's wait call", () => {
  test('observes a cell that yielded, and then terminates it', async () => {
    const block = blockingTool();
    const second = blockingTool('second');
    const session = openSession({ tools: [block.tool, second.tool] });
    const source =
      'text("a"); yield_control(); await tools.block(); text("b"); yield_control(); text("c"); await tools.second()';
    expect(sent(await session.handleToolCall({ name: 'exec', input: source }))).toEqual([
      header('Script running with cell ID 1'),
      'a',
    ]);
    block.release();
    const waited = await session.handleToolCall({ name: 'wait', input: { cell_id: '1' } });
    expect(sent(waited)).toEqual([header('Script running with cell ID 1'), 'b']);
    await second.reached;
    const terminated = await session.handleToolCall({
      name: 'wait',
      input: '{"cell_id": "1", "terminate": true}',
    });
    expect(sent(terminated)).toEqual([header('Script terminated'), 'c']);
    expect(terminated.success).toBe(true);
  });

  test('for an unknown cell fails in words', async () => {
    const result = await openSession().handleToolCall({ name: 'wait', input: { cell_id: '7' } });
    expect(result).toMatchObject({ success: false, outcome: { status: 'missing' } });
    expect(sent(result)).toEqual([header('Script failed'), 'Script error:\nexec cell 7 not found']);
  });

  test('takes a cell id that is a number', async () => {
    const session = openSession();
    await session.handleToolCall({ name: 'exec', input: 'yield_control(); text("on"); await 0' });
    const result = await session.handleToolCall({
      name: 'wait',
      input: { cell_id: 1, yield_time_ms: 1000, max_tokens: 10 },
    });
    expect(sent(result)).toEqual([header('Script completed'), 'on']);
  });

  test('at the same time as another for the same cell is refused in words', async () => {
    const { tool, release } = blockingTool();
    const session = openSession({ tools: [tool] });
    await session.handleToolCall({ name: 'exec', input: 'yield_control(); await tools.block()' });
    const first = session.handleToolCall({ name: 'wait', input: { cell_id: '1' } });
    const second = await session.handleToolCall({ name: 'wait', input: { cell_id: '1' } });
    expect(second).toMatchObject({ success: false, outcome: null });
    expect(sent(second).join()).toContain('exec cell 1 already has an active observer');
    release();
    expect((await first).success).toBe(true);
  });

  test.each([
    ['nothing', undefined, 'wait expects a JSON object with `cell_id`'],
    ['text that is not JSON', 'cell 1', 'wait expects a JSON object with `cell_id`'],
    ['no cell id', {}, 'wait field `cell_id` must be the id of a running cell'],
    ['a wrong cell id', { cell_id: true }, 'got true'],
    [
      'an unknown field',
      { cell_id: '1', cellid: '1' },
      'wait has no field `cellid`; did you mean `cell_id`?',
    ],
    [
      'a wrong flag',
      { cell_id: '1', terminate: 'yes' },
      'wait field `terminate` must be true or false; got "yes"',
    ],
    [
      'a wrong budget',
      { cell_id: '1', max_tokens: 1.5 },
      'wait field `max_tokens` must be a non-negative safe integer',
    ],
  ])('with %s is refused in words', async (_what, input, message) => {
    const result = await openSession().handleToolCall({ name: 'wait', input });
    expect(result).toMatchObject({ outcome: null, success: false });
    expect(sent(result).join('\n')).toContain(message);
  });
});

describe("a host's handling of tool calls", () => {
  test.each([
    [{ name: 'shell', input: '' }],
    [{ input: 'text(1)' }],
    [{ name: 'exec', callId: 5, input: 'text(1)' }],
    [null],
    ['exec'],
  ])('that is no exec or wait call rejects with INVALID_TOOL_CALL: %j', async (call) => {
    await expect(openSession().handleToolCall(call as never)).rejects.toMatchObject({
      code: 'INVALID_TOOL_CALL',
    });
  });

  test('hands the call id to tools and the signal to the cell', async () => {
    const { tool, reached } = blockingTool();
    const session = openSession({ tools: [tool] });
    const controller = new AbortController();
    const running = session.handleToolCall(
      { name: 'exec', callId: 'call-5', input: 'text("a"); await tools.block()' },
      { signal: controller.signal },
    );
    expect((await reached).execCallId).toBe('call-5');
    controller.abort();
    const result = await running;
    expect(result).toMatchObject({
      success: false,
      outcome: { status: 'terminated', error: { code: 'ABORTED' } },
    });
  });

  test('offers exec and wait to the model', () => {
    const [exec, wait] = openSession({
      tools: [{ name: 'read_file', description: 'Reads a file.', execute: () => '' }],
    }).toolSpecs();
    expect(exec).toMatchObject({
      type: 'custom',
      name: 'exec',
      description: expect.stringContaining('read_file'),
    });
    expect(wait).toMatchObject({ type: 'function', name: 'wait', parameters: { required: ['cell_id'] } });
  });
});
