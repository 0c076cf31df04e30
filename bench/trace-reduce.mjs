// Reduces generated traces of growing size in one pass each, and prints time and memory per event: both must stay
// flat. Usage: node --expose-gc bench/trace-reduce.mjs [largest number of events, default 1000000]
import { TraceReducer } from '../dist/trace/index.js';

const eventsPerTurn = 20;
const largest = Number(process.argv[2] ?? 1_000_000);

const manifest = {
  schema_version: 2,
  trace_id: 'trace',
  rollout_id: 'rollout',
  root_thread_id: 'main',
  started_at_unix_ms: 0,
  raw_event_log: 'trace.jsonl',
  payloads_dir: 'payloads',
};

/** One turn: an exec call, its cell with six nested calls, and the answer. Each turn is a thread of its own size. */
function* turn(number, payloads) {
  const thread = `thread-${Math.floor(number / 20)}`;
  const id = `turn-${number}`;
  const call = `call-${number}`;
  const reference = (kind, value) => {
    const path = `payloads/${payloads.next}.json`;
    const raw_payload_id = `raw_payload:${payloads.next}`;
    payloads.next += 1;
    payloads.texts.set(path, JSON.stringify(value));
    return { raw_payload_id, kind: { type: kind }, path };
  };
  if (number % 20 === 0) yield { type: 'thread_started', thread_id: thread, agent_path: '/root' };
  else yield { type: 'history_item_accepted', item_id: `item-${number}` };
  yield { type: 'codex_turn_started', codex_turn_id: id, thread_id: thread };
  const text = {
    type: 'message',
    role: 'user',
    content: [{ type: 'input_text', text: `question ${number}` }],
  };
  const exec = { type: 'custom_tool_call', call_id: call, name: 'exec', input: 'text(1)' };
  yield {
    type: 'inference_started',
    inference_call_id: `inference-${number}`,
    thread_id: thread,
    codex_turn_id: id,
    model: 'model',
    provider_name: 'provider',
    request_payload: reference('inference_request', { input: [text] }),
  };
  yield {
    type: 'inference_completed',
    inference_call_id: `inference-${number}`,
    response_payload: reference('inference_response', { output_items: [exec] }),
  };
  const tool = (tool_call_id, requester, kind, visible) => ({
    type: 'tool_call_started',
    tool_call_id,
    model_visible_call_id: visible,
    requester,
    kind,
    summary: { type: 'generic', label: 'tool' },
  });
  yield tool(call, { type: 'model' }, { type: 'other', name: 'exec' }, call);
  yield {
    type: 'code_cell_started',
    runtime_cell_id: `${number}`,
    model_visible_call_id: call,
    source_js: 'text(1)',
  };
  for (let nested = 0; nested < 5; nested += 1) {
    const requester = { type: 'code_cell', runtime_cell_id: `${number}` };
    yield tool(`${call}-${nested}`, requester, { type: 'other', name: 'read' }, null);
    yield { type: 'tool_call_ended', tool_call_id: `${call}-${nested}`, status: 'completed' };
  }
  yield { type: 'code_cell_initial_response', runtime_cell_id: `${number}`, status: 'completed' };
  yield { type: 'code_cell_ended', runtime_cell_id: `${number}`, status: 'completed' };
  yield { type: 'tool_call_ended', tool_call_id: call, status: 'completed' };
  yield { type: 'codex_turn_ended', codex_turn_id: id, status: 'completed' };
}

function reduce(count) {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const payloads = { next: 1, texts: new Map() };
  const reducer = new TraceReducer({
    manifest,
    strict: true,
    readPayload: ({ path }) => payloads.texts.get(path),
  });
  const started = performance.now();
  let seq = 0;
  for (let number = 0; seq < count; number += 1) {
    for (const payload of turn(number, payloads)) {
      seq += 1;
      reducer.push({
        schema_version: 2,
        seq,
        wall_time_unix_ms: seq,
        rollout_id: 'rollout',
        thread_id: `thread-${Math.floor(number / 20)}`,
        codex_turn_id: `turn-${number}`,
        payload,
      });
    }
    payloads.texts.clear();
  }
  const pushed = performance.now() - started;
  globalThis.gc?.();
  const memory = process.memoryUsage().heapUsed - before;
  const tools = Object.keys(reducer.state().tool_calls).length;
  const total = performance.now() - started;
  console.log(
    `${seq} events, ${tools} tool calls: push ${pushed.toFixed(0)} ms, with state ${total.toFixed(0)} ms, ` +
      `${((pushed * 1000) / seq).toFixed(2)} us and ${(memory / seq).toFixed(0)} bytes per event`,
  );
}

console.log(`Node ${process.version}, about ${eventsPerTurn} events per turn`);
for (let count = Math.min(10_000, largest); ; count = Math.min(count * 10, largest)) {
  reduce(count);
  if (count === largest) break;
}
