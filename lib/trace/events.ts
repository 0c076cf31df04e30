import { TraceProblem } from './errors.js';
import { isObject, type JsonObject } from './json-text.js';
import type {
  CellRuntimeStatus,
  ExecutionStatus,
  PayloadReference,
  RolloutStatus,
  ToolKind,
  ToolSummary,
} from './state.js';

/** One parsed and checked line of `trace.jsonl`. */
export interface TraceEvent {
  schema_version: number;
  /** 1 for the first event, then one more for each. */
  seq: number;
  wall_time_unix_ms: number;
  rollout_id: string;
  thread_id: string | null;
  codex_turn_id: string | null;
  payload: TraceEventPayload;
}

export type ToolRequester = { type: 'model' } | { type: 'code_cell'; runtime_cell_id: string };

interface InferenceEnd {
  inference_call_id: string;
  upstream_request_id: string | null;
}

/** The first answer of a cell, or its end. */
export interface CellResponse {
  type: 'code_cell_initial_response' | 'code_cell_ended';
  runtime_cell_id: string;
  status: CellRuntimeStatus;
  response_payload: PayloadReference | null;
}

export type TraceEventPayload =
  | { type: 'recording_completed' }
  | { type: 'rollout_started'; trace_id: string; root_thread_id: string }
  | { type: 'rollout_ended'; status: RolloutStatus }
  | {
      type: 'thread_started';
      thread_id: string;
      agent_path: string;
      metadata_payload: PayloadReference | null;
    }
  | { type: 'thread_ended'; thread_id: string; status: RolloutStatus }
  | { type: 'thread_resumed'; thread_id: string }
  | { type: 'codex_turn_started'; codex_turn_id: string; thread_id: string }
  | { type: 'codex_turn_ended'; codex_turn_id: string; status: ExecutionStatus }
  | { type: 'history_item_accepted'; item_id: string; agent_message_payload: PayloadReference | null }
  | {
      type: 'inference_started';
      inference_call_id: string;
      thread_id: string;
      codex_turn_id: string;
      model: string;
      provider_name: string;
      request_payload: PayloadReference;
    }
  | (InferenceEnd & {
      type: 'inference_completed';
      response_id: string | null;
      response_payload: PayloadReference;
    })
  | (InferenceEnd & {
      type: 'inference_failed';
      error: string;
      partial_response_payload: PayloadReference | null;
    })
  | (InferenceEnd & {
      type: 'inference_cancelled';
      reason: string;
      partial_response_payload: PayloadReference | null;
    })
  | {
      type: 'tool_call_started';
      tool_call_id: string;
      model_visible_call_id: string | null;
      code_mode_runtime_tool_id: string | null;
      requester: ToolRequester;
      kind: ToolKind;
      summary: ToolSummary;
      invocation_payload: PayloadReference | null;
    }
  | { type: 'mcp_tool_call_correlation_assigned'; tool_call_id: string; mcp_call_id: string }
  | { type: 'stdin_target_resolved'; tool_call_id: string; exec_tool_call_id: string }
  | {
      type: 'tool_call_runtime_started';
      tool_call_id: string;
      kind: ToolKind;
      runtime_payload: PayloadReference;
    }
  | {
      type: 'tool_call_runtime_ended';
      tool_call_id: string;
      status: ExecutionStatus;
      runtime_payload: PayloadReference;
    }
  | {
      type: 'tool_call_ended';
      tool_call_id: string;
      status: ExecutionStatus;
      result_payload: PayloadReference | null;
    }
  | {
      type: 'code_cell_started';
      runtime_cell_id: string;
      model_visible_call_id: string;
      source_js: string;
    }
  | CellResponse
  | {
      type: 'compaction_request_started';
      compaction_id: string;
      compaction_request_id: string;
      thread_id: string;
      codex_turn_id: string;
      model: string;
      provider_name: string;
      request_payload: PayloadReference;
    }
  | {
      type: 'compaction_request_completed';
      compaction_id: string;
      compaction_request_id: string;
      response_payload: PayloadReference;
    }
  | {
      type: 'compaction_request_failed';
      compaction_id: string;
      compaction_request_id: string;
      error: string;
    }
  | { type: 'compaction_installed'; compaction_id: string; checkpoint_payload: PayloadReference }
  | {
      type: 'agent_result_observed';
      edge_id: string;
      child_thread_id: string;
      child_codex_turn_id: string;
      parent_thread_id: string;
      message: string;
      carried_payload: PayloadReference | null;
    }
  | { type: 'protocol_event_observed'; event_type: string; event_payload: PayloadReference }
  | { type: 'other'; kind: string; summary: string };

export type EventOfType<Type extends TraceEventPayload['type']> = Extract<TraceEventPayload, { type: Type }>;

/** Reads one member of an object, or throws a TraceProblem that names it. */
type FieldReader = (value: unknown, name: string) => unknown;

function bad(name: string, expected: string): never {
  throw new TraceProblem('LOG_LINE', `field "${name}" must be ${expected}`);
}

const text: FieldReader = (value, name) => (typeof value === 'string' ? value : bad(name, 'a string'));

function optional(reader: FieldReader): FieldReader {
  return (value, name) => (value === undefined || value === null ? null : reader(value, name));
}

function oneOf(values: readonly string[]): FieldReader {
  return (value, name) =>
    typeof value === 'string' && values.includes(value)
      ? value
      : bad(name, `one of ${values.map((each) => `"${each}"`).join(', ')}`);
}

const payloadKinds = [
  'inference_request',
  'inference_response',
  'compaction_request',
  'compaction_checkpoint',
  'compaction_response',
  'tool_invocation',
  'tool_result',
  'tool_runtime_event',
  'terminal_runtime_event',
  'protocol_event',
  'session_metadata',
  'agent_result',
];
const readPayloadKind = oneOf(payloadKinds);

const payload: FieldReader = (value, name) => {
  if (!isObject(value)) return bad(name, 'a payload reference');
  const kind = value['kind'];
  if (!isObject(kind)) return bad(`${name}.kind`, 'an object');
  return {
    raw_payload_id: text(value['raw_payload_id'], `${name}.raw_payload_id`),
    kind: { type: readPayloadKind(kind['type'], `${name}.kind.type`) },
    path: text(value['path'], `${name}.path`),
  };
};

const executionStatus = oneOf(['running', 'completed', 'failed', 'cancelled', 'aborted']);
const rolloutStatus = oneOf(['running', 'completed', 'failed', 'aborted']);
const cellStatus = oneOf(['starting', 'running', 'yielded', 'completed', 'failed', 'terminated']);

function integer(minimum: number): FieldReader {
  return (value, name) =>
    typeof value === 'number' && Number.isInteger(value) && value >= minimum
      ? value
      : bad(name, minimum === 0 ? 'an integer, 0 or more' : 'an integer');
}

/** An object told apart by `type`, each type with its own members. */
function tagged(variants: Record<string, Record<string, FieldReader>>): FieldReader {
  const readType = oneOf(Object.keys(variants));
  return (value, name) => {
    if (!isObject(value)) return bad(name, 'an object');
    const type = readType(value['type'], `${name}.type`) as string;
    const result: JsonObject = { type };
    for (const [member, reader] of Object.entries(variants[type]!)) {
      result[member] = reader(value[member], `${name}.${member}`);
    }
    return result;
  };
}

const requester = tagged({ model: {}, code_cell: { runtime_cell_id: text } });
const toolKind = tagged({
  exec_command: {},
  write_stdin: {},
  apply_patch: {},
  mcp: { server: text, tool: text },
  web: {},
  image_generation: {},
  spawn_agent: {},
  assign_agent_task: {},
  send_message: {},
  wait_agent: {},
  close_agent: {},
  other: { name: text },
});
const summary = tagged({
  terminal: { operation_id: text },
  agent: { target_agent_path: text, task_name: optional(text), message_preview: text },
  wait_agent: { target_agent_path: optional(text), timeout_ms: optional(integer(0)) },
  generic: { label: text, input_preview: optional(text), output_preview: optional(text) },
});

const cellResponse = { runtime_cell_id: text, status: cellStatus, response_payload: optional(payload) };

const eventFields: Record<TraceEventPayload['type'], Record<string, FieldReader>> = {
  recording_completed: {},
  rollout_started: { trace_id: text, root_thread_id: text },
  rollout_ended: { status: rolloutStatus },
  thread_started: { thread_id: text, agent_path: text, metadata_payload: optional(payload) },
  thread_ended: { thread_id: text, status: rolloutStatus },
  thread_resumed: { thread_id: text },
  codex_turn_started: { codex_turn_id: text, thread_id: text },
  codex_turn_ended: { codex_turn_id: text, status: executionStatus },
  history_item_accepted: { item_id: text, agent_message_payload: optional(payload) },
  inference_started: {
    inference_call_id: text,
    thread_id: text,
    codex_turn_id: text,
    model: text,
    provider_name: text,
    request_payload: payload,
  },
  inference_completed: {
    inference_call_id: text,
    response_id: optional(text),
    upstream_request_id: optional(text),
    response_payload: payload,
  },
  inference_failed: {
    inference_call_id: text,
    upstream_request_id: optional(text),
    error: text,
    partial_response_payload: optional(payload),
  },
  inference_cancelled: {
    inference_call_id: text,
    upstream_request_id: optional(text),
    reason: text,
    partial_response_payload: optional(payload),
  },
  tool_call_started: {
    tool_call_id: text,
    model_visible_call_id: optional(text),
    code_mode_runtime_tool_id: optional(text),
    requester,
    kind: toolKind,
    summary,
    invocation_payload: optional(payload),
  },
  mcp_tool_call_correlation_assigned: { tool_call_id: text, mcp_call_id: text },
  stdin_target_resolved: { tool_call_id: text, exec_tool_call_id: text },
  tool_call_runtime_started: { tool_call_id: text, kind: toolKind, runtime_payload: payload },
  tool_call_runtime_ended: { tool_call_id: text, status: executionStatus, runtime_payload: payload },
  tool_call_ended: { tool_call_id: text, status: executionStatus, result_payload: optional(payload) },
  code_cell_started: { runtime_cell_id: text, model_visible_call_id: text, source_js: text },
  code_cell_initial_response: cellResponse,
  code_cell_ended: cellResponse,
  compaction_request_started: {
    compaction_id: text,
    compaction_request_id: text,
    thread_id: text,
    codex_turn_id: text,
    model: text,
    provider_name: text,
    request_payload: payload,
  },
  compaction_request_completed: {
    compaction_id: text,
    compaction_request_id: text,
    response_payload: payload,
  },
  compaction_request_failed: { compaction_id: text, compaction_request_id: text, error: text },
  compaction_installed: { compaction_id: text, checkpoint_payload: payload },
  agent_result_observed: {
    edge_id: text,
    child_thread_id: text,
    child_codex_turn_id: text,
    parent_thread_id: text,
    message: text,
    carried_payload: optional(payload),
  },
  protocol_event_observed: { event_type: text, event_payload: payload },
  other: { kind: text, summary: text },
};
const fieldTable = new Map(
  Object.entries(eventFields).map(([type, fields]) => [type, Object.entries(fields)] as const),
);

/** An event whose envelope is in order while its type is not known. */
export interface UnknownEvent extends Omit<TraceEvent, 'payload'> {
  payload: { type: null; unknown_type: string };
}

const schemaVersion = integer(0);
const sequenceNumber = integer(0);
const wallTime = integer(Number.MIN_SAFE_INTEGER);
const optionalText = optional(text);

/**
 * Checks one parsed line. Members that the format does not know are left out; members that may be absent become
 * null.
 *
 * @throws TraceProblem with `LOG_LINE` for a missing or wrong member.
 */
export function readEvent(value: unknown, runtimeKindOptional: boolean): TraceEvent | UnknownEvent {
  if (!isObject(value)) throw new TraceProblem('LOG_LINE', 'the line is not an object');
  const envelope = {
    schema_version: schemaVersion(value['schema_version'], 'schema_version') as number,
    seq: sequenceNumber(value['seq'], 'seq') as number,
    wall_time_unix_ms: wallTime(value['wall_time_unix_ms'], 'wall_time_unix_ms') as number,
    rollout_id: text(value['rollout_id'], 'rollout_id') as string,
    thread_id: optionalText(value['thread_id'], 'thread_id') as string | null,
    codex_turn_id: optionalText(value['codex_turn_id'], 'codex_turn_id') as string | null,
  };
  const raw = value['payload'];
  if (!isObject(raw)) return bad('payload', 'an object');
  const type = text(raw['type'], 'payload.type') as string;
  const fields = fieldTable.get(type);
  if (fields === undefined) return { ...envelope, payload: { type: null, unknown_type: type } };
  const result: JsonObject = { type };
  for (const [name, reader] of fields) {
    if (runtimeKindOptional && name === 'kind' && type === 'tool_call_runtime_started') {
      result[name] = optional(reader)(raw[name], name);
    } else {
      result[name] = reader(raw[name], name);
    }
  }
  return { ...envelope, payload: result as unknown as TraceEventPayload };
}

/** Every payload reference that an event makes, in the order of its members. */
export function payloadReferences(event: TraceEventPayload): PayloadReference[] {
  const references: PayloadReference[] = [];
  for (const value of Object.values(event)) {
    if (typeof value === 'object' && value !== null && 'raw_payload_id' in value) {
      references.push(value as PayloadReference);
    }
  }
  return references;
}
