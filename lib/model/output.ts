import type { CellErrorCode, CellError, ContentItem, Diagnostic, Outcome } from '../outcome.js';
import type { ToolProfile } from '../tools/tool-set.js';
import { DEFAULT_MAX_OUTPUT_TOKENS, truncateItems } from './truncation.js';

export interface RenderOutputOptions {
  /** How long the call took, milliseconds; shown in seconds with one decimal. */
  wallTimeMs: number;
  /** Tokens of output shown, the error included and the header not. Default 10,000. */
  maxOutputTokens?: number | undefined;
  profile: ToolProfile;
  /** Whether the model takes audio; audio items become a text that says so when it does not. Default true. */
  audioInput?: boolean | undefined;
}

const AUDIO_OMITTED = 'audio content omitted because you do not support audio input';
/** Diagnostics told to the model; the rest is counted. */
const MAX_DIAGNOSTICS = 10;

/**
 * What an `exec` or `wait` call answers a model: a header with the cell's state and the wall time, then
 * the output items, then, when the script failed, `Script error:` with its text. Never empty: without
 * output it is the header alone.
 */
export function renderOutput(outcome: Outcome, options: RenderOutputOptions): ContentItem[] {
  const items = outcome.contentItems.filter((item) => item.type !== 'input_text' || item.text !== '');
  if (options.profile === 'default') {
    const diagnostics = diagnosticsText(outcome, items.length === 0);
    if (diagnostics !== undefined) items.push(textItem(diagnostics));
  }
  const error = shownError(outcome, options.profile);
  if (error !== undefined) items.push(textItem(`Script error:\n${error}`));
  const shown = truncateItems(items, options.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS);
  return withHeader(header(statusLine(outcome), options.wallTimeMs), shown, options.audioInput ?? true);
}

/** What a call answers that is refused before a cell is made (a bad pragma, say): the message, without a header. */
export function renderRefusal(message: string): ContentItem[] {
  return [textItem(message)];
}

/** The items as the `output` of a Responses API tool output: a lone text is sent as a string. */
export function toWireOutput(items: readonly ContentItem[]): string | ContentItem[] {
  const [first] = items;
  return items.length === 1 && first?.type === 'input_text' ? first.text : [...items];
}

function withHeader(first: string, items: readonly ContentItem[], audioInput: boolean): ContentItem[] {
  const rest = items.map((item) =>
    item.type === 'input_audio' && !audioInput ? textItem(AUDIO_OMITTED) : item,
  );
  return [textItem(first), ...rest];
}

function header(status: string, wallTimeMs: number): string {
  return `${status}\nWall time ${(Math.max(0, wallTimeMs) / 1000).toFixed(1)} seconds\nOutput:\n`;
}

function textItem(text: string): ContentItem {
  return { type: 'input_text', text };
}

function statusLine(outcome: Outcome): string {
  switch (outcome.status) {
    case 'completed':
      return 'Script completed';
    case 'failed':
    case 'missing':
      return 'Script failed';
    case 'terminated':
      return 'Script terminated';
    case 'yielded':
      return `Script running with cell ID ${outcome.cellId}`;
  }
}

function shownError(outcome: Outcome, profile: ToolProfile): string | undefined {
  const { error } = outcome;
  if (error === null) return undefined;
  if (profile === 'codex') return outcome.status === 'terminated' ? undefined : error.text;
  return errorText(error);
}

/** What a script's author can do about a limit, in the default profile. */
const ADVICE: Partial<Record<CellErrorCode, string>> = {
  STALLED: 'Every promise that is awaited needs a tool call, a timer or other code that settles it.',
  HEAP_LIMIT: 'The script used more memory than a cell has. Work on less data at a time.',
  CPU_LIMIT:
    'The script computed for longer than a cell may. Look for an endless loop, or do less in one exec.',
  WALL_LIMIT: 'The script took longer than a cell may live. Split the work over several execs.',
  IDLE_LIMIT:
    'The script did nothing for longer than a cell may. Look for an endless loop, or a tool that does not answer.',
  OUTPUT_LIMIT: 'The script put out more than a cell may. Summarize, or show a part.',
  TOOL_CALL_LIMIT: 'The script made more tool calls and notifications than a cell may.',
  TOOL_INPUT_LIMIT: 'The input of one tool call is too large. Pass less at a time.',
  TOOL_RESULT_LIMIT: 'The result of one tool call is too large. Ask the tool for less.',
  STORE_LIMIT: 'The stored values are too large together. Store less, or overwrite what is not needed.',
  SOURCE_LIMIT: 'The source is too long. Split it over several execs.',
  HOST_PROCESS_LOST:
    'What the script stored is lost; what earlier scripts stored is kept. Another exec may work, or end the same way.',
};

function errorText(error: CellError): string {
  let text = error.stack ?? (error.text === '' ? error.message : error.text);
  if (error.code === 'SYNTAX_ERROR') {
    if (error.text.length > text.length) text = error.text;
    if (error.line !== undefined && !text.includes('exec_main.mjs:')) {
      text += `\n    at exec_main.mjs:${error.line}:${error.column ?? 1}`;
    }
  }
  const advice = ADVICE[error.code];
  return advice === undefined ? text : `${text}\n${advice}`;
}

/** Told when they may explain something: the cell failed, or ended without any output. */
function diagnosticsText(outcome: Outcome, isSilent: boolean): string | undefined {
  const { diagnostics, status } = outcome;
  if (diagnostics.length === 0) return undefined;
  if (status !== 'failed' && !(isSilent && status === 'completed')) return undefined;
  const lines = diagnostics.slice(0, MAX_DIAGNOSTICS).map(diagnosticLine);
  if (diagnostics.length > MAX_DIAGNOSTICS) lines.push(`- and ${diagnostics.length - MAX_DIAGNOSTICS} more`);
  return `Script diagnostics:\n${lines.join('\n')}`;
}

const DIAGNOSTIC_TITLES: Record<Diagnostic['code'], string> = {
  UNHANDLED_REJECTION: 'unhandled rejection',
  UNAWAITED_TOOL_FAILURE: 'a tool call that was not awaited failed',
  NOTIFY_FAILED: 'a notification was not delivered',
  OUTPUT_HANDLER_FAILED: 'the host failed to handle an output item',
  QUARANTINED: 'the script could not be stopped and was set aside',
  HOST_PROCESS_LOST: 'the process that ran the script ended',
};

function diagnosticLine({ code, message }: Diagnostic): string {
  return `- ${DIAGNOSTIC_TITLES[code] ?? code}: ${message}`;
}
