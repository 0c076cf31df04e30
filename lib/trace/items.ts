import { TraceProblem } from './errors.js';
import {
  cutSummary,
  hashExact,
  isObject,
  parseExact,
  renderExact,
  type JsonObject,
  type PayloadText,
} from './json-text.js';
import type {
  ConversationChannel,
  ConversationItemKind,
  ConversationPart,
  ConversationRole,
  PayloadReference,
} from './state.js';

/** A model item of a request, response or checkpoint in the terms of the state. */
export interface NormalizedItem {
  providerId: string | null;
  role: ConversationRole;
  channel: ConversationChannel | null;
  kind: ConversationItemKind;
  agentMessage: { author: string; recipient: string } | null;
  parts: ConversationPart[];
  callId: string | null;
  keys: readonly string[];
}

/** Where a model item lies: in which payload, and how to get there. */
interface Place {
  payload: PayloadText;
  payloadId: string;
  path: readonly (string | number)[];
}

type Body = Pick<NormalizedItem, 'role' | 'channel' | 'kind' | 'parts'> & {
  agentMessage?: { author: string; recipient: string };
};

/**
 * Texts by which two items are recognised as the same. Payload ids differ with every sighting, so a JSON part
 * counts by its summary and other content by its hash.
 */
export function contentKeys(
  item: Pick<NormalizedItem, 'role' | 'channel' | 'kind' | 'agentMessage' | 'parts' | 'callId'>,
): string[] {
  const head = [item.role, item.channel, item.kind, item.callId, item.agentMessage];
  const parts = item.parts.map((part) => {
    if (part.type === 'json') return ['json', part.summary];
    if (part.type === 'payload_ref') {
      return part.content_sha256 === undefined
        ? ['payload', part.label, part.raw_payload_id]
        : ['content', part.label, part.content_sha256];
    }
    return part;
  });
  const keys = [JSON.stringify([head, parts])];
  if (item.kind === 'reasoning') {
    const encoded = item.parts.filter((part) => part.type === 'encoded');
    if (encoded.length > 0) keys.push(JSON.stringify([head, 'encoded', encoded]));
  }
  return keys;
}

function unsupported(place: Place, message: string): never {
  throw new TraceProblem('ITEM_UNSUPPORTED', `${message} (payload ${place.payloadId})`);
}

/**
 * Turns the model items at `path` (an array) into normalized items.
 *
 * @throws TraceProblem with `ITEM_UNSUPPORTED`; `onProblem` instead receives it when given, and the item is left out.
 */
export function normalizeItems(
  items: readonly unknown[],
  payload: PayloadText,
  reference: PayloadReference,
  path: readonly (string | number)[],
  onProblem: ((problem: TraceProblem) => void) | undefined,
): NormalizedItem[] {
  const result: NormalizedItem[] = [];
  items.forEach((item, index) => {
    const place = { payload, payloadId: reference.raw_payload_id, path: [...path, index] };
    if (onProblem === undefined) {
      result.push(normalizeItem(item, place));
      return;
    }
    try {
      result.push(normalizeItem(item, place));
    } catch (error) {
      if (!(error instanceof TraceProblem)) throw error;
      onProblem(error);
    }
  });
  return result;
}

/** One model item that is the whole payload. */
export function normalizeWhole(payload: PayloadText, reference: PayloadReference): NormalizedItem {
  return normalizeItem(payload.value, { payload, payloadId: reference.raw_payload_id, path: [] });
}

function normalizeItem(raw: unknown, place: Place): NormalizedItem {
  const type = isObject(raw) ? raw['type'] : undefined;
  if (!isObject(raw) || typeof type !== 'string') {
    return unsupported(place, 'a model item has no type');
  }
  const body = readBody(raw, type, place);
  const callId = raw['call_id'];
  const providerId = raw['id'];
  const item = {
    providerId: typeof providerId === 'string' ? providerId : null,
    role: body.role,
    channel: body.channel,
    kind: body.kind,
    agentMessage: body.agentMessage ?? null,
    parts: body.parts,
    callId:
      typeof callId === 'string' && body.kind !== 'message' && body.kind !== 'reasoning' ? callId : null,
  };
  return { ...item, keys: contentKeys(item) };
}

function readBody(raw: JsonObject, type: string, place: Place): Body {
  const call = { role: 'assistant', channel: 'commentary' } as const;
  const output = { role: 'tool', channel: 'commentary' } as const;
  switch (type) {
    case 'message':
      return readMessage(raw, place);
    case 'reasoning':
      return { role: 'assistant', channel: 'analysis', kind: 'reasoning', parts: readReasoning(raw, place) };
    case 'agent_message':
      return readAgentMessage(raw, place);
    case 'function_call':
      return { ...call, kind: 'function_call', parts: readArguments(raw, place) };
    case 'custom_tool_call':
      return { ...call, kind: 'custom_tool_call', parts: readCustomInput(raw, place) };
    case 'tool_search_call':
    case 'web_search_call':
    case 'image_generation_call':
    case 'local_shell_call':
      return { ...call, kind: 'function_call', parts: [jsonPart(place, [])] };
    case 'function_call_output':
      return { ...output, kind: 'function_call_output', parts: readOutput(raw, place) };
    case 'custom_tool_call_output':
      return { ...output, kind: 'custom_tool_call_output', parts: readOutput(raw, place) };
    case 'tool_search_output':
    case 'mcp_tool_call_output':
      return { ...output, kind: 'function_call_output', parts: [jsonPart(place, [])] };
    case 'compaction':
    case 'compaction_summary':
    case 'context_compaction': {
      const value = raw['encrypted_content'];
      if (typeof value !== 'string') return unsupported(place, `a ${type} item has no encrypted_content`);
      return {
        role: 'assistant',
        channel: 'summary',
        kind: 'message',
        parts: [{ type: 'encoded', label: 'encrypted_content', value }],
      };
    }
    default:
      return unsupported(place, `the model item type "${type}" is not known`);
  }
}

function jsonPart(place: Place, steps: readonly string[]): ConversationPart {
  const exact = place.payload.at([...place.path, ...steps]);
  return { type: 'json', summary: cutSummary(renderExact(exact)), raw_payload_id: place.payloadId };
}

const roles: readonly string[] = ['system', 'developer', 'user', 'assistant', 'tool'];
const phases: Record<string, ConversationChannel> = {
  commentary: 'commentary',
  final_answer: 'final',
  summary: 'summary',
};

function readMessage(raw: JsonObject, place: Place): Body {
  const role = raw['role'];
  if (typeof role !== 'string' || !roles.includes(role)) {
    return unsupported(place, `the message role ${JSON.stringify(role)} is not known`);
  }
  const phase = raw['phase'];
  return {
    role: role as ConversationRole,
    channel: typeof phase === 'string' && Object.hasOwn(phases, phase) ? phases[phase]! : null,
    kind: 'message',
    parts: readContent(raw['content'], 'content', place),
  };
}

const textTypes: readonly unknown[] = ['input_text', 'output_text', 'text'];

function readContent(content: unknown, name: string, place: Place): ConversationPart[] {
  if (!Array.isArray(content)) {
    return [{ type: 'payload_ref', label: 'content', raw_payload_id: place.payloadId }];
  }
  const parts: ConversationPart[] = [];
  content.forEach((part: unknown, index) => {
    const type = isObject(part) ? part['type'] : undefined;
    if (isObject(part) && textTypes.includes(type)) {
      // A text part without a text says nothing.
      if (typeof part['text'] === 'string') parts.push({ type: 'text', text: part['text'] });
      return;
    }
    parts.push({
      type: 'payload_ref',
      label: typeof type === 'string' ? type : 'content',
      raw_payload_id: place.payloadId,
      content_sha256: hashExact(place.payload.at([...place.path, name, index])),
    });
  });
  return parts;
}

function readArguments(raw: JsonObject, place: Place): ConversationPart[] {
  const value = raw['arguments'];
  if (value === undefined)
    return [{ type: 'payload_ref', label: 'payload', raw_payload_id: place.payloadId }];
  if (typeof value !== 'string') return [jsonPart(place, ['arguments'])];
  try {
    const summary = cutSummary(renderExact(parseExact(value)));
    return [{ type: 'json', summary, raw_payload_id: place.payloadId }];
  } catch {
    return [{ type: 'text', text: value }];
  }
}

function readCustomInput(raw: JsonObject, place: Place): ConversationPart[] {
  const input = raw['input'];
  if (typeof input !== 'string') return [jsonPart(place, [])];
  return raw['name'] === 'exec'
    ? [{ type: 'code', language: 'javascript', source: input }]
    : [{ type: 'text', text: input }];
}

function readOutput(raw: JsonObject, place: Place): ConversationPart[] {
  const output = raw['output'];
  if (output === undefined) {
    return [{ type: 'payload_ref', label: 'tool_output', raw_payload_id: place.payloadId }];
  }
  if (typeof output === 'string') return [{ type: 'text', text: output }];
  return Array.isArray(output) ? readContent(output, 'output', place) : [jsonPart(place, ['output'])];
}

function readReasoning(raw: JsonObject, place: Place): ConversationPart[] {
  const parts: ConversationPart[] = [];
  const readTexts = (name: 'content' | 'summary', types: readonly string[], type: 'text' | 'summary') => {
    const list = raw[name];
    if (list === undefined || (name === 'content' && list === null)) return;
    if (!Array.isArray(list)) unsupported(place, `the ${name} of a reasoning item is not an array`);
    for (const entry of list as unknown[]) {
      const entryType = isObject(entry) ? entry['type'] : undefined;
      const text = isObject(entry) ? entry['text'] : undefined;
      if (typeof entryType !== 'string' || !types.includes(entryType) || typeof text !== 'string') {
        unsupported(place, `the ${name} of a reasoning item holds something else than text`);
      }
      parts.push({ type, text: text });
    }
  };
  readTexts('content', ['reasoning_text', 'text'], 'text');
  readTexts('summary', ['summary_text'], 'summary');
  const encrypted = raw['encrypted_content'] ?? null;
  if (encrypted !== null && typeof encrypted !== 'string') {
    unsupported(place, 'the encrypted_content of a reasoning item is no string');
  }
  if (typeof encrypted === 'string') {
    parts.push({ type: 'encoded', label: 'encrypted_content', value: encrypted });
  }
  if (parts.length === 0)
    unsupported(place, 'a reasoning item has no content, no summary and nothing encrypted');
  return parts;
}

function readAgentMessage(raw: JsonObject, place: Place): Body {
  const { author, recipient, content } = raw;
  if (typeof author !== 'string' || typeof recipient !== 'string' || !Array.isArray(content)) {
    return unsupported(place, 'an agent_message needs an author, a recipient and content');
  }
  if (content.length === 0) unsupported(place, 'an agent_message has no content');
  const parts = content.map((part: unknown): ConversationPart => {
    if (isObject(part) && part['type'] === 'input_text' && typeof part['text'] === 'string') {
      return { type: 'text', text: part['text'] };
    }
    const value = isObject(part) ? part['encrypted_content'] : undefined;
    if (isObject(part) && part['type'] === 'encrypted_content' && typeof value === 'string') {
      return { type: 'encoded', label: 'encrypted_content', value };
    }
    return unsupported(place, 'the content of an agent_message holds something else than text');
  });
  return {
    role: 'assistant',
    channel: 'analysis',
    kind: 'message',
    agentMessage: { author, recipient },
    parts,
  };
}
