import { randomUUID } from 'node:crypto';
import { text } from '../../option-reader.js';
import type { ToolKind } from '../state.js';
import type { EventLog } from './event-log.js';
import { toJson } from './json.js';
import { preview } from './text-rules.js';
import type { ThreadLog } from './thread-log.js';
import type { TraceThread } from './threads.js';
import { usableKind } from './tool-kinds.js';

export interface ToolCallOptions {
  /** The tool's name. */
  name: string;
  namespace?: string | null | undefined;
  /** The model's id of the call. */
  callId?: string | null | undefined;
  /** The arguments of a function call: a value, or its JSON text. */
  arguments?: unknown;
  /** The input of a freeform call, instead of arguments. */
  input?: string | null | undefined;
  /** Default `{ type: 'other', name }`. Kinds of terminals are recorded by their name, too. */
  kind?: ToolKind | null | undefined;
}

export type ToolCallStatus = 'completed' | 'failed' | 'cancelled' | 'aborted';

export interface ToolCallResult {
  status: ToolCallStatus;
  /** What the tool gave. */
  result?: unknown;
  /** Why it gave nothing. */
  error?: string | null | undefined;
}

/** A tool call, once its start was recorded. */
interface KnownCall {
  id: string;
  kind: ToolKind;
}

/** A tool call of the model, or a nested one that a tool is serving. */
export class TraceToolCall {
  readonly #log: EventLog;
  readonly #thread: ThreadLog;
  /** Looked up when a note is applied: by then a nested call has its id. */
  readonly #find: () => KnownCall | undefined;
  #hasEnded = false;

  /** @internal */
  constructor(log: EventLog, thread: ThreadLog, find: () => KnownCall | undefined) {
    this.#log = log;
    this.#thread = thread;
    this.#find = find;
  }

  /** @internal */
  static start(log: EventLog, thread: ThreadLog, turnId: string, options: ToolCallOptions): TraceToolCall {
    const { name, arguments: given, input, kind } = options;
    const namespace = text(options.namespace, 'namespace') ?? null;
    const callId = text(options.callId, 'callId');
    const argumentsJson = typeof given === 'string' ? given : toJson(given ?? {});
    const id = log.uniqueId(callId ?? `call-${randomUUID()}`);
    const known = { id, kind: usableKind(kind ?? undefined, name, argumentsJson) };
    const isRecorded = !log.isFull;
    const call = new TraceToolCall(log, thread, () => (isRecorded ? known : undefined));
    if (!isRecorded) {
      log.drop();
      return call;
    }
    const payload =
      typeof input === 'string' ? { type: 'custom', input } : { type: 'function', arguments: argumentsJson };
    const label = namespace === null ? name : `${namespace}.${name}`;
    const apply = (time: number) => {
      thread.callStarted(id);
      const invocation = log.payload(
        'tool_invocation',
        JSON.stringify({ tool_name: safeName(name), tool_namespace: namespace, payload }),
      );
      const shown = preview(log.rules.plain((input ?? argumentsJson).slice(0, 2000), 'input_preview'));
      const fields = JSON.stringify({
        type: 'tool_call_started',
        tool_call_id: id,
        model_visible_call_id: id === callId ? id : null,
        code_mode_runtime_tool_id: null,
        requester: { type: 'model' },
        kind: known.kind,
        summary: { type: 'generic', label, input_preview: shown, output_preview: null },
      });
      log.event(time, thread.threadId, turnId, `${fields.slice(0, -1)},"invocation_payload":${invocation}}`);
    };
    log.note(apply, null, null, argumentsJson.length + (input?.length ?? 0));
    return call;
  }

  /** The tool itself began its work. */
  runtimeStarted(evidence: unknown): void {
    this.#runtime('tool_call_runtime_started', evidence, ({ kind }) => `"kind":${JSON.stringify(kind)}`);
  }

  /** The tool itself ended its work. */
  runtimeEnded(status: ToolCallStatus, evidence: unknown): void {
    this.#runtime('tool_call_runtime_ended', evidence, () => `"status":"${status}"`);
  }

  /** This call, of the kind `spawn_agent`, started the agent of a thread. `startChild({ toolCall })` says it, too. */
  spawned(child: TraceThread): void {
    this.#activity('spawn_agent', 'started', child);
  }

  /** This call, of the kind `send_message` or `assign_agent_task`, reached the agent of a thread. */
  sentTo(receiver: TraceThread): void {
    this.#activity(null, 'interacted', receiver);
  }

  /** This call, of the kind `close_agent`, stopped the agent of a thread. */
  closed(receiver: TraceThread): void {
    this.#activity('close_agent', 'interrupted', receiver);
  }

  /** The id by which an MCP server knows the call. */
  assignMcpCallId(mcpCallId: string): void {
    const apply = (time: number) => {
      const call = this.#find();
      if (call === undefined) return this.#log.drop();
      const fields = JSON.stringify({
        type: 'mcp_tool_call_correlation_assigned',
        tool_call_id: call.id,
        mcp_call_id: mcpCallId,
      });
      this.#log.event(time, null, null, fields);
    };
    this.#log.note(apply, null, null, 0);
  }

  /** For calls of the model; a nested call's end is recorded with its cell. */
  ended({ status, result, error }: ToolCallResult): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const reason = error ?? null;
    const json = reason === null ? toJson(result ?? null) : JSON.stringify({ type: 'error', error: reason });
    const apply = (time: number) => {
      const call = this.#find();
      if (call === undefined) return this.#log.drop();
      this.#thread.callEnded(call.id);
      const item = `{"type":"function_call_output","call_id":${JSON.stringify(call.id)},"output":${json}}`;
      const whole = reason === null ? `{"type":"direct_response","response_item":${item}}` : json;
      const payload = this.#log.payload('tool_result', whole);
      const fields = `{"type":"tool_call_ended","tool_call_id":${JSON.stringify(call.id)},"status":"${status}","result_payload":${payload}}`;
      this.#log.event(time, this.#thread.threadId, this.#thread.turnId, fields);
    };
    this.#log.note(apply, null, null, json.length);
  }

  #runtime(type: string, evidence: unknown, member: (call: KnownCall) => string): void {
    const json = toJson(evidence ?? null);
    const apply = (time: number) => {
      const call = this.#find();
      if (call === undefined) return this.#log.drop();
      const payload = this.#log.payload('tool_runtime_event', json);
      const fields = `{"type":"${type}","tool_call_id":${JSON.stringify(call.id)},${member(call)},"runtime_payload":${payload}}`;
      this.#log.event(time, this.#thread.threadId, this.#thread.turnId, fields);
    };
    this.#log.note(apply, null, null, json.length);
  }

  #activity(kind: ToolKind['type'] | null, activity: string, other: TraceThread): void {
    const apply = (time: number) => {
      const call = this.#find();
      const isRight =
        kind === null
          ? call?.kind.type === 'send_message' || call?.kind.type === 'assign_agent_task'
          : call?.kind.type === kind;
      if (call === undefined || !isRight) return this.#log.drop();
      const evidence = {
        event_id: call.id,
        occurred_at_ms: time,
        agent_thread_id: other.threadId,
        agent_path: other.agentPath,
        kind: activity,
      };
      const payload = this.#log.payload('tool_runtime_event', JSON.stringify(evidence));
      const fields = `{"type":"tool_call_runtime_ended","tool_call_id":${JSON.stringify(call.id)},"status":"completed","runtime_payload":${payload}}`;
      this.#log.event(time, this.#thread.threadId, this.#thread.turnId, fields);
    };
    this.#log.note(apply, null, null, 0);
  }
}

/** A tool of the host that is called `wait` would be taken for the operation of that name. */
function safeName(name: string): string {
  return name === 'wait' ? 'host.wait' : name;
}
