import { BundleBuilder, message } from '../bundle-builder.js';

type Fields = Record<string, unknown>;

/** A small session with a clock of its own: what the pictures of the page are taken of, and what its tests look at. */
export class SessionBuilder extends BundleBuilder {
  #now = 1_795_000_000_000;
  readonly #history: Fields[] = [];
  #inferences = 0;

  constructor() {
    super();
    this.manifest['started_at_unix_ms'] = this.#now;
  }

  override event(type: string, fields: Fields = {}, context: Fields = {}): this {
    super.event(type, fields, context);
    this.events.at(-1)!['wall_time_unix_ms'] = this.#now;
    return this;
  }

  /** Lets time pass. */
  after(milliseconds: number): this {
    this.#now += milliseconds;
    return this;
  }

  say(text: string): this {
    this.#history.push(message(text, 'user', `msg_user_${this.#history.length}`));
    return this.event('history_item_accepted', { item_id: this.#history.at(-1)!['id'] });
  }

  /** One call of the model that takes some time and answers with items. */
  infer(milliseconds: number, items: Fields[], context: Fields = {}): this {
    this.#inferences += 1;
    const id = `inference-${this.#inferences}`;
    const thread = (context['thread_id'] as string | undefined) ?? 'main';
    const turn = (context['codex_turn_id'] as string | undefined) ?? 'turn';
    const input = thread === 'main' ? [...this.#history] : (context['input'] as Fields[]);
    const envelope = { thread_id: thread, codex_turn_id: turn };
    this.event(
      'inference_started',
      {
        inference_call_id: id,
        ...envelope,
        model: 'gpt-5.2-codex',
        provider_name: 'openai',
        request_payload: this.payload('inference_request', { input }),
      },
      envelope,
    ).after(milliseconds);
    if (thread === 'main') this.#history.push(...items);
    const inputTokens = 3200 + 410 * this.#inferences;
    return this.event(
      'inference_completed',
      {
        inference_call_id: id,
        response_id: `resp_${this.#inferences}`,
        response_payload: this.payload('inference_response', {
          output_items: items,
          token_usage: {
            input_tokens: inputTokens,
            cached_input_tokens: inputTokens - 500,
            cache_write_input_tokens: 0,
            output_tokens: 90 + 13 * this.#inferences,
            reasoning_output_tokens: 40,
            total_tokens: inputTokens + 130,
          },
        }),
      },
      envelope,
    );
  }

  /** The model's `exec` call starts its cell. */
  exec(callId: string, cellId: string, source: string): this {
    return this.tool(callId, {
      kind: { type: 'other', name: 'exec' },
      summary: { type: 'generic', label: 'exec', input_preview: source.slice(0, 160) },
      invocation_payload: this.payload('tool_invocation', {
        tool_name: 'exec',
        tool_namespace: null,
        payload: { type: 'custom', input: source },
      }),
    })
      .after(2)
      .event('code_cell_started', {
        runtime_cell_id: cellId,
        model_visible_call_id: callId,
        source_js: source,
      });
  }

  call(id: string, cellId: string, name: string, input: unknown): this {
    return this.tool(id, {
      model_visible_call_id: null,
      code_mode_runtime_tool_id: `tool-${id}`,
      requester: { type: 'code_cell', runtime_cell_id: cellId },
      kind: { type: 'other', name },
      summary: { type: 'generic', label: name, input_preview: JSON.stringify(input).slice(0, 160) },
      invocation_payload: this.payload('tool_invocation', {
        tool_name: name,
        tool_namespace: null,
        payload: { type: 'function', arguments: JSON.stringify(input) },
      }),
    });
  }

  answer(id: string, value: unknown): this {
    return this.event('tool_call_ended', {
      tool_call_id: id,
      status: 'completed',
      result_payload: this.payload('tool_result', { type: 'code_mode_response', value }),
    });
  }

  fail(id: string, error: string): this {
    return this.event('tool_call_ended', {
      tool_call_id: id,
      status: 'failed',
      result_payload: this.payload('tool_result', { type: 'error', error }),
    });
  }

  /** What the cell hands over first: `yielded`, or its end. */
  respond(cellId: string, status: string, texts: string[], error: string | null = null): this {
    const response = this.payload('tool_result', cellResponse(cellId, status, texts, error));
    this.event('code_cell_initial_response', { runtime_cell_id: cellId, status, response_payload: response });
    return status === 'yielded' ? this : this.endCell(cellId, status, texts, error);
  }

  endCell(cellId: string, status: string, texts: string[], error: string | null = null): this {
    const response = this.payload('tool_result', cellResponse(cellId, status, texts, error));
    return this.event('code_cell_ended', { runtime_cell_id: cellId, status, response_payload: response });
  }

  override wait(id: string, commandArguments: string): this {
    super.wait(id, commandArguments);
    const started = this.events.at(-1)!['payload'] as Fields;
    started['summary'] = { type: 'generic', label: 'wait', input_preview: commandArguments };
    return this;
  }

  /** The model gets what a direct call gave. */
  reply(callId: string, type: string, texts: string[], status = 'completed'): this {
    const item = { type, call_id: callId, output: texts.map((text) => ({ type: 'input_text', text })) };
    this.#history.push(item);
    return this.event('tool_call_ended', {
      tool_call_id: callId,
      status,
      result_payload: this.payload('tool_result', { type: 'direct_response', response_item: item }),
    });
  }

  end(status = 'completed'): this {
    return this.event('codex_turn_ended', { codex_turn_id: 'turn', status })
      .event('thread_ended', { thread_id: 'main', status: 'completed' })
      .event('rollout_ended', { status: 'completed' })
      .event('recording_completed');
  }
}

function cellResponse(cellId: string, status: string, texts: string[], error: string | null): Fields {
  const items = texts.map((text) => ({ type: 'input_text', text }));
  const failure = error === null ? [] : [{ type: 'input_text', text: `Script error:\n${error}` }];
  const variant = status === 'yielded' ? 'Yielded' : status === 'terminated' ? 'Terminated' : 'Result';
  return {
    response: {
      [variant]: {
        cell_id: cellId,
        content_items: [...items, ...failure],
        error_text: error,
        code_mode_host_duration: { secs: 0, nanos: 12_500_000 },
      },
    },
  };
}

export function execItem(callId: string, source: string): Fields {
  return { type: 'custom_tool_call', id: `ctc_${callId}`, call_id: callId, name: 'exec', input: source };
}

export function waitItem(callId: string, cellId: string): Fields {
  return {
    type: 'function_call',
    id: `fc_${callId}`,
    call_id: callId,
    name: 'wait',
    arguments: JSON.stringify({ cell_id: cellId, yield_time_ms: 5000 }),
  };
}

export function answerItem(text: string): Fields {
  return {
    type: 'message',
    id: 'msg_answer',
    role: 'assistant',
    content: [{ type: 'output_text', text }],
  };
}

/** What a page must show as text. Each would call `hostile()` if it became part of the page. */
export const hostileTexts = [
  '</script><script>hostile(1)</script>',
  '<img src=x onerror=hostile(2)>',
  '--><svg onload=hostile(3)>',
  '<!--<script>',
  '"><iframe srcdoc="<script>parent.hostile(4)</script>">',
  'javascript:hostile(5)//\'"`',
  ']]><style>*{display:none}</style>',
  '\u2028\u2029\u0000',
];

/** A session whose every text is hostile: names, ids, source, arguments, results, errors, messages. */
export function hostileSession(): SessionBuilder {
  const text = hostileTexts.join(' ');
  const source = `// ${hostileTexts[0]}\ntext(${JSON.stringify(text)});\nawait tools.${'x'}('</script>');`;
  return new SessionBuilder()
    .event('thread_started', { thread_id: 'main', agent_path: `/root/${text}` })
    .event('codex_turn_started', { codex_turn_id: 'turn', thread_id: 'main' })
    .say(text)
    .infer(10, [execItem('call_1', source), answerItem(text)])
    .exec('call_1', `1${text}`, source)
    .call(`nested-${text}`, `1${text}`, text, { path: text, [text]: text })
    .after(5)
    .fail(`nested-${text}`, text)
    .respond(`1${text}`, 'failed', [text, 'data:image/svg+xml,<svg onload=hostile(6)>'], text)
    .reply('call_1', 'custom_tool_call_output', [text], 'failed')
    .infer(10, [answerItem(text)])
    .end();
}

/** One turn with many cells, each with many nested calls, some of which fail. */
export function largeSession(cells: number, callsPerCell: number): SessionBuilder {
  const session = new SessionBuilder().begin().say('Check every package.');
  for (let cell = 1; cell <= cells; cell += 1) {
    const callId = `call_${cell}`;
    const source = `for (const name of batch(${cell})) {\n  text(await tools.check({ name }));\n}`;
    session.infer(120, [execItem(callId, source)]).exec(callId, String(cell), source);
    for (let call = 1; call <= callsPerCell; call += 1) {
      const id = `nested-${cell}-${call}`;
      session.call(id, String(cell), 'check', { name: `package-${cell}-${call}` }).after(3 + (call % 7));
      if (call % 97 === 0) session.fail(id, `package-${cell}-${call} is missing`);
      else session.answer(id, { ok: true, size: cell * call });
    }
    session
      .respond(String(cell), 'completed', [`checked ${callsPerCell} packages`])
      .reply(callId, 'custom_tool_call_output', ['Script completed\n', `checked ${callsPerCell} packages`]);
  }
  return session.infer(200, [answerItem('All packages are checked.')]).end();
}
