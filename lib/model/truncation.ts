import type { ContentItem } from '../outcome.js';

/** Tokens of output a model is shown when nothing else is asked for. */
export const DEFAULT_MAX_OUTPUT_TOKENS = 10_000;

/** A token is counted as this many UTF-8 bytes. */
export const BYTES_PER_TOKEN = 4;

/** Tokens that a text counts as, rounded up. */
export function countTokens(text: string): number {
  return tokensOf(Buffer.byteLength(text));
}

function tokensOf(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/**
 * Fits output items into a budget of tokens, and says in the text how much went.
 *
 * - Within the budget the items are returned as they are.
 * - Text alone is joined with newlines and cut in the middle, head and tail kept, under a warning with
 *   the original size and number of lines.
 * - With images or audio among the texts, items stay separate: the first texts use the budget up (the
 *   one that does not fit is cut in the middle), later texts and audio are left out and counted at the
 *   end. Images are kept, and cost nothing.
 *
 * Characters are never split. The warning and the markers come on top of the budget.
 */
export function truncateItems(items: readonly ContentItem[], maxOutputTokens: number): ContentItem[] {
  const texts = items.flatMap((item) => (item.type === 'input_text' ? [item.text] : []));
  if (texts.length < items.length) return truncateMixed(items, maxOutputTokens);
  const joinedBytes = texts.reduce((bytes, text) => bytes + Buffer.byteLength(text) + 1, -1);
  if (tokensOf(Math.max(0, joinedBytes)) <= maxOutputTokens) return [...items];
  const joined = texts.join('\n');
  const warning =
    `Warning: truncated output (original token count: ${countTokens(joined)})\n` +
    `Total output lines: ${countLines(joined)}\n\n`;
  return [{ type: 'input_text', text: warning + truncateText(joined, maxOutputTokens) }];
}

function truncateMixed(items: readonly ContentItem[], maxOutputTokens: number): ContentItem[] {
  const kept: ContentItem[] = [];
  const omitted = { text: 0, audio: 0 };
  let remaining = maxOutputTokens;
  let isUsedUp = false;
  for (const item of items) {
    if (item.type === 'input_image') {
      kept.push(item);
    } else if (isUsedUp) {
      omitted[item.type === 'input_text' ? 'text' : 'audio'] += 1;
    } else if (item.type === 'input_audio') {
      kept.push(item);
    } else {
      const tokens = countTokens(item.text);
      if (tokens <= remaining) {
        kept.push(item);
        remaining -= tokens;
      } else if (remaining > 0) {
        kept.push({ type: 'input_text', text: truncateText(item.text, remaining) });
        isUsedUp = true;
      } else {
        omitted.text += 1;
        isUsedUp = true;
      }
    }
  }
  for (const kind of ['text', 'audio'] as const) {
    if (omitted[kind] > 0)
      kept.push({ type: 'input_text', text: `[omitted ${omitted[kind]} ${kind} items ...]` });
  }
  return kept;
}

/** Cuts a text in the middle: at most `maxTokens` of it remain, around `…K tokens truncated…`. */
export function truncateText(text: string, maxTokens: number): string {
  const bytes = Buffer.byteLength(text);
  const budget = maxTokens * BYTES_PER_TOKEN;
  if (bytes <= budget) return text;
  const headBytes = Math.floor(budget / 2);
  const head = headLength(text, headBytes);
  const tail = tailStart(text, budget - headBytes, head);
  return `${text.slice(0, head)}…${tokensOf(bytes - budget)} tokens truncated…${text.slice(tail)}`;
}

/** UTF-16 units from the start that take at most `budget` bytes of UTF-8. */
function headLength(text: string, budget: number): number {
  let at = 0;
  let bytes = 0;
  while (at < text.length) {
    const point = text.codePointAt(at)!;
    bytes += utf8Length(point);
    if (bytes > budget) break;
    at += point > 0xffff ? 2 : 1;
  }
  return at;
}

/** The index from which on the rest takes at most `budget` bytes; not before `from`. */
function tailStart(text: string, budget: number, from: number): number {
  let at = text.length;
  let bytes = 0;
  while (at > from) {
    const isPair = at - 2 >= from && text.codePointAt(at - 2)! > 0xffff;
    const start = at - (isPair ? 2 : 1);
    bytes += utf8Length(text.codePointAt(start)!);
    if (bytes > budget) break;
    at = start;
  }
  return at;
}

/** A lone surrogate counts as the U+FFFD that it is written as. */
function utf8Length(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

/** Lines of a text; a newline at the very end begins no further line. */
function countLines(text: string): number {
  if (text === '') return 0;
  let lines = text.endsWith('\n') ? 0 : 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
