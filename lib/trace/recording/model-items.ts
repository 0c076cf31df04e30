import { isObject, type JsonObject } from '../json-text.js';
import { stringify } from './json.js';

const ROLES: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool'];

/** Types that the format knows and asks nothing of. */
const PLAIN_TYPES = new Set([
  'local_shell_call',
  'web_search_call',
  'image_generation_call',
  'tool_search_call',
  'tool_search_output',
  'mcp_tool_call_output',
  'function_call_output',
  'custom_tool_call_output',
]);

/**
 * The model items of one thread, as the trace format takes them. The format refuses a whole trace because of one item
 * it does not understand, so such an item is recorded as a message that holds it. Short forms that model APIs accept
 * are written out. A call of `exec` as a function is recorded as the freeform call that the format knows cells by.
 */
export class ModelItems {
  /** What each call id was used for. */
  readonly #calls = new Map<string, string>();
  readonly #execCalls = new Set<string>();

  /** `role` is that of a text given in place of items. */
  list(given: unknown, role: 'user' | 'assistant'): unknown[] {
    if (typeof given === 'string') return [message(role, [{ type: 'input_text', text: given }])];
    return Array.isArray(given) ? given.map((item: unknown) => this.#item(item)) : [];
  }

  #item(given: unknown): unknown {
    if (!isObject(given)) return hold(given);
    const item = this.#normalize(given);
    return this.#isUnderstood(item) ? item : hold(item);
  }

  #normalize(item: JsonObject): JsonObject {
    const { type, role, content } = item;
    if ((type === undefined || type === 'message') && role !== undefined) {
      const parts = typeof content === 'string' ? [{ type: textType(role), text: content }] : content;
      return { ...item, type: 'message', content: parts };
    }
    const callId = item['call_id'];
    if (typeof callId !== 'string') return item;
    if (type === 'function_call' && item['name'] === 'exec') {
      this.#execCalls.add(callId);
      const { arguments: text, ...rest } = item;
      return { ...rest, type: 'custom_tool_call', input: codeOf(text), recorded_arguments: text };
    }
    if (type === 'function_call_output' && this.#execCalls.has(callId)) {
      return { ...item, type: 'custom_tool_call_output' };
    }
    return item;
  }

  #isUnderstood(item: JsonObject): boolean {
    const { type } = item;
    switch (type) {
      case 'message':
        return ROLES.includes(item['role']);
      case 'reasoning':
        return isReasoning(item);
      case 'agent_message':
        return isAgentMessage(item);
      case 'function_call':
      case 'custom_tool_call':
        return this.#isNewOrSame(item);
      case 'compaction':
      case 'compaction_summary':
      case 'context_compaction':
        return typeof item['encrypted_content'] === 'string';
      default:
        return typeof type === 'string' && PLAIN_TYPES.has(type);
    }
  }

  /** A call id stands for one call; what uses it for another one is not understood. */
  #isNewOrSame(item: JsonObject): boolean {
    const callId = item['call_id'];
    if (typeof callId !== 'string') return true;
    const key = `${String(item['type'])}:${callId}`;
    const content = item['type'] === 'function_call' ? compact(item['arguments']) : compact(item['input']);
    const known = this.#calls.get(key);
    if (known === undefined) this.#calls.set(key, content);
    return known === undefined || known === content;
  }
}

function message(role: string, content: unknown): JsonObject {
  return { type: 'message', role, content };
}

function textType(role: unknown): string {
  return role === 'assistant' ? 'output_text' : 'input_text';
}

/** Whatever it is, as the one part of a message. */
function hold(item: unknown): JsonObject {
  const part = isObject(item) && typeof item['type'] === 'string' ? item : { type: 'unknown', value: item };
  return message('assistant', [part['type'] === 'text' ? { type: 'unknown', value: item } : part]);
}

function codeOf(text: unknown): string {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : text;
    if (isObject(value) && typeof value['code'] === 'string') return value['code'];
  } catch {
    // Not JSON: the text as it is.
  }
  return typeof text === 'string' ? text : '';
}

/** Arguments that differ in layout alone are the same. */
function compact(value: unknown): string {
  if (typeof value !== 'string') return stringify(value) ?? '';
  try {
    return JSON.stringify(JSON.parse(value));
  } catch {
    return value;
  }
}

function isReasoning({ content, summary, encrypted_content: encrypted }: JsonObject): boolean {
  const texts = countTexts(content ?? [], ['reasoning_text', 'text']);
  const summaries = countTexts(summary === undefined ? [] : summary, ['summary_text']);
  if (texts === null || summaries === null) return false;
  if (encrypted !== undefined && encrypted !== null && typeof encrypted !== 'string') return false;
  return texts + summaries > 0 || typeof encrypted === 'string';
}

/** How many texts a list has, or null when it holds something else. */
function countTexts(list: unknown, types: readonly string[]): number | null {
  if (!Array.isArray(list)) return null;
  const isText = (entry: unknown) =>
    isObject(entry) && types.includes(entry['type'] as string) && typeof entry['text'] === 'string';
  return list.every(isText) ? list.length : null;
}

function isAgentMessage({ author, recipient, content }: JsonObject): boolean {
  if (typeof author !== 'string' || typeof recipient !== 'string') return false;
  if (!Array.isArray(content) || content.length === 0) return false;
  return content.every((part: unknown) => {
    if (!isObject(part)) return false;
    if (part['type'] === 'input_text') return typeof part['text'] === 'string';
    return part['type'] === 'encrypted_content' && typeof part['encrypted_content'] === 'string';
  });
}
