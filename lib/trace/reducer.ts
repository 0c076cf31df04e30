import { agentResult, targetedEdge } from './agents.js';
import { cellResponded, startCell } from './code-cells.js';
import { endCompactionRequest, installCompaction, startCompactionRequest } from './compaction.js';
import { acceptAgentMessage, acceptItem } from './conversation.js';
import { TraceError, TraceProblem, type TraceDiagnostic } from './errors.js';
import { payloadReferences, readEvent, type EventOfType, type TraceEvent } from './events.js';
import { ExtensionCollector } from './extensions.js';
import { TraceGraph } from './graph.js';
import { endInference, endTurn, startInference } from './inference.js';
import { normalizeWhole } from './items.js';
import { PayloadText } from './json-text.js';
import type { PayloadReference, TraceState } from './state.js';
import { buildState } from './state-builder.js';
import { correlateMcp, endTool, runtimeEnded, runtimeStarted, startTool } from './tool-calls.js';
import { startThread } from './threads.js';
import { resolveStdinTarget } from './terminals.js';

/** `manifest.json` of a bundle. */
export interface TraceManifest {
  schema_version: number;
  trace_id: string;
  rollout_id: string;
  root_thread_id: string;
  started_at_unix_ms: number;
  raw_event_log: string;
  payloads_dir: string;
}

export interface TraceReducerOptions {
  manifest: TraceManifest;
  /** The text of a payload file; whatever it throws counts as a payload that is lost. */
  readPayload: (reference: PayloadReference) => string;
  /** Refuse what the format does not allow (default false: note it and go on). */
  strict?: boolean;
}

/** Where an event stands in its log. */
export interface EventPosition {
  /** One-based. */
  line?: number;
  /** Whether a newline ends the line (default true): a recording counts as complete only if one does. */
  terminated?: boolean;
}

/**
 * Turns raw events, one after the other, into the state graph. The state after any number of events is the one
 * that reducing a log of just these events gives.
 */
export class TraceReducer {
  readonly #graph: TraceGraph;
  readonly #manifest: TraceManifest;
  readonly #extensions: ExtensionCollector | undefined;
  /** Payloads of the event that is being applied, by path. */
  readonly #read = new Map<string, PayloadText | TraceProblem>();
  readonly #readText: TraceReducerOptions['readPayload'];
  #lastSeq = 0;
  #finished = false;

  /** @throws TraceError with `SCHEMA_VERSION` when the version cannot be read (in strict mode: is not 2). */
  constructor(options: TraceReducerOptions) {
    const { manifest, readPayload, strict = false } = options;
    const readable = manifest.schema_version === 2 || (manifest.schema_version === 1 && !strict);
    if (!readable && strict) {
      throw new TraceError('SCHEMA_VERSION', `the schema version ${manifest.schema_version} cannot be read`);
    }
    this.#manifest = manifest;
    this.#readText = readPayload;
    this.#graph = new TraceGraph(strict, (reference) => this.#readPayload(reference));
    this.#graph.traceId = manifest.trace_id;
    this.#graph.rolloutId = manifest.rollout_id;
    this.#graph.rootThreadId = manifest.root_thread_id;
    this.#graph.startedAt = manifest.started_at_unix_ms;
    this.#extensions = strict ? undefined : new ExtensionCollector(this.#graph, manifest.schema_version);
    if (manifest.schema_version === 1) {
      this.#graph.warn('SCHEMA_VERSION', 'the bundle has schema version 1, which knows no accepted history');
    }
    if (!readable) {
      this.#graph.note(
        'error',
        'SCHEMA_VERSION',
        `the schema version ${manifest.schema_version} is not known`,
      );
    }
  }

  /** What was found so far. Empty in strict mode, except for warnings. */
  get diagnostics(): readonly TraceDiagnostic[] {
    return this.#graph.diagnostics;
  }

  /**
   * Applies one event: a line of the log, parsed.
   *
   * @throws TraceError in strict mode, when the format does not allow the event here.
   */
  push(event: unknown, position: EventPosition = {}): void {
    const graph = this.#graph;
    graph.locate({ seq: 0, time: 0, line: position.line });
    this.#read.clear();
    try {
      this.#apply(event, position);
    } catch (error) {
      if (!(error instanceof TraceProblem)) throw error;
      if (graph.strict) throw this.#located(error);
      graph.note('error', error.problem, error.message);
    }
  }

  /** Notes something about the log itself; in strict mode it ends the reduction. */
  reject(problem: TraceProblem, position: EventPosition = {}): void {
    this.#graph.locate({ seq: 0, time: 0, line: position.line });
    if (this.#graph.strict) throw this.#located(problem);
    this.#graph.note('error', problem.problem, problem.message);
  }

  /**
   * The graph as of now, independent of events still to come.
   *
   * @throws TraceError in strict mode, when what is known so far contradicts itself.
   */
  state(): TraceState {
    try {
      return buildState(this.#graph, targetedEdge, this.#extensions);
    } catch (error) {
      if (error instanceof TraceProblem) throw this.#located(error);
      throw error;
    }
  }

  #located(problem: TraceProblem): TraceError {
    const { seq, line } = this.#graph.location;
    return new TraceError(problem.problem, problem.message, { seq: seq > 0 ? seq : undefined, line });
  }

  #readPayload(reference: PayloadReference): PayloadText {
    let read = this.#read.get(reference.path);
    if (read === undefined) this.#read.set(reference.path, (read = this.#parsePayload(reference)));
    if (read instanceof TraceProblem) throw read;
    return read;
  }

  #parsePayload(reference: PayloadReference): PayloadText | TraceProblem {
    let text: string;
    try {
      text = this.#readText(reference);
    } catch (error) {
      if (error instanceof TraceProblem) return error;
      const reason = error instanceof Error ? error.message : String(error);
      return new TraceProblem('PAYLOAD', `the payload ${reference.raw_payload_id} cannot be read: ${reason}`);
    }
    try {
      return new PayloadText(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return new TraceProblem(
        'PAYLOAD',
        `the payload ${reference.raw_payload_id} is not JSON: ${error.message}`,
      );
    }
  }

  #apply(value: unknown, position: EventPosition): void {
    const graph = this.#graph;
    const event = readEvent(value, !graph.strict);
    graph.locate({ seq: event.seq, time: event.wall_time_unix_ms, line: position.line });
    this.#checkEnvelope(event);
    if (event.payload.type === null) {
      this.#extensions?.unknownEvent(event.seq, event.payload.unknown_type);
      throw new TraceProblem('UNKNOWN_EVENT', `the event type "${event.payload.unknown_type}" is not known`);
    }
    const known = event as TraceEvent;
    if (known.payload.type === 'recording_completed') {
      this.#finished = true;
      if (position.terminated ?? true) graph.recordingCompleted = true;
      return;
    }
    for (const reference of payloadReferences(known.payload)) {
      graph.payloads.set(reference.raw_payload_id, reference);
      graph.attempt(() => graph.readPayload(reference));
    }
    this.#extensions?.observe(known);
    this.#reduce(known);
  }

  #checkEnvelope(event: Omit<TraceEvent, 'payload'>): void {
    const graph = this.#graph;
    const first = this.#manifest.schema_version === 1;
    if (event.schema_version !== 2 && !(first && event.schema_version === 1)) {
      graph.problem('SCHEMA_VERSION', `the event has the schema version ${event.schema_version}`);
    }
    if (event.rollout_id !== graph.rolloutId) {
      graph.problem('ROLLOUT_MISMATCH', `the event belongs to the rollout ${event.rollout_id}`);
    }
    if (event.seq !== this.#lastSeq + 1) {
      graph.problem('SEQUENCE', `seq ${this.#lastSeq + 1} was expected, not ${event.seq}`);
    }
    this.#lastSeq = event.seq;
    if (this.#finished) graph.problem('AFTER_RECORDING', 'the event follows the end of the recording');
  }

  #reduce(event: TraceEvent): void {
    const graph = this.#graph;
    const { payload } = event;
    switch (payload.type) {
      case 'rollout_started':
        graph.traceId = payload.trace_id;
        graph.rootThreadId = payload.root_thread_id;
        return;
      case 'rollout_ended':
        graph.status = payload.status;
        graph.endedAt = event.wall_time_unix_ms;
        return;
      case 'thread_started':
        return startThread(graph, payload);
      case 'thread_ended':
        return graph.closeWindow(graph.thread(payload.thread_id, 'an end').thread.execution, payload.status);
      case 'thread_resumed':
        return this.#resumeThread(payload.thread_id);
      case 'codex_turn_started':
        return this.#startTurn(payload);
      case 'codex_turn_ended':
        return endTurn(graph, event, payload);
      case 'history_item_accepted':
        return this.#accept(event, payload);
      case 'inference_started':
        return startInference(graph, payload);
      case 'inference_completed':
      case 'inference_failed':
      case 'inference_cancelled':
        return endInference(graph, payload);
      case 'tool_call_started':
        return startTool(graph, event, payload);
      case 'mcp_tool_call_correlation_assigned':
        return correlateMcp(graph, payload);
      case 'stdin_target_resolved':
        return resolveStdinTarget(graph, payload);
      case 'tool_call_runtime_started':
        return runtimeStarted(graph, payload);
      case 'tool_call_runtime_ended':
        return runtimeEnded(graph, payload);
      case 'tool_call_ended':
        return endTool(graph, payload);
      case 'code_cell_started':
        return startCell(graph, event, payload);
      case 'code_cell_initial_response':
      case 'code_cell_ended':
        return cellResponded(graph, event, payload);
      case 'compaction_request_started':
        return startCompactionRequest(graph, payload);
      case 'compaction_request_completed':
      case 'compaction_request_failed':
        return endCompactionRequest(graph, payload);
      case 'compaction_installed':
        return installCompaction(graph, event, payload);
      case 'agent_result_observed':
        return agentResult(graph, payload);
      case 'protocol_event_observed':
      case 'recording_completed':
        return;
      case 'other':
        this.#extensions?.unknownEvent(event.seq, 'other');
        throw new TraceProblem('UNSUPPORTED_EVENT', 'the event type "other" has no meaning for the state');
    }
  }

  #resumeThread(threadId: string): void {
    const { execution } = this.#graph.thread(threadId, 'a resumption').thread;
    if (execution.ended_seq === null) {
      this.#graph.problem('DUPLICATE_START', `the thread ${threadId} was resumed while it was running`);
    }
    execution.ended_at_unix_ms = null;
    execution.ended_seq = null;
    execution.status = 'running';
  }

  #startTurn(payload: EventOfType<'codex_turn_started'>): void {
    const graph = this.#graph;
    const id = payload.codex_turn_id;
    if (graph.turns.has(id)) throw new TraceProblem('DUPLICATE_START', `the turn ${id} was started twice`);
    graph.thread(payload.thread_id, `the start of turn ${id}`);
    graph.addTurn(id, payload.thread_id);
  }

  #accept(event: TraceEvent, payload: EventOfType<'history_item_accepted'>): void {
    const graph = this.#graph;
    if (event.thread_id === null) {
      throw new TraceProblem('NO_CONTEXT', `the acceptance of ${payload.item_id} has no thread`);
    }
    const thread = graph.thread(event.thread_id, `the acceptance of ${payload.item_id}`);
    acceptItem(graph, thread, payload.item_id);
    const reference = payload.agent_message_payload;
    if (reference === null) return;
    const item = normalizeWhole(graph.readPayload(reference), reference);
    if (item.agentMessage === null || item.providerId !== payload.item_id) {
      throw new TraceProblem('PAYLOAD', `the accepted message is not the agent message ${payload.item_id}`);
    }
    acceptAgentMessage(graph, thread, event.codex_turn_id, item);
  }
}
