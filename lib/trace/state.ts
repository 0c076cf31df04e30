/** Types of the reduced graph. Field names, order and values are those of `state.json`. */

export type RolloutStatus = 'running' | 'completed' | 'failed' | 'aborted';
export type ExecutionStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'aborted';
export type CellRuntimeStatus = 'starting' | 'running' | 'yielded' | 'completed' | 'failed' | 'terminated';
export type ConversationRole = 'system' | 'developer' | 'user' | 'assistant' | 'tool';
export type ConversationChannel = 'analysis' | 'commentary' | 'final' | 'summary';
export type ConversationItemKind =
  | 'message'
  | 'reasoning'
  | 'function_call'
  | 'function_call_output'
  | 'custom_tool_call'
  | 'custom_tool_call_output'
  | 'compaction_marker';

/** When something ran. Times are Unix milliseconds; `seq` is the causal order. */
export interface ExecutionWindow<Status extends string = ExecutionStatus> {
  started_at_unix_ms: number;
  started_seq: number;
  ended_at_unix_ms: number | null;
  ended_seq: number | null;
  status: Status;
}

export interface PayloadReference {
  raw_payload_id: string;
  kind: { type: string };
  /** Relative to the bundle. */
  path: string;
}

export type ThreadOrigin =
  | { type: 'root' }
  | {
      type: 'spawned';
      parent_thread_id: string;
      spawn_edge_id: string;
      task_name: string;
      agent_role: string;
    };

export interface AgentThread {
  thread_id: string;
  agent_path: string;
  nickname: string | null;
  origin: ThreadOrigin;
  execution: ExecutionWindow<RolloutStatus>;
  default_model: string | null;
  /** In the order in which the items first became part of the thread's history. */
  conversation_item_ids: string[];
}

export interface CodexTurn {
  codex_turn_id: string;
  thread_id: string;
  execution: ExecutionWindow;
  input_item_ids: string[];
}

export type ConversationPart =
  | { type: 'text'; text: string }
  | { type: 'summary'; text: string }
  | { type: 'encoded'; label: string; value: string }
  | { type: 'json'; summary: string; raw_payload_id: string }
  | { type: 'code'; language: string; source: string }
  | { type: 'payload_ref'; label: string; raw_payload_id: string; content_sha256?: string };

export type ProducerReference =
  | { type: 'inference'; inference_call_id: string }
  | { type: 'tool'; tool_call_id: string }
  | { type: 'code_cell'; code_cell_id: string }
  | { type: 'compaction'; compaction_id: string };

export interface ConversationItem {
  item_id: string;
  /** The provider's id of the item; absent when it has none. */
  responses_item_id?: string;
  /** When the host took the item into its history; absent when that was not recorded. */
  accepted_at_unix_ms?: number;
  accepted_seq?: number;
  thread_id: string;
  codex_turn_id: string | null;
  first_seen_at_unix_ms: number;
  role: ConversationRole;
  channel: ConversationChannel | null;
  kind: ConversationItemKind;
  /** Only for messages from one agent to another. */
  agent_message?: { author: string; recipient: string };
  body: { parts: ConversationPart[] };
  call_id: string | null;
  produced_by: ProducerReference[];
}

export interface TokenUsage {
  input_tokens: number;
  cached_input_tokens: number;
  cache_write_input_tokens: number;
  output_tokens: number;
  reasoning_output_tokens: number;
}

export interface InferenceCall {
  inference_call_id: string;
  thread_id: string;
  codex_turn_id: string;
  execution: ExecutionWindow;
  model: string;
  provider_name: string;
  response_id: string | null;
  upstream_request_id: string | null;
  request_item_ids: string[];
  response_item_ids: string[];
  tool_call_ids_started_by_response: string[];
  usage: TokenUsage | null;
  raw_request_payload_id: string;
  raw_response_payload_id: string | null;
}

export interface CodeCell {
  /** `code_cell:` and the call id of the model's `exec` call. */
  code_cell_id: string;
  model_visible_call_id: string;
  thread_id: string;
  codex_turn_id: string;
  source_item_id: string;
  output_item_ids: string[];
  runtime_cell_id: string | null;
  execution: ExecutionWindow;
  runtime_status: CellRuntimeStatus;
  initial_response_at_unix_ms: number | null;
  initial_response_seq: number | null;
  initial_response_status: CellRuntimeStatus | null;
  raw_initial_response_payload_id: string | null;
  raw_result_payload_id: string | null;
  yielded_at_unix_ms: number | null;
  yielded_seq: number | null;
  source_js: string;
  nested_tool_call_ids: string[];
  wait_tool_call_ids: string[];
}

export type ToolKind =
  | {
      type:
        | 'exec_command'
        | 'write_stdin'
        | 'apply_patch'
        | 'web'
        | 'image_generation'
        | 'spawn_agent'
        | 'assign_agent_task'
        | 'send_message'
        | 'wait_agent'
        | 'close_agent';
    }
  | { type: 'mcp'; server: string; tool: string }
  | { type: 'other'; name: string };

export type ToolSummary =
  | { type: 'terminal'; operation_id: string }
  | { type: 'agent'; target_agent_path: string; task_name: string | null; message_preview: string }
  | { type: 'wait_agent'; target_agent_path: string | null; timeout_ms: number | null }
  | { type: 'generic'; label: string; input_preview: string | null; output_preview: string | null };

export interface ToolCall {
  tool_call_id: string;
  mcp_call_id: string | null;
  model_visible_call_id: string | null;
  code_mode_runtime_tool_id: string | null;
  /** The cell that this call (an `exec`) started; absent for every other call. */
  started_code_cell_id?: string;
  thread_id: string;
  started_by_codex_turn_id: string | null;
  execution: ExecutionWindow;
  requester: { type: 'model' } | { type: 'code_cell'; code_cell_id: string };
  kind: ToolKind;
  model_visible_call_item_ids: string[];
  model_visible_output_item_ids: string[];
  terminal_operation_id: string | null;
  summary: ToolSummary;
  raw_invocation_payload_id: string | null;
  raw_result_payload_id: string | null;
  raw_runtime_payload_ids: string[];
}

export interface TerminalSession {
  terminal_id: string;
  thread_id: string;
  created_by_operation_id: string;
  operation_ids: string[];
  execution: ExecutionWindow;
}

export type TerminalRequest =
  | {
      type: 'exec_command';
      command: string[];
      display_command: string;
      cwd: string;
      yield_time_ms: number | null;
      max_output_tokens: number | null;
    }
  | {
      type: 'write_stdin';
      stdin: string;
      yield_time_ms: number | null;
      max_output_tokens: number | null;
    };

export interface TerminalResult {
  exit_code: number | null;
  stdout: string;
  stderr: string;
  formatted_output: string | null;
  original_token_count: number | null;
  chunk_id: string | null;
}

export interface TerminalObservation {
  call_item_ids: string[];
  output_item_ids: string[];
  source: 'direct_tool_call';
}

export interface TerminalOperation {
  operation_id: string;
  terminal_id: string | null;
  tool_call_id: string;
  kind: 'exec_command' | 'write_stdin';
  execution: ExecutionWindow;
  request: TerminalRequest;
  result: TerminalResult | null;
  model_observations: TerminalObservation[];
  raw_payload_ids: string[];
}

export interface Compaction {
  compaction_id: string;
  thread_id: string;
  codex_turn_id: string;
  installed_at_unix_ms: number;
  marker_item_id: string;
  request_ids: string[];
  input_item_ids: string[];
  replacement_item_ids: string[];
}

export interface CompactionRequest {
  compaction_request_id: string;
  compaction_id: string;
  thread_id: string;
  codex_turn_id: string;
  execution: ExecutionWindow;
  model: string;
  provider_name: string;
  raw_request_payload_id: string;
  raw_response_payload_id: string | null;
}

export type TraceAnchor =
  | { type: 'conversation_item'; item_id: string }
  | { type: 'tool_call'; tool_call_id: string }
  | { type: 'thread'; thread_id: string };

export type InteractionKind =
  'spawn_agent' | 'assign_agent_task' | 'send_message' | 'agent_result' | 'close_agent';

export interface InteractionEdge {
  edge_id: string;
  kind: InteractionKind;
  source: TraceAnchor;
  target: TraceAnchor;
  started_at_unix_ms: number;
  ended_at_unix_ms: number | null;
  carried_item_ids: string[];
  carried_raw_payload_ids: string[];
}

/** The reduced graph of one bundle; every map is keyed by the id of what it holds. */
export interface TraceState {
  schema_version: number;
  trace_id: string;
  rollout_id: string;
  started_at_unix_ms: number;
  ended_at_unix_ms: number | null;
  status: RolloutStatus;
  recording_complete: boolean;
  root_thread_id: string;
  threads: Record<string, AgentThread>;
  codex_turns: Record<string, CodexTurn>;
  conversation_items: Record<string, ConversationItem>;
  inference_calls: Record<string, InferenceCall>;
  code_cells: Record<string, CodeCell>;
  tool_calls: Record<string, ToolCall>;
  terminal_sessions: Record<string, TerminalSession>;
  terminal_operations: Record<string, TerminalOperation>;
  compactions: Record<string, Compaction>;
  compaction_requests: Record<string, CompactionRequest>;
  interaction_edges: Record<string, InteractionEdge>;
  raw_payloads: Record<string, PayloadReference>;
  /** What is known beyond the format; only in lenient mode. */
  extensions?: TraceExtensions;
}

/** One `wait` of the model on a cell. */
export interface CellWait {
  tool_call_id: string;
  /** Whether the wait asked for the cell's termination. */
  terminate: boolean;
  started_seq: number;
  ended_seq: number | null;
  /** `ended`: this wait saw the cell's end; `yielded`: it returned with the cell still alive. */
  outcome: 'running' | 'yielded' | 'ended';
}

/** What lenient mode knows beyond what the format defines. */
export interface TraceExtensions {
  /** The schema version of the bundle that was read. */
  source_schema_version: number;
  /** Things that were referred to but never started, by kind; the state holds a stand-in for each. */
  incomplete: { threads: string[]; codex_turns: string[] };
  /** By cell id: every wait, repeated yields included. */
  cell_waits: Record<string, CellWait[]>;
  /** By cell id: outputs delivered by `notify()` (all outputs of the call but the first). */
  cell_notifications: Record<string, string[]>;
  /** Cells whose `exec` call never appeared in the conversation, with the tool calls they made. */
  cells_without_source: Record<
    string,
    { thread_id: string; runtime_cell_id: string; started_seq: number; nested_tool_call_ids: string[] }
  >;
  /** By inference: tools its response asked for, also when they started before the response was complete. */
  tool_call_ids_requested_by_response: Record<string, string[]>;
  /** By inference: the error or the reason that its end gave. */
  inference_errors: Record<string, string>;
  /** By compaction request: the error that its end gave. */
  compaction_errors: Record<string, string>;
  /** What the host told its user, in order; the payload has the words. */
  protocol_events: { seq: number; at_unix_ms: number; type: string; raw_payload_id: string }[];
  /** Tool calls without an end whose turn or rollout did end: the `seq` of that end. */
  abandoned_tool_calls: Record<string, { closed_by: 'codex_turn_ended' | 'rollout_ended'; seq: number }>;
  /** `wait` calls whose arguments name no cell. */
  malformed_waits: string[];
  /** Events of a type that the format does not know, or gives no meaning to. */
  unknown_events: { seq: number; type: string }[];
  /** Interaction edges whose far end was never seen. */
  unresolved_edges: string[];
}
