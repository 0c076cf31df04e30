import {
  columnsOf,
  harmless,
  paintLine,
  wrapLine,
  type Look,
  type Segment,
  type Tone,
} from '../terminal-text.js';

/** A text below a node. */
export interface TextBlock {
  text: string;
  tone: Tone;
  /** How many lines are shown (long ones are wrapped), unless all are asked for. */
  lines: number;
  /** Numbers the lines. */
  numbered?: boolean;
  /** A line (from 1) that is marked, and stays visible when others are cut. */
  marked?: number;
}

export interface TreeNode {
  /** Milliseconds since the start of the trace; null shows none. */
  offsetMs: number | null;
  head: Segment[];
  blocks: TextBlock[];
  children: TreeNode[];
}

export interface TreeLook extends Look {
  /** Shows every line of a text, and cuts no head. */
  full: boolean;
}

const timeColumns = 9;

/** A node and what is below it, as lines. */
export function renderTree(node: TreeNode, look: TreeLook): string[] {
  const lines: string[] = [];
  const pending = [{ node, first: '', rest: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node: at, first, rest } = next;
    lines.push(headLine(at, first, look));
    const stem = at.children.length > 0 ? '│ ' : '  ';
    for (const block of at.blocks) lines.push(...blockLines(block, `${rest}${stem}`, look));
    // The last child is printed last, so it goes on the stack first.
    for (let index = at.children.length - 1; index >= 0; index -= 1) {
      const last = index === at.children.length - 1;
      pending.push({
        node: at.children[index]!,
        first: `${rest}${last ? '└─ ' : '├─ '}`,
        rest: `${rest}${last ? '   ' : '│  '}`,
      });
    }
  }
  return lines;
}

function headLine({ offsetMs, head }: TreeNode, prefix: string, look: TreeLook): string {
  const time = offsetMs === null ? '' : offset(offsetMs);
  const last = head.at(-1);
  const trimmed = last === undefined ? [] : [...head.slice(0, -1), { ...last, text: last.text.trimEnd() }];
  return paintLine(
    [{ text: `${time.padStart(timeColumns - 1)} `, tone: 'dim' }, { text: prefix, tone: 'dim' }, ...trimmed],
    look,
    look.full ? Infinity : look.width,
  );
}

/** `+44 ms`, `+1.23 s`, `+2:05 m`: always fits the column. */
function offset(ms: number): string {
  if (ms < 0) return '-';
  if (ms < 1000) return `+${Math.round(ms)} ms`;
  if (ms < 99_995) return `+${(ms / 1000).toFixed(2)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 100) return `+${minutes}:${String(Math.floor((ms % 60_000) / 1000)).padStart(2, '0')} m`;
  return `+${Math.floor(minutes / 60)} h`;
}

interface BlockRow {
  text: string;
  /** Number of its line, from 1; null for the rest of a wrapped line. */
  number: number | null;
  marked: boolean;
}

function blockLines(block: TextBlock, prefix: string, look: TreeLook): string[] {
  const all = harmless(block.text).replace(/\s+$/, '').split('\n');
  const numberColumns = block.numbered ? String(all.length).length + 4 : 0;
  const width = Math.max(10, look.width - timeColumns - columnsOf(prefix) - numberColumns);
  const rows = all.flatMap((line, index): BlockRow[] => {
    const marked = block.marked === index + 1;
    return wrapLine(line, width).map((text, at) => ({ text, number: at === 0 ? index + 1 : null, marked }));
  });
  const { from, to } = look.full ? { from: 0, to: rows.length } : visible(rows, block.lines);
  const start: Segment = { text: `${' '.repeat(timeColumns)}${prefix}`, tone: 'dim' };
  const indent = ' '.repeat(numberColumns);
  const note = (text: string) => paintLine([start, { text: `${indent}${text}`, tone: 'dim' }], look);
  const lines = rows.slice(from, to).map(({ text, number, marked }) => {
    const gutter = block.numbered ? [lineNumber(number, marked, numberColumns)] : [];
    return paintLine([start, ...gutter, { text, tone: marked ? 'red' : block.tone }], look);
  });
  if (from > 0) lines.unshift(note(`… ${from} above`));
  const more = rows.length - to;
  return more > 0 ? [...lines, note(`… ${more} more`)] : lines;
}

/** The window of rows that is shown: the first ones, or those around a marked one. */
function visible(rows: readonly BlockRow[], lines: number): { from: number; to: number } {
  // A note that one row was cut takes as much room as the row.
  if (rows.length <= lines + 1) return { from: 0, to: rows.length };
  const marked = rows.findIndex((row) => row.marked);
  const wanted = Math.max(0, marked - Math.floor(lines / 2));
  const from = wanted <= 1 ? 0 : Math.min(wanted, rows.length - lines);
  return { from, to: from + lines };
}

function lineNumber(number: number | null, marked: boolean, columns: number): Segment {
  const text = `${marked && number !== null ? '>' : ''}${number ?? ''}`.padStart(columns - 2);
  return { text: `${text}│ `, tone: marked ? 'red' : 'dim' };
}
