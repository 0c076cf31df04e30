import { describeValue, invalidOption } from '../../option-reader.js';
import { isObject, type JsonObject } from '../json-text.js';
import { toJson } from './json.js';
import type { ModelItems } from './model-items.js';

/** A request that was recorded, and what came of it. */
export interface RecordedRequest {
  responseId: string | null;
  previousId: string | null;
  /** JSON text of each input item. */
  input: string[];
  hasOutput: boolean;
}

/**
 * Makes requests and responses of a thread fit for the trace. A request that continues a response must continue one
 * that the trace holds, and add to what came last; any other is recorded as one that stands for itself.
 */
export class ThreadRequests {
  readonly #items: ModelItems;
  readonly #responses = new Set<string>();
  #latest: RecordedRequest | null = null;

  constructor(items: ModelItems) {
    this.#items = items;
  }

  /** A request and the JSON text of its payload. */
  request(given: JsonObject): { request: RecordedRequest; json: string } {
    const input = this.#items.list(given['input'], 'user');
    const previous = given['previous_response_id'];
    const previousId = typeof previous === 'string' ? previous : null;
    const texts = input.map((item) => toJson(item));
    const { previous_response_id: _, ...rest } = given;
    const continues = previousId !== null && this.#continues(previousId, texts);
    const request: RecordedRequest = {
      responseId: null,
      previousId: continues ? previousId : null,
      input: texts,
      hasOutput: false,
    };
    this.#latest = request;
    if (previousId === null) return { request, json: toJson({ ...rest, input }) };
    if (continues) return { request, json: toJson({ ...given, input }) };
    return { request, json: toJson({ ...rest, input, untraced_previous_response_id: previousId }) };
  }

  /** JSON text of a response payload. */
  response(request: RecordedRequest, given: TraceResponse): string {
    const { responseId = null, upstreamRequestId = null, outputItems, usage } = given;
    const items = this.#items.list(outputItems, 'assistant');
    request.hasOutput = items.length > 0;
    request.responseId = responseId;
    if (responseId !== null) this.#responses.add(responseId);
    return toJson({
      response_id: responseId,
      upstream_request_id: upstreamRequestId,
      token_usage: readUsage(usage),
      output_items: items,
    });
  }

  /** Items of a history, as they can be recorded. */
  list(items: readonly unknown[]): unknown[] {
    return this.#items.list(items, 'user');
  }

  #continues(previousId: string, input: readonly string[]): boolean {
    const latest = this.#latest;
    if (latest === null || !this.#responses.has(previousId)) return false;
    if (latest.responseId === previousId) return true;
    // The same request once more, after one that gave nothing.
    if (latest.previousId !== previousId || latest.hasOutput || latest.responseId !== null) return false;
    return latest.input.every((item, index) => index >= input.length || item === input[index]);
  }
}

/** What a model answered. */
export interface TraceResponse {
  responseId?: string | null | undefined;
  /** The provider's id of the request, for its support. */
  upstreamRequestId?: string | null | undefined;
  /** The output items, in the wire format of the Responses API. */
  outputItems: readonly unknown[];
  /** The `usage` of the Responses API, or the same counts by the names of the trace format. */
  usage?: unknown;
}

export function readRequest(given: unknown): JsonObject {
  if (isObject(given)) return given;
  throw invalidOption(`request must be an object; got ${describeValue(given)}`);
}

function readUsage(usage: unknown): JsonObject | null {
  if (!isObject(usage)) return null;
  const inner = (name: string, member: string): unknown => {
    const details = usage[name];
    return isObject(details) ? details[member] : undefined;
  };
  const count = (value: unknown): number =>
    typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
  return {
    input_tokens: count(usage['input_tokens']),
    cached_input_tokens: count(
      usage['cached_input_tokens'] ?? inner('input_tokens_details', 'cached_tokens'),
    ),
    cache_write_input_tokens: count(usage['cache_write_input_tokens']),
    output_tokens: count(usage['output_tokens']),
    reasoning_output_tokens: count(
      usage['reasoning_output_tokens'] ?? inner('output_tokens_details', 'reasoning_tokens'),
    ),
    total_tokens: count(usage['total_tokens']),
  };
}
