import { clockMs } from './clock.js';
import { CodeModeError } from './errors.js';
import { parsePragma } from './model/pragma.js';
import { renderOutput, renderRefusal } from './model/output.js';
import { abortSignal, describeValue, flag, readOptions } from './option-reader.js';
import type { ExecOptions, ResolvedSessionOptions, WaitOptions } from './options.js';
import type { ModelCallEnd, ObservedModelCall } from './observer.js';
import type { ContentItem, Outcome } from './outcome.js';
import type { CodeModeSession } from './session.js';
import { nearestName } from './suggest.js';

/** A model's call of one of the two tools that `session.toolSpecs()` describes. */
export interface ModelCall {
  name: 'exec' | 'wait';
  /** The model's id of the call; passed on to tools and notifications. */
  callId?: string | null | undefined;
  /**
   * For `exec` the source text (freeform tool), or `{ code, yield_time_ms?, max_output_tokens? }`; for `wait`
   * `{ cell_id, yield_time_ms?, max_tokens?, terminate? }`. Objects may come as JSON text.
   */
  input: unknown;
}

export interface ModelCallOptions {
  /** Terminates an exec, or gives up a wait (which then rejects with `ABORTED`). */
  signal?: AbortSignal | null | undefined;
  /** Whether the model takes audio; if not, a text says that an audio item was left out. Default true. */
  audioInput?: boolean | null | undefined;
}

export interface ModelCallResult {
  /** What to send back to the model; never empty. */
  contentItems: ContentItem[];
  /** Null when the call was refused before it reached a cell. */
  outcome: Outcome | null;
  /** False when the script failed, the cell is unknown, or the call was refused. */
  success: boolean;
}

/** The two operations as the session offers them. */
export interface ExecAndWait {
  session: CodeModeSession;
  exec(source: string, options: ExecOptions, modelCall: ObservedModelCall | null): Promise<Outcome>;
  wait(cellId: string, options: WaitOptions, modelCall: ObservedModelCall | null): Promise<Outcome>;
}

const DEFAULT_EXEC_YIELD_TIME_MS = 30_000;
const DEFAULT_WAIT_YIELD_TIME_MS = 10_000;

const EXEC_FIELDS = ['code', 'yield_time_ms', 'max_output_tokens'];
const WAIT_FIELDS = ['cell_id', 'yield_time_ms', 'max_tokens', 'terminate'];

/** Thrown for what the model got wrong; the message is for the model. */
class ModelMistake extends Error {}

export async function handleModelCall(
  operations: ExecAndWait,
  resolved: ResolvedSessionOptions,
  call: ModelCall,
  options: ModelCallOptions | null | undefined,
): Promise<ModelCallResult> {
  const read = readCall(call);
  const { observers } = resolved;
  if (observers === null) return serve(operations, resolved, read, options, null);
  const observed = { session: operations.session, ...read, startedAt: Date.now() };
  observers.emit('modelCallStarted', observed);
  let end: ModelCallEnd = { result: null, error: undefined };
  try {
    const result = await serve(operations, resolved, read, options, observed);
    end = { result, error: null };
    return result;
  } catch (error) {
    end = { result: null, error };
    throw error;
  } finally {
    observers.emit('modelCallEnded', observed, end);
  }
}

async function serve(
  operations: ExecAndWait,
  { profile }: ResolvedSessionOptions,
  { name, callId, input }: ReadCall,
  options: ModelCallOptions | null | undefined,
  observed: ObservedModelCall | null,
): Promise<ModelCallResult> {
  const calledAt = clockMs();
  const given = readOptions(options, 'handleToolCall options', ['signal', 'audioInput']);
  const signal = abortSignal(given['signal'], 'signal');
  const audioInput = flag(given['audioInput'], 'audioInput', true);

  let outcome: Outcome;
  let maxOutputTokens: number | undefined;
  try {
    if (name === 'exec') {
      const request = readExec(input, profile === 'codex');
      maxOutputTokens = request.maxOutputTokens;
      const { source, yieldTimeMs } = request;
      outcome = await operations.exec(source, { callId, yieldTimeMs, signal }, observed);
    } else {
      const request = readWait(input);
      maxOutputTokens = request.maxTokens;
      const { yieldTimeMs, terminate } = request;
      outcome = await operations.wait(request.cellId, { callId, yieldTimeMs, terminate, signal }, observed);
    }
  } catch (error) {
    // Two calls for one cell at the same time are the model's doing, too.
    const isBusy =
      CodeModeError.is(error) && (error.code === 'CELL_BUSY' || error.code === 'CELL_TERMINATING');
    if (!isBusy && !(error instanceof ModelMistake)) throw error;
    return { contentItems: renderRefusal(error.message), outcome: null, success: false };
  }
  const wallTimeMs = clockMs() - calledAt;
  const contentItems = renderOutput(outcome, { wallTimeMs, maxOutputTokens, profile, audioInput });
  return { contentItems, outcome, success: outcome.error === null };
}

interface ReadCall {
  name: 'exec' | 'wait';
  callId: string | undefined;
  input: unknown;
}

function readCall(call: unknown): ReadCall {
  if (typeof call !== 'object' || call === null) {
    throw invalidCall(`a tool call must be an object { name, callId, input }; got ${describeValue(call)}`);
  }
  const { name, callId, input } = call as Record<string, unknown>;
  if (name !== 'exec' && name !== 'wait') {
    throw invalidCall(`a tool call's name must be 'exec' or 'wait'; got ${describeValue(name)}`);
  }
  if (callId !== undefined && callId !== null && typeof callId !== 'string') {
    throw invalidCall(`a tool call's callId must be a string; got ${describeValue(callId)}`);
  }
  return { name, callId: callId ?? undefined, input };
}

interface ExecRequest {
  source: string;
  yieldTimeMs: number;
  maxOutputTokens: number | undefined;
}

function readExec(input: unknown, stripsPragma: boolean): ExecRequest {
  const fields = execFields(input);
  const code = typeof input === 'string' && fields === null ? input : fields?.['code'];
  if (typeof code !== 'string') {
    throw new ModelMistake(
      `exec expects JavaScript source text, or an object with the source as \`code\`; got ${describeGiven(input)}`,
    );
  }
  const given = fields ?? {};
  refuseUnknownFields('exec', given, EXEC_FIELDS);
  const yieldTimeMs = readInteger('exec', given, 'yield_time_ms');
  const maxOutputTokens = readInteger('exec', given, 'max_output_tokens');
  const pragma = parsePragma(code);
  if (!pragma.ok) throw new ModelMistake(pragma.message);
  return {
    source: stripsPragma ? pragma.codeWithoutPragma : pragma.codeWithPragma,
    yieldTimeMs: yieldTimeMs ?? pragma.yieldTimeMs ?? DEFAULT_EXEC_YIELD_TIME_MS,
    maxOutputTokens: maxOutputTokens ?? pragma.maxOutputTokens,
  };
}

/**
 * The arguments object of exec, or null for plain source. Text counts as arguments when it is a JSON object with
 * a `code` text, which no script is: a block cannot begin with a quoted key and a colon.
 */
function execFields(input: unknown): Record<string, unknown> | null {
  if (isRecord(input)) return input;
  if (typeof input !== 'string' || !/^\s*\{\s*"/.test(input)) return null;
  const parsed = parseJson(input);
  return isRecord(parsed) && typeof parsed['code'] === 'string' ? parsed : null;
}

interface WaitRequest {
  cellId: string;
  yieldTimeMs: number;
  maxTokens: number | undefined;
  terminate: boolean;
}

function readWait(input: unknown): WaitRequest {
  const given = typeof input === 'string' ? parseJson(input) : input;
  if (!isRecord(given)) {
    throw new ModelMistake(
      `wait expects a JSON object with \`cell_id\`, such as {"cell_id": "1"}; got ${describeGiven(input)}`,
    );
  }
  refuseUnknownFields('wait', given, WAIT_FIELDS);
  const cellId = given['cell_id'];
  if (typeof cellId !== 'string' && !Number.isSafeInteger(cellId)) {
    throw new ModelMistake(
      `wait field \`cell_id\` must be the id of a running cell, as a string; got ${describeGiven(cellId)}`,
    );
  }
  const terminate = given['terminate'] ?? false;
  if (typeof terminate !== 'boolean') {
    throw new ModelMistake(`wait field \`terminate\` must be true or false; got ${describeGiven(terminate)}`);
  }
  return {
    cellId: String(cellId),
    yieldTimeMs: readInteger('wait', given, 'yield_time_ms') ?? DEFAULT_WAIT_YIELD_TIME_MS,
    maxTokens: readInteger('wait', given, 'max_tokens'),
    terminate,
  };
}

function refuseUnknownFields(tool: string, given: Record<string, unknown>, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const nearest = nearestName(key, known);
    const hint =
      nearest === undefined ? `its fields are ${known.join(', ')}` : `did you mean \`${nearest}\`?`;
    throw new ModelMistake(`${tool} has no field \`${key}\`; ${hint}`);
  }
}

function readInteger(tool: string, given: Record<string, unknown>, field: string): number | undefined {
  const value = given[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new ModelMistake(
      `${tool} field \`${field}\` must be a non-negative safe integer; got ${describeGiven(value)}`,
    );
  }
  return value;
}

function describeGiven(value: unknown): string {
  return value === undefined ? 'nothing' : describeValue(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalidCall(message: string): CodeModeError {
  return new CodeModeError('INVALID_TOOL_CALL', message);
}
