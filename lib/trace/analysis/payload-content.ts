import { isObject } from '../json-text.js';
import type { ConversationItem } from '../state.js';

/** What a cell handed over at one observation. */
export interface CellOutput {
  /** One text per output item; images and audio as `[image]`, `[audio]`. */
  items: string[];
  /** The script's error: message and stack, or null. */
  errorText: string | null;
}

/** Reads the payload of a cell's response; undefined for anything else. */
export function readCellResponse(payload: unknown): CellOutput | undefined {
  const response = member(payload, 'response');
  if (!isObject(response)) return undefined;
  // An enum of one member: Result, Yielded, Terminated.
  const [inner] = Object.values(response).filter(isObject);
  const result = inner ?? response;
  const items = member(result, 'content_items');
  const error = member(result, 'error_text');
  if (!Array.isArray(items) && error === undefined) return undefined;
  return {
    items: Array.isArray(items) ? items.map(contentText) : [],
    errorText: typeof error === 'string' ? error : null,
  };
}

/** The result of a tool call as text, and whether it is an error; undefined for anything else. */
export interface ToolOutput {
  text: string;
  isError: boolean;
}

/** Reads the payload of a tool call's result; undefined for anything else. */
export function readToolResult(payload: unknown): ToolOutput | undefined {
  if (!isObject(payload)) return undefined;
  const { type, value, error } = payload;
  if (type === 'error') return { text: plainText(error), isError: true };
  if (type === 'direct_response') {
    const output = member(payload['response_item'], 'output');
    return { text: outputText(output), isError: false };
  }
  if (type !== 'code_mode_response') return undefined;
  const content = member(value, 'content');
  const isError = member(value, 'isError') === true;
  if (Array.isArray(content)) return { text: content.map(contentText).join('\n'), isError };
  return { text: plainText(value), isError };
}

/** The text that the model was given for a call: a string, or content items. */
export function outputText(output: unknown): string {
  return Array.isArray(output) ? output.map(contentText).join('\n') : plainText(output);
}

/** The input of a tool call as text (JSON, or freeform); undefined for anything else. */
export function readToolInvocation(payload: unknown): string | undefined {
  const call = member(payload, 'payload');
  if (!isObject(call)) return undefined;
  const { arguments: args, input, command } = call;
  for (const value of [input, args, command]) if (value !== undefined) return plainText(value);
  return undefined;
}

/** Why a runtime says that a call failed: the payload of a `tool_call_runtime_ended`. */
export function readRuntimeError(payload: unknown): string | undefined {
  const failure = member(member(payload, 'result'), 'Err');
  if (typeof failure === 'string') return failure;
  const output = member(payload, 'aggregated_output') ?? member(payload, 'stderr');
  return typeof output === 'string' && output !== '' ? output : undefined;
}

/** The message of an `error`, `warning` or `turn_aborted` event of the host. */
export function readProtocolMessage(payload: unknown): string | undefined {
  for (const value of [
    member(payload, 'message'),
    member(member(payload, 'error'), 'message'),
    member(payload, 'reason'),
  ]) {
    if (typeof value === 'string') return value;
  }
  return undefined;
}

/** A conversation item as text; what cannot be read as text is named in brackets. */
export function itemText({ body }: ConversationItem): string {
  return body.parts
    .map((part) => {
      switch (part.type) {
        case 'text':
        case 'summary':
          return part.text;
        case 'code':
          return part.source;
        case 'json':
          return part.summary;
        case 'encoded':
        case 'payload_ref':
          return `[${part.label.replace(/^input_/, '')}]`;
      }
    })
    .join('\n');
}

const execHeader =
  /^(?:Script (?:completed|failed|terminated)|Script running with cell ID [^\n]*)\nWall time [^\n]*\nOutput:\n?/;

/** The output of `exec` or `wait` without the header that the model gets in front of it. */
export function withoutExecHeader(text: string): string {
  return text.replace(execHeader, '').replace(/^\n/, '');
}

function contentText(item: unknown): string {
  if (!isObject(item)) return plainText(item);
  if (typeof item['text'] === 'string') return item['text'];
  const type = typeof item['type'] === 'string' ? item['type'] : 'content';
  return `[${type.replace(/^input_/, '')}]`;
}

function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '';
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
