import { text } from '../../option-reader.js';
import type { EventLog } from './event-log.js';
import { uuidV7 } from './ids.js';
import { toJson } from './json.js';
import { readRequest, type RecordedRequest, type ThreadRequests, type TraceResponse } from './requests.js';
import type { ThreadLog } from './thread-log.js';

export interface InferenceOptions {
  model: string;
  providerName: string;
  /** The body of the request, in the format of the Responses API: `input`, `previous_response_id` ... */
  request: object;
  inferenceCallId?: string | null | undefined;
}

export interface UnfinishedInference {
  upstreamRequestId?: string | null | undefined;
  /** What had arrived. */
  partial?: TraceResponse | null | undefined;
}

/** One request to a model. Its first end counts. */
export class TraceInference {
  readonly inferenceCallId: string;
  readonly #log: EventLog;
  readonly #thread: ThreadLog;
  readonly #requests: ThreadRequests;
  readonly #turnId: string;
  readonly #request: RecordedRequest | null = null;
  #hasEnded = false;

  /** @internal */
  constructor(
    log: EventLog,
    thread: ThreadLog,
    requests: ThreadRequests,
    turnId: string,
    { model, providerName, request, inferenceCallId }: InferenceOptions,
  ) {
    this.#log = log;
    this.#thread = thread;
    this.#requests = requests;
    this.#turnId = turnId;
    const given = text(inferenceCallId, 'inferenceCallId');
    this.inferenceCallId = log.uniqueId(given ?? uuidV7(Date.now()));
    if (log.isFull) {
      log.drop();
      return;
    }
    const recorded = requests.request(readRequest(request));
    this.#request = recorded.request;
    const fields = JSON.stringify({
      type: 'inference_started',
      inference_call_id: this.inferenceCallId,
      thread_id: thread.threadId,
      codex_turn_id: turnId,
      model,
      provider_name: providerName,
    });
    const apply = (time: number) => {
      thread.hasInference = true;
      this.#event(time, fields, 'request_payload', log.payload('inference_request', recorded.json));
    };
    log.note(apply, null, null, recorded.json.length);
  }

  completed(response: TraceResponse): void {
    const { responseId = null, upstreamRequestId = null } = response;
    const json = this.#end(response);
    if (json === null) return;
    const fields = this.#fields('inference_completed', {
      response_id: responseId,
      upstream_request_id: upstreamRequestId,
    });
    const apply = (time: number) => {
      this.#event(time, fields, 'response_payload', this.#log.payload('inference_response', json));
    };
    this.#log.note(apply, null, null, json.length);
  }

  failed(error: unknown, options: UnfinishedInference = {}): void {
    this.#unfinished('inference_failed', 'error', error, options);
  }

  /** The response was not wanted any more. */
  cancelled(reason: string, options: UnfinishedInference = {}): void {
    this.#unfinished('inference_cancelled', 'reason', reason, options);
  }

  #unfinished(type: string, member: string, reason: unknown, options: UnfinishedInference): void {
    const { partial = null, upstreamRequestId = null } = options;
    const json = this.#end(partial ?? { outputItems: [] });
    if (json === null) return;
    const message = reason instanceof Error ? reason.message : String(reason);
    const apply = (time: number) => {
      const fields = this.#fields(type, {
        upstream_request_id: upstreamRequestId,
        [member]: this.#log.rules.plain(message, member),
      });
      const payload = partial === null ? 'null' : this.#log.payload('inference_response', json);
      this.#event(time, fields, 'partial_response_payload', payload);
    };
    this.#log.note(apply, null, null, json.length);
  }

  /** The JSON text of the response payload; null when the call has ended or was not recorded. */
  #end(response: TraceResponse): string | null {
    if (this.#hasEnded) return null;
    this.#hasEnded = true;
    if (this.#request !== null) return this.#requests.response(this.#request, response);
    this.#log.drop();
    return null;
  }

  #fields(type: string, members: Record<string, unknown>): string {
    return JSON.stringify({ type, inference_call_id: this.inferenceCallId, ...members });
  }

  #event(time: number, fields: string, member: string, payload: string): void {
    this.#log.event(
      time,
      this.#thread.threadId,
      this.#turnId,
      `${fields.slice(0, -1)},"${member}":${payload}}`,
    );
  }
}

export interface CompactionOptions {
  model: string;
  providerName: string;
  request: object;
  compactionId?: string | null | undefined;
}

/** A request for a shorter history, and the history it led to. */
export class TraceCompaction {
  readonly compactionId: string;
  readonly #log: EventLog;
  readonly #thread: ThreadLog;
  readonly #requests: ThreadRequests;
  readonly #turnId: string;
  readonly #requestId: string;
  readonly #isRecorded: boolean;
  #hasEnded = false;
  #isInstalled = false;

  /** @internal */
  constructor(
    log: EventLog,
    thread: ThreadLog,
    requests: ThreadRequests,
    turnId: string,
    { model, providerName, request, compactionId }: CompactionOptions,
  ) {
    this.#log = log;
    this.#thread = thread;
    this.#requests = requests;
    this.#turnId = turnId;
    this.compactionId = log.uniqueId(text(compactionId, 'compactionId') ?? uuidV7(Date.now()));
    this.#requestId = `compaction_request:${this.compactionId}`;
    this.#isRecorded = !log.isFull;
    if (!this.#isRecorded) {
      log.drop();
      return;
    }
    const json = toJson(request);
    const members = {
      thread_id: thread.threadId,
      codex_turn_id: turnId,
      model,
      provider_name: providerName,
    };
    const apply = (time: number) => {
      const payload = log.payload('compaction_request', json);
      this.#event(time, 'compaction_request_started', members, 'request_payload', payload);
    };
    log.note(apply, null, null, json.length);
  }

  completed(response: { outputItems: readonly unknown[] }): void {
    const json = toJson({ output_items: response.outputItems });
    this.#end((time) => {
      const payload = this.#log.payload('compaction_response', json);
      this.#event(time, 'compaction_request_completed', {}, 'response_payload', payload);
    }, json.length);
  }

  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#end((time) => {
      const shown = this.#log.rules.quote(message, 'error');
      this.#event(time, 'compaction_request_failed', {}, 'error', shown);
    }, message.length);
  }

  /** The history was replaced. Both lists are in the wire format of the Responses API. */
  installed(history: { input: readonly unknown[]; replacement: readonly unknown[] }): void {
    if (this.#isInstalled) return;
    this.#isInstalled = true;
    if (!this.#isRecorded) return this.#log.drop();
    const json = toJson({
      input_history: this.#requests.list(history.input),
      replacement_history: this.#requests.list(history.replacement),
    });
    const apply = (time: number) => {
      const payload = this.#log.payload('compaction_checkpoint', json);
      this.#log.event(
        time,
        this.#thread.threadId,
        this.#turnId,
        `{"type":"compaction_installed","compaction_id":${JSON.stringify(this.compactionId)},"checkpoint_payload":${payload}}`,
      );
    };
    this.#log.note(apply, null, null, json.length);
  }

  #end(apply: (time: number) => void, length: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#isRecorded) this.#log.note(apply, null, null, length);
    else this.#log.drop();
  }

  #event(time: number, type: string, members: Record<string, unknown>, member: string, json: string): void {
    const fields = JSON.stringify({
      type,
      compaction_id: this.compactionId,
      compaction_request_id: this.#requestId,
      ...members,
    });
    this.#log.event(time, this.#thread.threadId, this.#turnId, `${fields.slice(0, -1)},"${member}":${json}}`);
  }
}
