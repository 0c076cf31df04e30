import { isObject } from '../json-text.js';
import type { ToolKind } from '../state.js';

/** Kinds of calls to other agents, whose runtime evidence the host gives. */
export const AGENT_KINDS: ReadonlySet<ToolKind['type']> = new Set([
  'spawn_agent',
  'assign_agent_task',
  'send_message',
  'wait_agent',
  'close_agent',
]);

const CARRIES_MESSAGE: ReadonlySet<ToolKind['type']> = new Set([
  'spawn_agent',
  'assign_agent_task',
  'send_message',
]);

/** Longer arguments may be cut, and are then no longer JSON. */
const LONGEST_MESSAGE = 16_384;

/**
 * The kind a call is recorded with. A kind that needs evidence the call does not have (a terminal's, or the message
 * to an agent) would make the trace unreadable: such a call is recorded by its name.
 */
export function usableKind(
  kind: ToolKind | undefined,
  name: string,
  argumentsJson: string | undefined,
): ToolKind {
  const other: ToolKind = { type: 'other', name };
  if (kind === undefined || kind.type === 'exec_command' || kind.type === 'write_stdin') return other;
  if (CARRIES_MESSAGE.has(kind.type) && !hasMessage(argumentsJson)) return other;
  return kind;
}

function hasMessage(argumentsJson: string | undefined): boolean {
  if (argumentsJson === undefined || argumentsJson.length > LONGEST_MESSAGE) return false;
  try {
    const value: unknown = JSON.parse(argumentsJson);
    return isObject(value) && typeof value['message'] === 'string';
  } catch {
    return false;
  }
}
