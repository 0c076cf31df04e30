/**
 * What the recorder is tried with: each scenario runs real sessions into a bundle. All of them must reduce strictly,
 * here and in Codex (npm run test:interop).
 */
import type { CodeModeService, CodeModeSession, ModelCall, ToolDefinition } from '../../lib/index.js';
import type { TraceRecorder, TraceThread, TraceTurn } from '../../lib/trace/index.js';

export interface Scenario {
  name: string;
  /** How much the recorder has to leave out. Default 0. */
  dropped?: number;
  /** Options of the recorder, beside its directory. */
  options?: Record<string, unknown>;
  run: (recorder: TraceRecorder, service: CodeModeService) => Promise<void> | void;
}

type Item = Record<string, unknown>;

export function user(text: string): Item {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
}

export function assistant(text: string, id?: string): Item {
  return {
    type: 'message',
    ...(id === undefined ? {} : { id }),
    role: 'assistant',
    content: [{ type: 'output_text', text }],
  };
}

export function execCall(callId: string, input: string): Item {
  return { type: 'custom_tool_call', id: `ctc_${callId}`, call_id: callId, name: 'exec', input };
}

export function waitCall(callId: string, input: Item | string): Item {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return { type: 'function_call', id: `fc_${callId}`, call_id: callId, name: 'wait', arguments: text };
}

const model = { model: 'model-1', providerName: 'provider' };

/** A host's loop around one model: what a program that uses the recorder would do. */
export class Conversation {
  readonly thread: TraceThread;
  readonly session: CodeModeSession | null;
  turn: TraceTurn;
  history: Item[] = [];
  /** Sends only what is new, and the id of the last response. */
  incremental = false;
  #sent = 0;
  #responses = 0;

  constructor(thread: TraceThread, session: CodeModeSession | null) {
    this.thread = thread;
    this.session = session;
    this.turn = thread.startTurn();
  }

  say(...items: Item[]): this {
    this.history.push(...items);
    return this;
  }

  /** One request, answered with these items; accepts them into the history. */
  answer(...output: Item[]): void {
    const previous = `${this.thread.threadId}-${this.#responses}`;
    const continues = this.incremental && this.#responses > 0;
    const request = continues
      ? { model: 'model-1', previous_response_id: previous, input: this.history.slice(this.#sent) }
      : { model: 'model-1', input: [...this.history] };
    const call = this.turn.startInference({ ...model, request });
    this.#responses += 1;
    call.completed({
      responseId: `${this.thread.threadId}-${this.#responses}`,
      outputItems: output,
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    });
    for (const { id } of output) if (typeof id === 'string') this.turn.acceptItem(id);
    this.history.push(...output);
    this.#sent = this.history.length;
  }

  /** Serves a call of the session and puts its output into the history. */
  async serve(call: Item, options: { signal?: AbortSignal } = {}): Promise<string> {
    const name = call['name'] as ModelCall['name'];
    const callId = call['call_id'] as string;
    const isFreeform = call['type'] === 'custom_tool_call';
    const input = isFreeform ? call['input'] : call['arguments'];
    const result = await this.session!.handleToolCall({ name, callId, input }, options);
    const type = isFreeform ? 'custom_tool_call_output' : 'function_call_output';
    this.say({ type, call_id: callId, output: result.contentItems });
    return result.outcome?.status ?? 'refused';
  }

  /** The model calls, the session answers. */
  async call(...calls: Item[]): Promise<string[]> {
    this.answer(...calls);
    return Promise.all(calls.map((call) => this.serve(call)));
  }

  end(): void {
    this.answer(assistant('done'));
    this.turn.end();
  }
}

const echo: ToolDefinition = { name: 'echo', execute: (input) => input };
const fail: ToolDefinition = {
  name: 'fail',
  execute: () => {
    throw Object.assign(new RangeError('out of range'), { code: 'E_RANGE', data: { at: 3 } });
  },
};

/** A tool that never answers, and says when it was called. */
function hanging(): { tool: ToolDefinition; called: Promise<void> } {
  let reached!: () => void;
  const called = new Promise<void>((resolve) => (reached = resolve));
  const tool: ToolDefinition = {
    name: 'hang',
    execute: () => {
      reached();
      return new Promise(() => {});
    },
  };
  return { tool, called };
}

const FOREVER = 'await new Promise(() => setTimeout(() => {}, 1e9))';

/** A scenario of one conversation with a session of these tools. */
function talk(
  name: string,
  tools: ToolDefinition[],
  run: (conversation: Conversation, service: CodeModeService) => Promise<unknown>,
): Scenario {
  return {
    name,
    run: async (recorder, service) => {
      const session = service.createSession({ tools, trace: recorder.root });
      const conversation = new Conversation(recorder.root, session);
      conversation.say(user('go'));
      await run(conversation, service);
      conversation.end();
      await session.close();
    },
  };
}

export const scenarios: Scenario[] = [
  { name: 'nothing', run: () => {} },
  talk('plain-exec', [], (each) => each.call(execCall('call_1', 'text("hi"); text({ a: [1] })'))),
  talk('nested-calls', [echo, fail], (each) =>
    each.call(
      execCall(
        'call_1',
        `const all = await Promise.allSettled([tools.echo({ a: 1 }), tools.fail(), tools.echo({ b: 2 })]);
        text(all.map(({ status }) => status));`,
      ),
    ),
  ),
  talk('freeform-and-namespaced-tools', [], async ({ thread, turn }, service) => {
    const tools: ToolDefinition[] = [
      { name: 'patch', toolName: 'apply_patch', kind: 'freeform', execute: (input) => input },
      { name: 'mcp__files__read', namespace: 'mcp__files', toolName: 'read', execute: () => 'text' },
      { name: 'wait', execute: () => 1 },
    ];
    const session = service.createSession({ tools, trace: thread });
    const call = turn.startInference({ ...model, request: { input: [] } });
    const source =
      'await tools.patch("*** Begin"); await tools.mcp__files__read({ path: "a" }); await tools.wait({})';
    call.completed({ outputItems: [execCall('call_f', source)] });
    await session.exec(source, { callId: 'call_f' });
    await session.close();
  }),
  talk('yields-and-waits', [echo], async (each) => {
    await each.call(
      execCall('call_1', 'text(1); yield_control(); text(2); yield_control(); text(await tools.echo(3))'),
    );
    await each.call(waitCall('call_2', { cell_id: '1', yield_time_ms: 10_000 }));
    await each.call(waitCall('call_3', { cell_id: '1' }));
    await each.call(waitCall('call_4', { cell_id: 1 }));
  }),
  talk('terminated-by-wait', [], async (each) => {
    await each.call(execCall('call_1', `text("alive"); yield_control(); ${FOREVER}`));
    await each.call(waitCall('call_2', { cell_id: '1', yield_time_ms: 0 }));
    await each.call(waitCall('call_3', { cell_id: '1', terminate: true }));
  }),
  talk('terminated-with-pending-calls', [echo], async (each, service) => {
    const { tool, called } = hanging();
    const session = service.createSession({ tools: [tool], trace: each.thread });
    each.answer(execCall('call_1', 'yield_control(); await Promise.all([tools.hang(), tools.hang()])'));
    await session.exec('yield_control(); await Promise.all([tools.hang(), tools.hang()])', {
      callId: 'call_1',
    });
    await called;
    await session.terminate('1', { callId: 'call_2' });
    await session.close();
  }),
  talk('script-errors', [], async (each) => {
    await each.call(execCall('call_1', 'text("before"); null.x'), execCall('call_2', 'text(1'));
    await each.call(execCall('call_3', 'import "fs"'), execCall('call_4', 'throw "text"'));
  }),
  talk('stalled', [], (each) => each.call(execCall('call_1', 'await new Promise(() => {})'))),
  talk('limits', [echo], async ({ thread, turn }, service) => {
    const session = service.createSession({
      tools: [echo],
      trace: thread,
      limits: {
        outputBytes: 100,
        toolCalls: 2,
        heapMb: 16,
        wallMs: 300,
        toolResultBytes: 100,
        sourceBytes: 200,
      },
    });
    const sources = [
      'for (;;) text("xxxxxxxxxx")',
      'for (let i = 0; i < 5; i++) await tools.echo({ i })',
      'const all = []; for (;;) all.push(new Array(1e5).fill({}))',
      FOREVER,
      'await tools.echo({ long: "x".repeat(200) })',
      `// ${'x'.repeat(300)}`,
    ];
    const call = turn.startInference({ ...model, request: { input: [] } });
    call.completed({ outputItems: sources.map((source, index) => execCall(`call_l${index}`, source)) });
    for (const [index, source] of sources.entries()) {
      await session.exec(source, { callId: `call_l${index}` });
    }
    await session.close();
  }),
  talk('refused-before-a-cell', [], async (each) => {
    await each.call(execCall('call_1', '// @exec: {"nonsense": 1}\ntext(1)'));
    await each.call({ type: 'function_call', call_id: 'call_2', name: 'exec', arguments: '{"cod":"1"}' });
    await each.session!.exec(7 as never, { callId: 'call_3' }).catch(() => {});
    await each.session!.exec('1', { callId: 'call_4', signal: AbortSignal.abort() }).catch(() => {});
  }),
  talk('refused-waits', [], async (each) => {
    await each.call(waitCall('call_1', { cell_id: '7' }), waitCall('call_2', '{"cell": 1}'));
    await each.call(waitCall('call_3', 'not JSON'), waitCall('call_4', { cell_id: '7', nonsense: 1 }));
  }),
  talk('notifications', [], (each) =>
    each.call(execCall('call_1', 'notify("one"); notify({ two: 2 }); text(3)')),
  ),
  talk('aborted-exec', [], async (each) => {
    const { tool, called } = hanging();
    void tool;
    void called;
    const controller = new AbortController();
    const call = execCall('call_1', FOREVER);
    each.answer(call);
    const done = each.serve(call, { signal: controller.signal });
    controller.abort();
    await done;
  }),
  talk('waits-by-the-host', [], async (each) => {
    const session = each.session!;
    each.answer(execCall('call_1', `yield_control(); ${FOREVER}`));
    await session.exec(`yield_control(); ${FOREVER}`, { callId: 'call_1' });
    await session.wait('1', { yieldTimeMs: 1 });
    await session.wait('1', { yieldTimeMs: 1, callId: 'host-call' });
    const pending = session.wait('1', { signal: AbortSignal.timeout(1) }).catch(() => {});
    await session.wait('1').catch(() => {});
    await pending;
    await session.wait('9');
    await session.terminate('1');
  }),
  talk('started-without-observation', [echo], async (each) => {
    const session = each.session!;
    each.answer(execCall('call_1', 'await tools.echo(1)'), execCall('call_2', ''));
    const first = session.start('await tools.echo(1)', { callId: 'call_1' });
    for await (const event of first) if (event.type === 'settled') break;
    await session.wait(first.cellId);
    const second = session.start('', { callId: 'call_2' });
    for await (const event of second) if (event.type === 'settled') break;
    await second.outcome();
  }),
  talk('session-closed-while-running', [], async ({ thread, turn }, service) => {
    const { tool, called } = hanging();
    const session = service.createSession({ tools: [tool], trace: thread });
    const call = turn.startInference({ ...model, request: { input: [] } });
    call.completed({ outputItems: [execCall('call_c', 'await tools.hang()')] });
    const done = session.exec('await tools.hang()', { callId: 'call_c' });
    await called;
    await session.close();
    await done;
  }),
  {
    name: 'recorder-closed-while-running',
    // What the session does after that.
    dropped: 4,
    run: async (recorder, service) => {
      const { tool, called } = hanging();
      const session = service.createSession({ tools: [tool], trace: recorder });
      void session.exec('yield_control(); await tools.hang()', { callId: 'call_1' });
      await called;
      void session.wait('1').catch(() => {});
      await recorder.close({ status: 'aborted' });
    },
  },
  talk('turn-cancelled', [], async (each, service) => {
    const { tool, called } = hanging();
    const session = service.createSession({ tools: [tool], trace: each.thread });
    each.answer(execCall('call_1', 'await tools.hang()'));
    const done = session.exec('await tools.hang()', { callId: 'call_1' });
    await called;
    each.turn.startInference({ ...model, request: { input: [...each.history] } });
    each.turn.end('cancelled');
    await session.close();
    await done;
    each.turn = each.thread.startTurn();
  }),
  talk('two-sessions-in-a-thread', [echo], async (each, service) => {
    await each.call(execCall('call_1', `yield_control(); ${FOREVER}`));
    const session = service.createSession({ tools: [echo], trace: each.thread });
    const again = new Conversation(each.thread, session);
    again.history = each.history;
    await again.call(execCall('call_2', `yield_control(); text(await tools.echo(1)); ${FOREVER}`));
    await again.call(waitCall('call_3', { cell_id: '1', terminate: true }));
    await each.call(waitCall('call_4', { cell_id: '1', terminate: true }));
    again.turn.end();
    await session.close();
  }),
  talk('call-ids-used-twice', [echo], async (each) => {
    await each.call(execCall('call_1', 'text(1)'));
    await each.call({ ...execCall('call_1', 'text(2)'), id: 'ctc_again' });
    await each.call(waitCall('call_1', { cell_id: '1' }));
  }),
  talk('exec-as-a-function', [echo], async (each) => {
    const call = (id: string, code: string) => ({
      type: 'function_call',
      call_id: id,
      name: 'exec',
      arguments: JSON.stringify({ code, yield_time_ms: 10_000 }),
    });
    await each.call(call('call_1', 'text(await tools.echo({ a: 1 })); yield_control(); text(2)'));
    await each.call(waitCall('call_2', { cell_id: '1' }));
  }),
  {
    name: 'without-a-conversation',
    run: async (recorder, service) => {
      const session = service.createSession({ tools: [echo, fail], trace: recorder });
      await session.exec('text(await tools.echo({ a: 1 }))', { callId: 'mine' });
      await session.exec('text(2)', { callId: 'mine' });
      await session.exec('yield_control(); await tools.fail()');
      await session.wait('3', { callId: 'wait-1' });
      await session.handleToolCall({ name: 'exec', input: 'text(3); yield_control(); text(4)' });
      await session.handleToolCall({ name: 'wait', input: { cell_id: '4' } });
      await session.close();
    },
  },
  talk('awkward-values', [echo], async (each) => {
    const source = `let deep = 1; for (let i = 0; i < 500; i++) deep = i % 2 ? [deep] : { deep };
      await tools.echo({ deep }); text('half \\ud800 pair'); await tools.echo({ '\\udc00': '\\ud83d', n: -0, big: 1e300 });
      text('\\u2028"\\\\ \\u0000 ✓'.repeat(50)); await tools.echo({ __proto__x: 1, "": null });`;
    await each.call(execCall('call_1', source));
    await each.call(execCall('call_2', 'text("\ud800 half in the source")'));
  }),
  {
    ...talk('cut-and-redacted', [echo], (each) =>
      each.call(
        execCall(
          'call_1',
          'text(await tools.echo({ key: "sk-secret123", long: "x".repeat(5000) })); // sk-secret456',
        ),
        execCall('call_2', 'await tools.echo(Array.from({ length: 20000 }, (_, i) => i))'),
      ),
    ),
    options: {
      redact: (text: string) => text.replace(/sk-\w+/g, '[secret]'),
      maxTextLength: 1000,
      maxPayloadLength: 20_000,
    },
  },
  talk('incremental-requests', [echo], async (each) => {
    each.incremental = true;
    await each.call(execCall('call_1', 'text(await tools.echo({ a: 1 }))'));
    await each.call(execCall('call_2', 'text(2)'), waitCall('call_3', { cell_id: '2' }));
    each.say(user('more'));
    each.answer(assistant('ok', 'msg_1'));
  }),
  talk('requests-that-continue-nothing', [], ({ turn, thread }) => {
    const ask = (request: object, responseId: string | null, output: Item[] = []) =>
      turn.startInference({ ...model, request }).completed({ responseId, outputItems: output });
    ask({ previous_response_id: 'unknown', input: [user('a')] }, 'r1', [assistant('1', 'm1')]);
    ask({ previous_response_id: 'r1', input: [user('b')] }, 'r2', [assistant('2', 'm2')]);
    // A branch from an older response.
    ask({ previous_response_id: 'r1', input: [user('c')] }, 'r3', [assistant('3', 'm3')]);
    // A retry after a failure.
    const request = { previous_response_id: 'r3', input: [user('d')] };
    turn.startInference({ ...model, request }).failed(new Error('429'));
    ask(request, 'r4');
    ask({ input: 'as a text' }, null);
    ask({}, null);
    void thread;
    return Promise.resolve();
  }),
  talk('inference-that-ends-otherwise', [], ({ turn }) => {
    const start = () => turn.startInference({ ...model, request: { input: [user('x')] } });
    start().failed(new Error('overloaded'), { upstreamRequestId: 'up-1' });
    start().cancelled('interrupted', { partial: { outputItems: [assistant('par')] } });
    const twice = start();
    twice.completed({ outputItems: [] });
    twice.failed('late');
    start();
    return Promise.resolve();
  }),
  talk('unusual-items', [], ({ turn }) => {
    const input = [
      { role: 'user', content: 'short form' },
      { role: 'assistant', content: [{ type: 'output_text', text: 'x' }] },
      { role: 'critic', content: 'no such role' },
      { type: 'item_reference', id: 'ref_1' },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'reasoning', id: 'rs_2', summary: [{ type: 'summary_text', text: 'thought' }], content: null },
      { type: 'computer_call', call_id: 'cc', action: { type: 'click' } },
      {
        type: 'message',
        role: 'user',
        content: [{ type: 'input_image', image_url: 'data:image/png;base64,AA==' }],
      },
      { type: 'function_call', call_id: 'same', name: 'f', arguments: '{"a":1}' },
      { type: 'function_call', call_id: 'same', name: 'f', arguments: '{"a":2}' },
      { type: 'agent_message', author: 'x' },
      { type: 'compaction' },
      { type: 'text', text: 'a part where an item should be' },
      null,
      'text',
      7,
    ];
    turn.startInference({ ...model, request: { input } }).completed({ outputItems: input });
    turn
      .startInference({ ...model, request: { input: [...input, user('again')] } })
      .completed({ outputItems: [] });
    return Promise.resolve();
  }),
  talk('compaction', [], (each) => {
    each.answer(assistant('first', 'm1'));
    const compaction = each.turn.startCompaction({ ...model, request: { input: each.history } });
    const summary = { type: 'compaction', id: 'cmp_1', encrypted_content: 'SUMMARY' };
    compaction.completed({ outputItems: [summary] });
    const replacement = [user('go'), summary];
    compaction.installed({ input: each.history, replacement });
    each.history = [...replacement, user('and now')];
    each.answer(assistant('second', 'm2'));
    const failing = each.turn.startCompaction({ ...model, request: { input: each.history } });
    failing.failed(new Error('no room'));
    return Promise.resolve();
  }),
  talk('direct-tool-calls', [], ({ turn }) => {
    const call = turn.startToolCall({
      name: 'read',
      namespace: 'mcp__fs',
      callId: 'call_m',
      arguments: { path: 'a' },
      kind: { type: 'mcp', server: 'fs', tool: 'read' },
    });
    call.assignMcpCallId('mcp-1');
    call.runtimeStarted({ server: 'fs' });
    call.runtimeEnded('completed', { ok: true });
    call.ended({ status: 'completed', result: [{ type: 'input_text', text: 'contents' }] });
    turn
      .startToolCall({ name: 'shell', kind: { type: 'exec_command' }, arguments: '{}' })
      .ended({ status: 'failed', error: 'denied' });
    turn.startToolCall({ name: 'wait', callId: 'call_w' }).ended({ status: 'aborted', error: 'interrupted' });
    turn
      .startToolCall({ name: 'apply_patch', input: '*** Begin Patch', kind: { type: 'apply_patch' } })
      .ended({ status: 'completed', result: 'ok' });
    turn.startToolCall({ name: 'web_search', kind: { type: 'web' } });
    return Promise.resolve();
  }),
  talk('agents', [], async (each, service) => {
    const { turn, thread } = each;
    const args = { task_name: 'Look Around!', message: 'find it' };
    each.answer({
      type: 'function_call',
      call_id: 'call_s',
      name: 'spawn_agent',
      arguments: JSON.stringify(args),
    });
    const spawn = turn.startToolCall({
      name: 'spawn_agent',
      callId: 'call_s',
      arguments: args,
      kind: { type: 'spawn_agent' },
    });
    const child = thread.startChild({
      taskName: 'Look Around!',
      nickname: 'Ada',
      role: 'scout',
      model: 'small',
      toolCall: spawn,
    });
    spawn.ended({ status: 'completed', result: JSON.stringify({ task_name: child.agentPath }) });
    const session = service.createSession({ tools: [echo], trace: child });
    const inner = new Conversation(child, session);
    inner.say(inner.turn.receiveMessage({ from: thread, message: 'find it' }));
    await inner.call(execCall('call_1', 'text(await tools.echo({ found: true }))'));
    inner.answer(assistant('found', 'm_child'));
    const message = { message: 'and now?' };
    const send = turn.startToolCall({
      name: 'send_message',
      callId: 'call_n',
      arguments: message,
      kind: { type: 'send_message' },
    });
    send.sentTo(child);
    send.ended({ status: 'completed', result: 'sent' });
    inner.say(inner.turn.receiveMessage({ from: thread, message: 'and now?' }));
    inner.answer(assistant('that is all', 'm_child_2'));
    inner.turn.reportResult({ to: thread, message: 'that is all' });
    inner.turn.end();
    each.say(turn.receiveMessage({ from: child, message: 'that is all' }));
    each.answer(assistant('thanks', 'm_root'));
    const close = turn.startToolCall({
      name: 'close_agent',
      callId: 'call_x',
      arguments: {},
      kind: { type: 'close_agent' },
    });
    close.closed(child);
    close.ended({ status: 'completed', result: 'closed' });
    await session.close();
    child.end();
    thread.startChild({ taskName: 'root' });
    thread.startChild({ taskName: 'root' });
  }),
  {
    name: 'agents-from-a-cell',
    // The second call has no message, so it cannot be recorded as one to an agent.
    dropped: 1,
    options: {
      toolKind: ({ toolName }: { toolName: string }) =>
        toolName === 'spawn_agent' ? { type: 'spawn_agent' } : undefined,
    },
    run: async (recorder, service) => {
      const { root } = recorder;
      const spawn: ToolDefinition = {
        name: 'spawn_agent',
        execute: (input, context) => {
          const { task } = input as { task: string };
          const child = root.startChild({ taskName: task, toolCall: root.nestedCall(context) });
          child.startTurn().end();
          child.end();
          return child.agentPath;
        },
      };
      const session = service.createSession({ tools: [spawn], trace: root });
      const conversation = new Conversation(root, session);
      await conversation.call(
        execCall(
          'call_1',
          'text(await tools.spawn_agent({ task: "a", message: "hello" })); await tools.spawn_agent({ task: "b" })',
        ),
      );
      conversation.end();
      await session.close();
    },
  },
  {
    name: 'protocol-events',
    run: (recorder) => {
      const { root } = recorder;
      root.protocolEvent('session_configured', { model: 'm', circular: undefined });
      root.protocolEvent('warning', undefined);
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      root.protocolEvent('error', circular);
      root.startTurn({ turnId: 'same' }).end('failed');
      root.startTurn({ turnId: 'same' });
      root.startTurn();
      root.end('failed');
    },
  },
];
