import type { EventLog } from './event-log.js';
import { uuidV7 } from './ids.js';
import type { NestedCall, SessionEvents } from './session-events.js';

export type TurnStatus = 'completed' | 'failed' | 'cancelled' | 'aborted';
export type ThreadStatus = 'completed' | 'failed' | 'aborted';

/** One thread of the bundle while its notes are applied: its turn, its sessions and what the model was told. */
export class ThreadLog {
  readonly threadId: string;
  readonly #log: EventLog;
  readonly #sessions: SessionEvents[] = [];
  /** Whether the host records what it asks its model. */
  hasInference = false;
  /** The turn that things belong to now, or null between turns. */
  turnId: string | null = null;
  #ownTurn: string | null = null;
  readonly #openTurns = new Set<string>();
  /** The host's own tool calls that have not ended. */
  readonly #openCalls = new Set<string>();
  #hasEnded = false;
  /** Answers that no recorded request has shown yet. */
  #answers: unknown[] = [];
  #lastResponse: string | null = null;

  constructor(log: EventLog, threadId: string) {
    this.#log = log;
    this.threadId = threadId;
  }

  /** Adds a session; gives its number in the thread, from 1. */
  nextSession(session: SessionEvents): number {
    return this.#sessions.push(session);
  }

  findCall(cellId: string, callId: string): NestedCall | undefined {
    for (const session of [...this.#sessions].reverse()) {
      const found = session.findCall(cellId, callId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  start(time: number, agentPath: string, metadata: string): void {
    const payload = this.#log.payload('session_metadata', metadata);
    this.#log.event(
      time,
      null,
      null,
      `{"type":"thread_started","thread_id":${JSON.stringify(this.threadId)},` +
        `"agent_path":${JSON.stringify(agentPath)},"metadata_payload":${payload}}`,
    );
  }

  /** The turn of now. Between turns of the host, one of its own is opened, which lasts until the next. */
  turn(time: number): string {
    if (this.turnId === null) {
      this.#ownTurn = uuidV7(time);
      this.startTurn(time, this.#ownTurn);
    }
    return this.turnId as unknown as string;
  }

  startTurn(time: number, turnId: string): void {
    if (this.#ownTurn !== null && this.#ownTurn !== turnId) this.#endOwnTurn(time);
    this.turnId = turnId;
    this.#openTurns.add(turnId);
    this.#log.event(
      time,
      this.threadId,
      turnId,
      `{"type":"codex_turn_started","codex_turn_id":${JSON.stringify(turnId)},"thread_id":${JSON.stringify(this.threadId)}}`,
    );
  }

  endTurn(time: number, turnId: string, status: TurnStatus): void {
    if (!this.#openTurns.delete(turnId)) return;
    this.#log.event(
      time,
      this.threadId,
      turnId,
      `{"type":"codex_turn_ended","codex_turn_id":${JSON.stringify(turnId)},"status":"${status}"}`,
    );
    if (this.turnId === turnId) this.turnId = null;
    if (this.#ownTurn === turnId) this.#ownTurn = null;
  }

  end(time: number, status: ThreadStatus): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    let isCut = false;
    for (const session of this.#sessions) if (session.abandon(time)) isCut = true;
    for (const id of this.#openCalls) this.#abandonCall(time, id);
    if (!this.hasInference && this.#answers.length > 0) this.#infer(time, []);
    // Cells that still run are ended by the end of their turn.
    if (!isCut) this.#endOwnTurn(time);
    for (const turnId of [...this.#openTurns]) this.endTurn(time, turnId, 'aborted');
    this.#log.event(
      time,
      null,
      null,
      `{"type":"thread_ended","thread_id":${JSON.stringify(this.threadId)},"status":"${status}"}`,
    );
  }

  callStarted(toolCallId: string): void {
    this.#openCalls.add(toolCallId);
  }

  callEnded(toolCallId: string): void {
    this.#openCalls.delete(toolCallId);
  }

  protocolEvent(time: number, type: string, json: string): void {
    const payload = this.#log.payload('protocol_event', json);
    const fields = `{"type":"protocol_event_observed","event_type":${JSON.stringify(type)},"event_payload":${payload}}`;
    this.#log.event(time, null, null, fields);
  }

  /**
   * A call that is about to be served. Where the host records no inference, the call would hang in the air: an
   * inference that asked for it is recorded in its place, with the provider `codecell`.
   */
  announce(time: number, item: Record<string, unknown>): void {
    if (!this.hasInference) this.#infer(time, [item]);
  }

  /** The answer to a call, which the next recorded request shows. */
  answered(item: unknown): void {
    if (!this.hasInference) this.#answers.push(item);
  }

  #infer(time: number, outputItems: unknown[]): void {
    const turnId = this.turn(time);
    const id = uuidV7(time);
    const request = {
      input: this.#answers,
      ...(this.#lastResponse === null ? {} : { previous_response_id: this.#lastResponse }),
    };
    this.#answers = [];
    this.#lastResponse = `response-${id}`;
    const requestPayload = this.#log.payload('inference_request', JSON.stringify(request));
    this.#log.event(
      time,
      this.threadId,
      turnId,
      `{"type":"inference_started","inference_call_id":"${id}","thread_id":${JSON.stringify(this.threadId)},` +
        `"codex_turn_id":${JSON.stringify(turnId)},"model":"unrecorded","provider_name":"codecell","request_payload":${requestPayload}}`,
    );
    const response = { response_id: this.#lastResponse, output_items: outputItems };
    const responsePayload = this.#log.payload('inference_response', JSON.stringify(response));
    this.#log.event(
      time,
      this.threadId,
      turnId,
      `{"type":"inference_completed","inference_call_id":"${id}","response_id":"${this.#lastResponse}",` +
        `"upstream_request_id":null,"response_payload":${responsePayload}}`,
    );
  }

  #abandonCall(time: number, toolCallId: string): void {
    const fields = {
      type: 'tool_call_ended',
      tool_call_id: toolCallId,
      status: 'aborted',
      result_payload: null,
    };
    this.#log.event(time, this.threadId, this.turnId, JSON.stringify(fields));
  }

  #endOwnTurn(time: number): void {
    if (this.#ownTurn !== null) this.endTurn(time, this.#ownTurn, 'completed');
  }
}
