import type { BundleBuilder } from './bundle-builder.js';
import { message } from './bundle-builder.js';

const source =
  "const found = await tools.look_up({ fruit: 'plum' })\ntext(found)\nthrow new Error('no price')";
const errorText = 'Error: no price\n    at exec_main.mjs:3:7';

/** A cell that calls a tool which fails, yields, and fails itself when the model waits on it. */
export function failedSession(builder: BundleBuilder): BundleBuilder {
  builder.begin();
  builder.request('ask', [message('How much is a plum?')]);
  const exec = { type: 'custom_tool_call', call_id: 'call_exec', name: 'exec', input: source };
  builder.response('ask', [exec]);
  builder.tool('call_exec', {
    kind: { type: 'other', name: 'exec' },
    summary: { type: 'generic', label: 'exec', input_preview: source },
    invocation_payload: builder.payload('tool_invocation', {
      tool_name: 'exec',
      payload: { type: 'custom', input: source },
    }),
  });
  builder.event('code_cell_started', {
    runtime_cell_id: '1',
    model_visible_call_id: 'call_exec',
    source_js: source,
  });
  builder.tool('nested-1', {
    model_visible_call_id: null,
    code_mode_runtime_tool_id: 'tool-1',
    requester: { type: 'code_cell', runtime_cell_id: '1' },
    kind: { type: 'other', name: 'look_up' },
    summary: { type: 'generic', label: 'shop.look_up', input_preview: '{"fruit":"plum"}' },
  });
  builder.event('code_cell_initial_response', {
    runtime_cell_id: '1',
    status: 'yielded',
    response_payload: cellResponse(builder, 'Yielded', 'looking'),
  });
  builder.endTool('call_exec');
  const answer = 'Script running with cell ID 1\nWall time 0.0 seconds\nOutput:\nlooking';
  builder.request('ask-again', [
    message('How much is a plum?'),
    exec,
    { type: 'custom_tool_call_output', call_id: 'call_exec', output: answer },
  ]);
  const waitArguments = '{"cell_id":"1"}';
  const wait = { type: 'function_call', call_id: 'call_wait', name: 'wait', arguments: waitArguments };
  builder.response('ask-again', [wait]);
  builder.tool('call_wait', {
    kind: { type: 'other', name: 'wait' },
    summary: { type: 'generic', label: 'wait', input_preview: waitArguments },
    invocation_payload: builder.payload('tool_invocation', {
      tool_name: 'wait',
      payload: { type: 'function', arguments: waitArguments },
    }),
  });
  builder.event('tool_call_ended', {
    tool_call_id: 'nested-1',
    status: 'failed',
    result_payload: builder.payload('tool_result', { type: 'error', error: 'no such fruit' }),
  });
  builder.event('code_cell_ended', {
    runtime_cell_id: '1',
    status: 'failed',
    response_payload: cellResponse(builder, 'Result', `Script error:\n${errorText}`, errorText),
  });
  builder.endTool('call_wait', 'failed');
  builder.request('ask-last', [
    message('How much is a plum?'),
    exec,
    { type: 'custom_tool_call_output', call_id: 'call_exec', output: answer },
    wait,
    {
      type: 'function_call_output',
      call_id: 'call_wait',
      output: `Script failed\nWall time 0.0 seconds\nOutput:\nScript error:\n${errorText}`,
    },
  ]);
  const last = 'I could not find it.';
  builder.response('ask-last', [
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: last }] },
  ]);
  builder.event('codex_turn_ended', { codex_turn_id: 'turn', status: 'completed' });
  builder.event('thread_ended', { thread_id: 'main', status: 'completed' });
  builder.event('rollout_ended', { status: 'completed' });
  return builder.event('recording_completed');
}

function cellResponse(builder: BundleBuilder, variant: string, text: string, error: string | null = null) {
  const items = [{ type: 'input_text', text }];
  return builder.payload('tool_result', {
    response: { [variant]: { cell_id: '1', content_items: items, error_text: error } },
  });
}

/** An agent that spawns another, which sends its result back. */
export function spawningSession(builder: BundleBuilder): BundleBuilder {
  builder.begin();
  builder.request('ask', [message('Delegate it.')]);
  const spawnArguments = '{"message":"Do it."}';
  builder.response('ask', [
    { type: 'function_call', call_id: 'call_spawn', name: 'spawn_agent', arguments: spawnArguments },
  ]);
  builder.tool('call_spawn', {
    kind: { type: 'spawn_agent' },
    summary: { type: 'generic', label: 'spawn_agent', input_preview: spawnArguments },
    invocation_payload: builder.payload('tool_invocation', {
      tool_name: 'spawn_agent',
      payload: { type: 'function', arguments: spawnArguments },
    }),
  });
  const child = { thread_id: 'child', codex_turn_id: null };
  builder.event(
    'thread_started',
    {
      thread_id: 'child',
      agent_path: '/root/worker',
      metadata_payload: builder.payload('session_metadata', {
        nickname: 'Ada',
        model: 'small-model',
        session_source: { subagent: { thread_spawn: { parent_thread_id: 'main', agent_role: 'worker' } } },
      }),
    },
    child,
  );
  builder.endTool('call_spawn');
  const inChild = { thread_id: 'child', codex_turn_id: 'child-turn' };
  builder.event('codex_turn_started', { codex_turn_id: 'child-turn', thread_id: 'child' }, inChild);
  builder.event(
    'inference_started',
    {
      inference_call_id: 'child-ask',
      thread_id: 'child',
      codex_turn_id: 'child-turn',
      model: 'small-model',
      provider_name: 'provider',
      request_payload: builder.payload('inference_request', { input: [message('Do it.')] }),
    },
    inChild,
  );
  builder.event(
    'inference_failed',
    { inference_call_id: 'child-ask', error: 'the provider is overloaded' },
    inChild,
  );
  builder.event('codex_turn_ended', { codex_turn_id: 'child-turn', status: 'failed' }, inChild);
  builder.event('thread_ended', { thread_id: 'child', status: 'failed' }, child);
  builder.event('codex_turn_ended', { codex_turn_id: 'turn', status: 'completed' });
  return builder;
}
