import { element, onDrag, onNextFrame } from './dom.js';
import type { RowTree } from './row-tree.js';
import type { TimeScale } from './time-scale.js';

const height = 44;
const kindsDrawn = new Set(['inference', 'cell', 'wait', 'tool', 'nested', 'compaction', 'turn']);

/** The whole session at a glance, with the part in view as a window that can be moved and resized. */
export class Overview {
  readonly node: HTMLElement;
  readonly draw: () => void;
  readonly #tree: RowTree;
  readonly #scale: TimeScale;
  readonly #canvas = element('canvas', { height: String(height), 'aria-hidden': 'true' });
  readonly #window = element(
    'div',
    { class: 'window' },
    element('div', { class: 'handle is-left' }),
    element('div', { class: 'handle is-right' }),
  );

  constructor(tree: RowTree, scale: TimeScale, changed: () => void) {
    this.#tree = tree;
    this.#scale = scale;
    this.draw = onNextFrame(() => this.#drawNow());
    this.node = element('div', { class: 'overview' }, this.#canvas, this.#window);
    onDrag(this.node, (pressed) => {
      const width = this.node.clientWidth;
      const before = scale.view;
      const handle = (pressed.target as Element).closest('.handle');
      const isOnWindow = (pressed.target as Element).closest('.window') !== null;
      let offset = 0;
      if (!isOnWindow) {
        const at = (pressed.clientX - this.node.getBoundingClientRect().left) / width;
        offset = at - (before.from + before.to) / 2;
        scale.setView(before.from + offset, before.to + offset);
        changed();
      }
      return (event) => {
        const by = (event.clientX - pressed.clientX) / width;
        if (handle === null) scale.setView(before.from + offset + by, before.to + offset + by);
        else if (handle.classList.contains('is-left'))
          scale.setView(Math.min(before.from + by, before.to), before.to);
        else scale.setView(before.from, Math.max(before.to + by, before.from));
        changed();
      };
    });
    new ResizeObserver(this.draw).observe(this.node);
  }

  /** Moves the window; the picture behind it stays. */
  moveWindow(): void {
    const { from, to } = this.#scale.view;
    const left = Math.min(Math.max(from, 0), 1);
    const right = Math.min(Math.max(to, 0), 1);
    this.#window.style.left = `${left * 100}%`;
    this.#window.style.width = `${Math.max(right - left, 0.002) * 100}%`;
  }

  #drawNow(): void {
    this.moveWindow();
    const { rows } = this.#tree.document;
    const width = this.node.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    this.#canvas.width = width * ratio;
    this.#canvas.height = height * ratio;
    const context = this.#canvas.getContext('2d');
    if (context === null) return;
    context.scale(ratio, ratio);
    const style = getComputedStyle(this.node);
    const colours = new Map<string, string>();
    const colourOf = (name: string) => {
      let colour = colours.get(name);
      if (colour === undefined) colours.set(name, (colour = style.getPropertyValue(`--${name}`)));
      return colour;
    };
    const drawn = [...rows.entries()].filter(([, row]) => kindsDrawn.has(row.kind));
    const lane = Math.min((height - 8) / Math.max(drawn.length, 1), 6);
    drawn.forEach(([index, row], position) => {
      const from = this.#scale.fraction(row.start) * width;
      const to = this.#scale.fraction(this.#tree.drawnEnd(index)) * width;
      context.globalAlpha = row.kind === 'turn' ? 0.4 : 1;
      context.fillStyle = colourOf(row.status === 'failed' && row.kind !== 'turn' ? 'failed' : row.kind);
      context.fillRect(from, 4 + position * lane, Math.max(to - from, 1.5), Math.max(lane - 1, 1));
    });
  }
}
