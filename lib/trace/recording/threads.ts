import { readOptions, text } from '../../option-reader.js';
import type { ObservedTool, SessionObserver } from '../../observer.js';
import type { ToolKind } from '../state.js';
import type { EventLog } from './event-log.js';
import { isUuid, uuidV7 } from './ids.js';
import { invalidOption } from '../../option-reader.js';
import {
  TraceCompaction,
  TraceInference,
  type CompactionOptions,
  type InferenceOptions,
} from './inference.js';
import { ModelItems } from './model-items.js';
import { toJson } from './json.js';
import { readRequest, ThreadRequests } from './requests.js';
import { SessionEvents } from './session-events.js';
import { SessionNotes } from './session-notes.js';
import { ThreadLog, type ThreadStatus, type TurnStatus } from './thread-log.js';
import { TraceToolCall, type ToolCallOptions } from './tool-calls.js';

/** What is told of a thread. */
export interface ThreadOptions {
  /** A UUID. Default a new one. */
  threadId?: string | null | undefined;
  model?: string | null | undefined;
  providerName?: string | null | undefined;
  /** A name for people. */
  nickname?: string | null | undefined;
  /** Further members of the thread's metadata. */
  metadata?: Record<string, unknown> | null | undefined;
}

export interface ChildThreadOptions extends ThreadOptions {
  /** What the child is for; also the last part of its path. */
  taskName: string;
  role?: string | null | undefined;
  /** The tool call that spawned the child. */
  toolCall?: TraceToolCall | null | undefined;
}

export interface ResultOptions {
  /** The thread that gets the result. */
  to: TraceThread;
  message: string;
  status?: unknown;
}

/** What all threads of a recorder share. */
export interface RecorderContext {
  log: EventLog;
  threads: ThreadLog[];
  kindOf: (tool: ObservedTool) => ToolKind | undefined;
}

const THREAD_OPTIONS = ['threadId', 'model', 'providerName', 'nickname', 'metadata'];

/** An agent's thread: give it to `createSession({ trace })`, and tell it what surrounds the session. */
export class TraceThread {
  readonly threadId: string;
  readonly agentPath: string;
  readonly #context: RecorderContext;
  readonly #events: ThreadLog;
  readonly #requests = new ThreadRequests(new ModelItems());
  readonly #children = new Set<string>();

  /** @internal */
  constructor(
    context: RecorderContext,
    threadId: string,
    agentPath: string,
    metadata: Record<string, unknown>,
  ) {
    this.#context = context;
    this.threadId = threadId;
    this.agentPath = agentPath;
    this.#events = new ThreadLog(context.log, threadId);
    context.threads.push(this.#events);
    const json = toJson({ thread_id: threadId, agent_path: agentPath, ...metadata });
    context.log.note((time) => this.#events.start(time, agentPath, json), null, null, json.length);
  }

  /** Records a session as part of this thread. `createSession({ trace: thread })` calls it. */
  sessionObserver(): SessionObserver {
    const { log, kindOf } = this.#context;
    return new SessionNotes(log, new SessionEvents(log, this.#events, kindOf));
  }

  /** What follows belongs to this turn, until the next one starts. */
  startTurn(options?: { turnId?: string | null | undefined } | null): TraceTurn {
    const given = readOptions(options, 'startTurn options', ['turnId']);
    const turnId = this.#context.log.uniqueId(text(given['turnId'], 'turnId') ?? uuidV7(Date.now()));
    this.#context.log.note((time) => this.#events.startTurn(time, turnId), null, null, 0);
    return new TraceTurn(this.#context.log, this, this.#events, this.#requests, turnId);
  }

  /** The thread of an agent that this one spawned. */
  startChild(options: ChildThreadOptions): TraceThread {
    const given = readOptions(options, 'startChild options', [
      ...THREAD_OPTIONS,
      'taskName',
      'role',
      'toolCall',
    ]);
    const taskName = text(given['taskName'], 'taskName');
    if (taskName === undefined) throw invalidOption('taskName must be a string; got undefined');
    const role = text(given['role'], 'role') ?? null;
    const { threadId, metadata } = readThread(given);
    const agentPath = this.#childPath(taskName);
    const nickname = metadata['nickname'] ?? null;
    const spawn = {
      parent_thread_id: this.threadId,
      depth: agentPath.split('/').length - 2,
      agent_path: agentPath,
      agent_nickname: nickname,
      agent_role: role,
    };
    const child = new TraceThread(this.#context, threadId, agentPath, {
      task_name: taskName,
      agent_role: role,
      session_source: { subagent: { thread_spawn: spawn } },
      ...metadata,
    });
    if (options.toolCall instanceof TraceToolCall) options.toolCall.spawned(child);
    return child;
  }

  /** Something the host said to its user or to itself, kept as it is. */
  protocolEvent(type: string, payload: unknown): void {
    const json = toJson(payload ?? null);
    this.#context.log.noteStart(
      (time) => this.#events.protocolEvent(time, type, json),
      null,
      null,
      json.length,
    );
  }

  /**
   * A nested call that a tool of this thread is serving, from what its `execute` was given: to tell of an agent that
   * it spawned, or of the MCP call that it became.
   */
  nestedCall(context: { cellId: string; callId: string }): TraceToolCall {
    const { cellId, callId } = context;
    return new TraceToolCall(this.#context.log, this.#events, () => {
      const call = this.#events.findCall(cellId, callId);
      return call === undefined ? undefined : { id: call.toolCallId, kind: call.kind };
    });
  }

  /** Ends the thread, its turn and what is open in it. */
  end(status: ThreadStatus = 'completed'): void {
    this.#context.log.note((time) => this.#events.end(time, status), null, null, 0);
  }

  /** A path of its own below this thread's, of letters that every reader takes. */
  #childPath(taskName: string): string {
    const plain = taskName.toLowerCase().replace(/[^a-z0-9_]+/g, '_') || 'agent';
    const name = plain === 'root' ? 'root_agent' : plain;
    let segment = name;
    for (let number = 2; this.#children.has(segment); number++) segment = `${name}_${number}`;
    this.#children.add(segment);
    return `${this.agentPath}/${segment}`;
  }
}

/** The options of a thread: its id, and its metadata by the names of the format. */
export function readThread(given: Record<string, unknown>): {
  threadId: string;
  metadata: Record<string, unknown>;
} {
  const threadId = text(given['threadId'], 'threadId') ?? uuidV7(Date.now());
  if (!isUuid(threadId)) throw invalidOption(`threadId must be a UUID; got ${JSON.stringify(threadId)}`);
  const further = given['metadata'] ?? {};
  if (typeof further !== 'object') throw invalidOption('metadata must be an object');
  const metadata = {
    ...further,
    nickname: text(given['nickname'], 'nickname') ?? null,
    model: text(given['model'], 'model') ?? null,
    provider_name: text(given['providerName'], 'providerName') ?? null,
  };
  return { threadId: threadId.toLowerCase(), metadata };
}

/** One turn of a thread: a task from its start to its end. */
export class TraceTurn {
  readonly turnId: string;
  readonly #log: EventLog;
  readonly #thread: TraceThread;
  readonly #events: ThreadLog;
  readonly #requests: ThreadRequests;
  #hasEnded = false;

  /** @internal */
  constructor(
    log: EventLog,
    thread: TraceThread,
    events: ThreadLog,
    requests: ThreadRequests,
    turnId: string,
  ) {
    this.#log = log;
    this.#thread = thread;
    this.#events = events;
    this.#requests = requests;
    this.turnId = turnId;
  }

  /** A request to a model, as it was sent: with the whole history, or with `previous_response_id` and what is new. */
  startInference(options: InferenceOptions): TraceInference {
    readRequest(options.request);
    return new TraceInference(this.#log, this.#events, this.#requests, this.turnId, options);
  }

  /** An item of a response, or an own one, became part of the history. */
  acceptItem(itemId: string): void {
    const fields = `{"type":"history_item_accepted","item_id":${JSON.stringify(itemId)}}`;
    this.#log.noteStart((time) => this.#event(time, fields), null, null, 0);
  }

  /** A message of another agent arrived. Gives the item that the next request should show to the model. */
  receiveMessage(options: { from: TraceThread; message: string }): Record<string, unknown> {
    const item = {
      type: 'agent_message',
      id: `amsg_${uuidV7(Date.now())}`,
      author: options.from.agentPath,
      recipient: this.#thread.agentPath,
      content: [{ type: 'input_text', text: options.message }],
    };
    const json = JSON.stringify(item);
    const apply = (time: number) => {
      const payload = this.#log.payload('agent_result', json);
      this.#event(
        time,
        `{"type":"history_item_accepted","item_id":"${item.id}","agent_message_payload":${payload}}`,
      );
    };
    this.#log.noteStart(apply, null, null, json.length);
    return item;
  }

  /** A tool that the model calls directly, beside exec and wait. */
  startToolCall(options: ToolCallOptions): TraceToolCall {
    return TraceToolCall.start(this.#log, this.#events, this.turnId, options);
  }

  /** A request that shortens the history. */
  startCompaction(options: CompactionOptions): TraceCompaction {
    readRequest(options.request);
    return new TraceCompaction(this.#log, this.#events, this.#requests, this.turnId, options);
  }

  /** This turn's agent gave its result to another one. */
  reportResult({ to, message, status = { completed: message } }: ResultOptions): void {
    const from = this.#thread;
    const carried = toJson({ child_agent_path: from.agentPath, message, status });
    const apply = (time: number) => {
      const payload = this.#log.payload('agent_result', carried);
      const fields = {
        type: 'agent_result_observed',
        edge_id: `edge:agent_result:${from.threadId}:${this.turnId}:${to.threadId}`,
        child_thread_id: from.threadId,
        child_codex_turn_id: this.turnId,
        parent_thread_id: to.threadId,
        message: this.#log.rules.plain(message, 'message'),
      };
      this.#event(time, `${JSON.stringify(fields).slice(0, -1)},"carried_payload":${payload}}`);
    };
    this.#log.noteStart(apply, null, null, carried.length);
  }

  end(status: TurnStatus = 'completed'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#log.note((time) => this.#events.endTurn(time, this.turnId, status), null, null, 0);
  }

  #event(time: number, fields: string): void {
    this.#log.event(time, this.#thread.threadId, this.turnId, fields);
  }
}
