import type { ViewRowKind } from '../document.js';
import { svg } from './dom.js';

export const kindNames: Record<ViewRowKind, string> = {
  thread: 'thread',
  turn: 'turn',
  message: 'message',
  inference: 'inference',
  cell: 'exec cell',
  wait: 'wait',
  tool: 'tool call',
  nested: 'nested call',
  terminal: 'terminal',
  compaction: 'compaction',
};

/** Outlines on a grid of 16. */
const outlines: Record<ViewRowKind | 'problem' | 'open' | 'copy', string> = {
  thread: 'M3 3h10M3 8h10M3 13h10',
  turn: 'M4 3v10l9-5z',
  message: 'M2.5 3.5h11v7.5h-6l-3 2.5v-2.5h-2z',
  inference: 'M8 1.8l1.7 4.5 4.5 1.7-4.5 1.7L8 14.2 6.3 9.7 1.8 8l4.5-1.7z',
  cell: 'M5.5 4.5L2 8l3.5 3.5M10.5 4.5L14 8l-3.5 3.5',
  wait: 'M4 2.5h8M4 13.5h8M5 2.5c0 4 6 6 6 11M11 2.5c0 4-6 6-6 11',
  tool: 'M3 8h9M8.5 4L12.5 8l-4 4',
  nested: 'M3.5 3v5.5h8M8.5 5.5l3 3-3 3',
  terminal: 'M2 3h12v10H2zM4.5 6l2 2-2 2M8 10.2h3.5',
  compaction: 'M8 2v4.5M5.5 4.5L8 7l2.5-2.5M8 14V9.5M5.5 11.5L8 9l2.5 2.5M2.5 8h2M11.5 8h2',
  problem: 'M8 2.2l6.3 11H1.7zM8 6.5v3.2M8 11.4v.4',
  open: 'M6 4l4 4-4 4',
  copy: 'M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3',
};

export function glyph(name: keyof typeof outlines): SVGElement {
  const picture = svg('svg', { viewBox: '0 0 16 16', class: `glyph glyph-${name}`, 'aria-hidden': 'true' });
  picture.append(svg('path', { d: outlines[name] }));
  return picture;
}
