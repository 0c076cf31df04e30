import type { StandardSchemaV1 } from '@standard-schema/spec';

export type ToolKind = 'function' | 'freeform';

/** A JSON Schema (2020-12 or draft-07) as a plain object. */
export type JsonSchema = Record<string, unknown>;

export type ToolSchema = JsonSchema | StandardSchemaV1;

/** What `execute` is told about the call it serves. */
export interface ToolExecuteContext {
  /** Fires when the cell ended, was terminated or closed before the call was answered. */
  signal: AbortSignal;
  /** The nested call's own id: `tool-1`, `tool-2`, ... per cell. */
  callId: string;
  cellId: string;
  /** The `callId` given to the exec that runs the script, if any. */
  execCallId: string | undefined;
}

export interface ToolDefinition<Input = unknown, Output = unknown> {
  /** The name its global name (`tools.<name>`) is made from. */
  name: string;
  /** Groups tools in descriptions and in `tools/<namespace>.js`. */
  namespace?: string;
  /** The host's own name of the tool, where it differs from `name`. */
  toolName?: string;
  description?: string;
  /** `function` takes an object (or nothing), `freeform` a string. Default `function`. */
  kind?: ToolKind;
  inputSchema?: ToolSchema;
  outputSchema?: ToolSchema;
  /** Left out of the model's text, but callable and listed in ALL_TOOLS. */
  deferred?: boolean;
  /** Serves a call. May be left out when the session has `invokeTool`. */
  execute?: (input: Input, context: ToolExecuteContext) => Output | Promise<Output>;
}

/** What a session-wide `invokeTool` gets for a tool without an `execute` of its own. */
export interface NestedToolInvocation {
  name: string;
  toolName: string;
  namespace: string | null;
  globalName: string;
  kind: ToolKind;
  input: unknown;
  callId: string;
  cellId: string;
  execCallId: string | undefined;
}

export type InvokeTool = (call: NestedToolInvocation, signal: AbortSignal) => unknown;

/** Types a tool definition; returns it as it is. */
export function defineTool<Input = unknown, Output = unknown>(
  definition: ToolDefinition<Input, Output>,
): ToolDefinition<Input, Output> {
  return definition;
}
