import type { ViewEdge, ViewRow } from '../document.js';
import { element, onDrag, onNextFrame, svg } from './dom.js';
import { glyph, kindNames } from './glyphs.js';
import type { RowTree } from './row-tree.js';
import { formatDuration, formatTick, roundStep } from './time-format.js';
import type { TimeScale } from './time-scale.js';

const rowHeight = 28;
/** Rows drawn beyond the edges of what is in view. */
const overscan = 4;
/** Edges drawn at once. */
const mostEdges = 400;

export interface TimelineEvents {
  select: (row: number) => void;
  /** After the part in view changed. */
  viewed: () => void;
}

/** The rows with their bars, the axis above and the edges between rows. Draws only what is in view. */
export class Timeline {
  readonly node: HTMLElement;
  readonly #tree: RowTree;
  readonly #scale: TimeScale;
  readonly #events: TimelineEvents;
  readonly #axis = element('div', { class: 'axis' });
  readonly #grid = element('div', { class: 'grid', 'aria-hidden': 'true' });
  readonly #scroller = element('div', { class: 'scroller' });
  readonly #sizer = element('div', {
    class: 'sizer',
    role: 'tree',
    id: 'rows',
    tabindex: '0',
    'aria-label': 'timeline rows',
  });
  readonly #edges = svg('svg', { class: 'edges', 'aria-hidden': 'true' });
  readonly #cursor = element('div', { class: 'cursor', hidden: true, 'aria-hidden': 'true' });
  readonly #cursorTime = element('div', { class: 'cursor-time', hidden: true, 'aria-hidden': 'true' });
  readonly #lasso = element('div', { class: 'lasso', hidden: true });
  readonly #empty = element('p', { class: 'empty', hidden: true }, 'Nothing matches.');
  readonly #edgesOfRow = new Map<number, ViewEdge[]>();
  readonly draw: () => void;
  selected = -1;
  /** Rows of the chain that led to the selected one. */
  chain: readonly number[] = [];

  constructor(tree: RowTree, scale: TimeScale, overview: HTMLElement, events: TimelineEvents) {
    this.#tree = tree;
    this.#scale = scale;
    this.#events = events;
    this.draw = onNextFrame(() => this.#drawNow());
    for (const edge of tree.document.edges) {
      for (const row of [edge.from, edge.to]) {
        const known = this.#edgesOfRow.get(row);
        if (known === undefined) this.#edgesOfRow.set(row, [edge]);
        else known.push(edge);
      }
    }
    const splitter = element('div', { class: 'splitter', 'aria-hidden': 'true' });
    this.#scroller.append(this.#sizer);
    this.node = element(
      'section',
      { class: 'timeline', 'aria-label': 'timeline' },
      element('div', { class: 'head' }, this.#headLabel(), overview, this.#axis),
      element(
        'div',
        { class: 'body' },
        this.#grid,
        this.#scroller,
        this.#empty,
        this.#lasso,
        this.#cursor,
        splitter,
      ),
    );
    this.#axis.append(this.#cursorTime);
    this.#edges.append(arrowHeads());
    this.#listen(splitter);
    new ResizeObserver(() => this.draw()).observe(this.node);
  }

  focus(): void {
    this.#sizer.focus({ preventScroll: true });
  }

  /** Scrolls so that a row is in view. */
  scrollTo(row: number): void {
    const top = this.#tree.position(row) * rowHeight;
    if (top < 0) return;
    const { scrollTop, clientHeight } = this.#scroller;
    if (top < scrollTop + rowHeight) this.#scroller.scrollTop = top - rowHeight * 2;
    else if (top > scrollTop + clientHeight - rowHeight * 2)
      this.#scroller.scrollTop = top - clientHeight + rowHeight * 3;
  }

  /** How many rows fit into what is in view. */
  get pageSize(): number {
    return Math.max(Math.floor(this.#scroller.clientHeight / rowHeight) - 1, 1);
  }

  #headLabel(): HTMLElement {
    const button = (label: string, act: () => void) =>
      element('button', { type: 'button', onclick: act }, label);
    return element(
      'div',
      { class: 'head-label' },
      element('span', { id: 'row-count', role: 'status' }),
      element(
        'span',
        { class: 'head-buttons' },
        button('Expand all', () => {
          this.#tree.collapsed.clear();
          this.#changed();
        }),
        button('Collapse all', () => {
          for (const index of this.#tree.document.rows.keys()) {
            if (this.#tree.hasChildren(index) && this.#tree.row(index).kind !== 'thread')
              this.#tree.collapsed.add(index);
          }
          this.#changed();
        }),
      ),
    );
  }

  #changed(): void {
    this.#tree.update();
    this.draw();
  }

  toggle(row: number): void {
    if (!this.#tree.collapsed.delete(row)) this.#tree.collapsed.add(row);
    this.#changed();
  }

  #listen(splitter: HTMLElement): void {
    const scroller = this.#scroller;
    scroller.addEventListener('scroll', this.draw, { passive: true });
    const inLanes = (event: MouseEvent) => event.clientX - this.#lanesLeft();
    const zoomOrPan = (event: WheelEvent) => {
      const x = inLanes(event);
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.#scale.zoom(Math.exp(Math.max(-80, Math.min(80, event.deltaY)) * 0.006), Math.max(x, 0));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        this.#scale.pan(event.deltaX || event.deltaY);
      } else return;
      this.#viewChanged();
    };
    scroller.addEventListener('wheel', zoomOrPan, { passive: false });
    this.#axis.addEventListener('wheel', zoomOrPan, { passive: false });
    this.#sizer.addEventListener('click', (event) => {
      const found = rowOf(event.target);
      if (found === undefined) return;
      if ((event.target as Element).closest('.twist') !== null) this.toggle(found);
      else this.#events.select(found);
    });
    this.#sizer.addEventListener('dblclick', (event) => {
      const found = rowOf(event.target);
      if (found === undefined) return;
      if ((event.target as Element).closest('.label') !== null) {
        if (this.#tree.hasChildren(found)) this.toggle(found);
      } else this.zoomTo(found);
    });
    let draggedFrom = 0;
    onDrag(scroller, (pressed) => {
      if (inLanes(pressed) < 0 || pressed.pointerType === 'touch') return undefined;
      let last = pressed.clientX;
      return (event) => {
        this.#scale.pan(last - event.clientX);
        last = event.clientX;
        this.#viewChanged();
      };
    });
    onDrag(
      this.#axis,
      (pressed) => {
        draggedFrom = inLanes(pressed);
        return (event) => {
          const [left, right] = [draggedFrom, inLanes(event)].sort((a, b) => a - b) as [number, number];
          this.#lasso.hidden = right - left < 4;
          this.#lasso.style.left = `${this.#treeWidth() + left}px`;
          this.#lasso.style.width = `${right - left}px`;
        };
      },
      (event) => {
        const [left, right] = [draggedFrom, inLanes(event)].sort((a, b) => a - b) as [number, number];
        this.#lasso.hidden = true;
        if (right - left < 4) return;
        const { view } = this.#scale;
        const part = (x: number) => view.from + (x / this.#scale.width) * (view.to - view.from);
        this.#scale.setView(part(left), part(right));
        this.#viewChanged();
      },
    );
    this.node.addEventListener('pointermove', (event) => {
      const x = inLanes(event);
      const isInside = x >= 0 && x <= this.#scale.width;
      this.#cursor.hidden = this.#cursorTime.hidden = !isInside;
      if (!isInside) return;
      this.#cursor.style.left = `${this.#treeWidth() + x}px`;
      this.#cursorTime.style.left = `${x}px`;
      const time = Math.min(Math.max(this.#scale.time(x), 0), this.#scale.duration);
      this.#cursorTime.textContent = formatTick(time, Math.max(this.#scale.resolution, 0.1));
    });
    this.node.addEventListener('pointerleave', () => {
      this.#cursor.hidden = this.#cursorTime.hidden = true;
    });
    onDrag(splitter, () => (event) => {
      const width = event.clientX - this.node.getBoundingClientRect().left;
      const widest = this.node.clientWidth - 200;
      this.node.style.setProperty('--tree-width', `${Math.max(160, Math.min(width, widest))}px`);
      this.#viewChanged();
    });
  }

  zoomTo(row: number): void {
    this.#scale.showRange(this.#tree.row(row).start, this.#tree.drawnEnd(row));
    this.#viewChanged();
  }

  #viewChanged(): void {
    this.draw();
    this.#events.viewed();
  }

  #treeWidth(): number {
    return this.#axis.getBoundingClientRect().left - this.node.getBoundingClientRect().left;
  }

  #lanesLeft(): number {
    return this.#axis.getBoundingClientRect().left;
  }

  #drawNow(): void {
    const { shown } = this.#tree;
    this.#scale.width = Math.max(this.#axis.clientWidth, 50);
    this.#sizer.style.height = `${shown.length * rowHeight}px`;
    const top = this.#scroller.scrollTop;
    const height = this.#scroller.clientHeight;
    const first = Math.max(Math.floor(top / rowHeight) - overscan, 0);
    const last = Math.min(Math.ceil((top + height) / rowHeight) + overscan, shown.length);
    const nodes: Node[] = [];
    for (let position = first; position < last; position += 1) {
      nodes.push(this.#drawRow(shown[position]!, position));
    }
    this.#drawEdges(first, last, top, height);
    this.#sizer.replaceChildren(...nodes, this.#edges);
    this.#empty.hidden = shown.length > 0;
    this.#drawAxis();
    const count = document.getElementById('row-count');
    if (count !== null) {
      const { found, document: view } = this.#tree;
      count.textContent =
        found === undefined
          ? `${shown.length === view.rows.length ? '' : `${shown.length} of `}${view.rows.length} rows`
          : `${found.size} found`;
    }
    const isDrawn = nodes.some((node) => (node as HTMLElement).id === `row-${this.selected}`);
    if (isDrawn) this.#sizer.setAttribute('aria-activedescendant', `row-${this.selected}`);
    else this.#sizer.removeAttribute('aria-activedescendant');
    // Tests and scripts can wait for the first picture.
    this.node.dataset['drawn'] = 'true';
  }

  #drawRow(index: number, position: number): HTMLElement {
    const row = this.#tree.row(index);
    const hasChildren = this.#tree.hasChildren(index);
    const isOpen = this.#tree.found !== undefined || !this.#tree.collapsed.has(index);
    const isDimmed = this.#tree.found !== undefined && !this.#tree.found.has(index);
    const classes = ['row', `kind-${row.kind}`, `status-${row.status}`];
    if (index === this.selected) classes.push('is-selected');
    if (this.chain.includes(index)) classes.push('is-chain');
    if (isDimmed) classes.push('is-dimmed');
    const node = element(
      'div',
      {
        class: classes.join(' '),
        id: `row-${index}`,
        role: 'treeitem',
        'aria-level': String(row.depth + 1),
        'aria-selected': String(index === this.selected),
        'aria-expanded': hasChildren ? String(isOpen) : undefined,
        'data-row': String(index),
        title: describeRow(row),
      },
      this.#drawLabel(index, row, hasChildren),
      this.#drawLane(index, row),
    );
    node.style.top = `${position * rowHeight}px`;
    return node;
  }

  #drawLabel(index: number, row: ViewRow, hasChildren: boolean): HTMLElement {
    const isClosed = hasChildren && this.#tree.found === undefined && this.#tree.collapsed.has(index);
    const isProblem =
      row.status === 'failed' || row.incomplete !== undefined || (isClosed && this.#tree.holdsProblem(index));
    const label = element(
      'div',
      { class: 'label' },
      element('span', { class: hasChildren ? 'twist' : 'twist is-leaf' }),
      element('span', { class: 'kind-glyph' }),
      element('span', { class: 'name' }, row.label),
      row.note === '' ? null : element('span', { class: 'note' }, row.note),
    );
    if (hasChildren) label.children[0]?.append(glyph('open'));
    label.children[1]?.append(glyph(row.kind));
    if (isProblem) {
      label.append(
        element(
          'span',
          { class: row.status === 'failed' ? 'flag is-failed' : 'flag' },
          glyph('problem') as never,
        ),
      );
    }
    label.style.setProperty('--depth', String(row.depth));
    return label;
  }

  #drawLane(index: number, row: ViewRow): HTMLElement {
    const lane = element('div', { class: 'lane' });
    const { width } = this.#scale;
    const from = this.#scale.x(row.start);
    const to = this.#scale.x(this.#tree.drawnEnd(index));
    if (row.kind === 'message') {
      if (from > -20 && from < width + 20) {
        const mark = element('div', { class: 'moment' });
        mark.style.left = `${from}px`;
        lane.append(mark);
      }
      return lane;
    }
    const left = Math.max(from, -10);
    const right = Math.min(Math.max(to, from + 3), width + 10);
    if (right < 0 || left > width) {
      lane.append(element('div', { class: from > width ? 'beyond is-right' : 'beyond is-left' }));
      return lane;
    }
    const bar = element('div', { class: row.end === null ? 'bar is-open' : 'bar' });
    bar.style.left = `${left}px`;
    bar.style.width = `${right - left}px`;
    if (row.yieldedAt !== undefined) {
      const yielded = Math.max(this.#scale.x(row.yieldedAt), left);
      if (yielded < right) {
        const background = element('div', { class: 'background' });
        background.style.left = `${yielded - left}px`;
        bar.append(background);
      }
    }
    lane.append(bar);
    const text = row.end === null ? 'no end' : formatDuration(row.end - row.start);
    const space = text.length * 6.5 + 10;
    const time = element('span', { class: 'time' }, text);
    if (right + space < width) time.style.left = `${right + 5}px`;
    else if (left - space > 0) time.style.left = `${left - space + 2}px`;
    else {
      time.classList.add('is-inside');
      time.style.left = `${Math.max(left, 0) + 6}px`;
    }
    lane.append(time);
    return lane;
  }

  #drawAxis(): void {
    const scale = this.#scale;
    const step = roundStep(scale.resolution * 90);
    const marks: HTMLElement[] = [];
    const lines: HTMLElement[] = [];
    let lastLabel = -Infinity;
    const tick = (time: number, text: string) => {
      const x = scale.x(time);
      if (x < -1 || x > scale.width) return;
      const line = element('div', { class: 'grid-line' });
      line.style.left = `${x}px`;
      lines.push(line);
      if (x - lastLabel < 60 || x > scale.width - 44) return;
      lastLabel = x;
      const mark = element('span', { class: 'tick' }, text);
      mark.style.left = `${x}px`;
      marks.push(mark);
    };
    for (const segment of scale.segments) {
      const [left, right] = [scale.x(segment.from), scale.x(segment.to)];
      if (right < 0 || left > scale.width) continue;
      if (segment.idle) {
        const gap = element('div', {
          class: 'gap',
          title: `${formatDuration(segment.to - segment.from)} idle`,
        });
        gap.style.left = `${left}px`;
        gap.style.width = `${right - left}px`;
        lines.push(gap);
        continue;
      }
      const begin = Math.max(segment.from, scale.time(Math.max(0, left)));
      const end = Math.min(segment.to, scale.time(Math.min(scale.width, right)));
      for (let at = Math.ceil(begin / step) * step; at <= end; at += step) tick(at, formatTick(at, step));
    }
    this.#axis.replaceChildren(...marks, this.#cursorTime);
    this.#grid.replaceChildren(...lines);
  }

  #drawEdges(first: number, last: number, top: number, height: number): void {
    const drawn: Node[] = [this.#edges.firstChild!];
    this.#edges.setAttribute('height', String(height));
    this.#edges.setAttribute('width', String(this.#scale.width));
    this.#edges.style.top = `${top}px`;
    const add = (from: number, to: number, start: number, end: number, className: string) => {
      const [source, target] = [this.#tree.visibleAncestor(from), this.#tree.visibleAncestor(to)];
      if (source < 0 || target < 0 || source === target) return;
      const [rowFrom, rowTo] = [this.#tree.position(source), this.#tree.position(target)];
      if (Math.max(rowFrom, rowTo) < first || Math.min(rowFrom, rowTo) > last) return;
      const [xFrom, xTo] = [this.#scale.x(start), this.#scale.x(end)];
      if (Math.max(xFrom, xTo) < 0 || Math.min(xFrom, xTo) > this.#scale.width) return;
      const down = rowTo > rowFrom ? 1 : -1;
      const yFrom = (rowFrom + 0.5) * rowHeight - top + down * 7;
      const yTo = (rowTo + 0.5) * rowHeight - top - down * 9;
      const middle = (yFrom + yTo) / 2;
      const path = `M${xFrom} ${yFrom}C${xFrom} ${middle} ${xTo} ${middle} ${xTo} ${yTo}`;
      drawn.push(
        svg('path', { d: path, class: `edge ${className}`, 'marker-end': `url(#arrow-${className})` }),
      );
    };
    const { edges } = this.#tree.document;
    const shownEdges = edges.length <= mostEdges ? edges : (this.#edgesOfRow.get(this.selected) ?? []);
    for (const edge of shownEdges) add(edge.from, edge.to, edge.start, edge.end, edge.kind);
    let effect = this.selected;
    for (const cause of this.chain) {
      const [source, target] = [this.#tree.row(cause), this.#tree.row(effect)];
      const left = Math.min(Math.max(target.start, source.start), source.end ?? Infinity);
      add(cause, effect, left, target.start, 'cause');
      effect = cause;
    }
    this.#edges.replaceChildren(...drawn);
  }
}

function rowOf(target: EventTarget | null): number | undefined {
  const text = (target as Element | null)?.closest<HTMLElement>('[data-row]')?.dataset['row'];
  return text === undefined ? undefined : Number(text);
}

function describeRow(row: ViewRow): string {
  const time = row.end === null ? 'no end recorded' : formatDuration(row.end - row.start);
  const about = `${kindNames[row.kind]}: ${row.label}${row.note === '' ? '' : ` ${row.note}`}`;
  const what = row.kind === 'message' ? about : `${about}\n${row.statusText}, ${time}`;
  return row.incomplete === undefined ? what : `${what}\n${row.incomplete}`;
}

function arrowHeads(): SVGElement {
  const definitions = svg('defs', {});
  for (const kind of ['spawn', 'message', 'result', 'wait', 'cause']) {
    const marker = svg('marker', {
      id: `arrow-${kind}`,
      viewBox: '0 0 6 6',
      refX: 4.5,
      refY: 3,
      markerWidth: 8,
      markerHeight: 8,
      markerUnits: 'userSpaceOnUse',
      orient: 'auto',
    });
    marker.append(svg('path', { d: 'M0 0L6 3L0 6z', class: `arrow ${kind}` }));
    definitions.append(marker);
  }
  return definitions;
}
