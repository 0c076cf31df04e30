import type { WriteStream } from 'node:tty';

export type Tone = 'plain' | 'dim' | 'bold' | 'red' | 'yellow' | 'green' | 'cyan';

/** A piece of a line in one tone. */
export interface Segment {
  text: string;
  tone: Tone;
}

/** What a terminal can show. */
export interface Look {
  colors: boolean;
  /** Columns. */
  width: number;
}

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 40;

/**
 * Colours only on a terminal, unless `FORCE_COLOR` asks for them, and never with `NO_COLOR` or a dumb terminal. The
 * width is the terminal's, or what `COLUMNS` says, or 80.
 */
export function lookOf(stream: Pick<WriteStream, 'isTTY' | 'columns'>, env = process.env): Look {
  const forced = env['FORCE_COLOR'] !== undefined && !['', '0', 'false'].includes(env['FORCE_COLOR']);
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const fromEnv = Number(env['COLUMNS']);
  const told = [stream.isTTY ? stream.columns : 0, fromEnv].find(
    (columns) => Number.isInteger(columns) && columns > 0,
  );
  const width = told ?? DEFAULT_WIDTH;
  return { colors: !refused && (stream.isTTY || forced), width: Math.max(MIN_WIDTH, width) };
}

const codes: Record<Exclude<Tone, 'plain'>, number> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  cyan: 36,
};

export function paint({ text, tone }: Segment, { colors }: Look): string {
  return colors && tone !== 'plain' && text !== '' ? `\x1b[${codes[tone]}m${text}\x1b[0m` : text;
}

/** The segments as one line of at most `width` columns, with an ellipsis where it is cut. */
export function paintLine(segments: readonly Segment[], look: Look, width = look.width): string {
  const total = segments.reduce((sum, { text }) => sum + columnsOf(text), 0);
  let left = total > width ? width - 1 : width;
  let line = '';
  for (const segment of segments) {
    const text = takeColumns(segment.text, left);
    left -= columnsOf(text);
    line += paint({ ...segment, text }, look);
    if (text.length < segment.text.length) break;
  }
  return total > width ? `${line}…` : line;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** Texts of characters of one column each, what the tree is drawn with included: they need no segmentation. */
const plainText =
  /^[\x20-\x7e\u00ae-\u02ff\u2018-\u201d\u2026\u2190-\u2199\u23ce\u2400-\u2421\u2500-\u259f\u25a0\u2717]*$/;
const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;
const withoutWidth = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u;

/** How many columns a text without control characters takes. */
export function columnsOf(text: string): number {
  if (plainText.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

function columnsOfGrapheme(grapheme: string): number {
  if (withoutWidth.test(grapheme)) return 0;
  return wide.test(grapheme) || grapheme.includes('\ufe0f') ? 2 : 1;
}

/** The longest beginning that fits into `columns`. */
export function takeColumns(text: string, columns: number): string {
  if (columns <= 0) return '';
  if (text.length <= columns && plainText.test(text)) return text;
  let taken = 0;
  let end = 0;
  for (const { segment } of graphemes.segment(text)) {
    taken += columnsOfGrapheme(segment);
    if (taken > columns) break;
    end += segment.length;
  }
  return text.slice(0, end);
}

/** A long line as several, each of at most `columns`; cut after a space where one is near. */
export function wrapLine(text: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = text;
  do {
    let line = takeColumns(rest, columns) || rest.slice(0, 1);
    if (line.length < rest.length) {
      const space = line.lastIndexOf(' ') + 1;
      if (space > line.length * 0.6) line = line.slice(0, space);
    }
    lines.push(line);
    rest = rest.slice(line.length);
  } while (rest !== '');
  return lines;
}

const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text of a script or a tool made harmless for a terminal: control characters (line breaks apart) and characters that
 * turn the direction of writing become visible.
 */
export function harmless(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(controls, (character) => {
    if (character === '\t') return '  ';
    const code = character.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `<${code.toString(16).padStart(4, '0')}>`;
  });
}

/** A text on one line. */
export function oneLine(text: string): string {
  return harmless(text.trim().replace(/\s*\n\s*/g, ' ⏎ '));
}

/** `430 ms`, `1.23 s`, `2 min 05 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `3 cells`, `1 cell`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
