import type { ViewDocument, ViewRow, ViewRowKind } from '../document.js';

export interface RowFilter {
  /** Lower-case words, all of which a row must hold. */
  words: string[];
  hiddenKinds: ReadonlySet<ViewRowKind>;
  onlyProblems: boolean;
}

/** With more rows than this, cells are closed at first. */
const mostRowsOpen = 400;

/** Which rows are shown, in order. A row that is found keeps the rows that hold it. */
export class RowTree {
  readonly document: ViewDocument;
  readonly collapsed = new Set<number>();
  filter: RowFilter = { words: [], hiddenKinds: new Set(), onlyProblems: false };
  /** Indexes of the rows shown. */
  shown: number[] = [];
  /** Rows that the filter found; undefined when nothing is searched for. */
  found: Set<number> | undefined;
  /** Position in `shown`, -1 when not shown. */
  #positions: Int32Array;
  #problems: Set<number> | undefined;
  readonly #hasChildren: Uint8Array;
  readonly #texts: (string | undefined)[] = [];
  #itemTexts: string[] | undefined;

  constructor(document: ViewDocument) {
    this.document = document;
    this.#positions = new Int32Array(document.rows.length);
    this.#hasChildren = new Uint8Array(document.rows.length);
    for (const row of document.rows) if (row.parent >= 0) this.#hasChildren[row.parent] = 1;
    if (document.rows.length > mostRowsOpen) {
      document.rows.forEach(({ kind }, index) => {
        if (kind === 'cell' && this.hasChildren(index)) this.collapsed.add(index);
      });
    }
    this.update();
  }

  row(index: number): ViewRow {
    const row = this.document.rows[index];
    if (row === undefined) throw new RangeError(`there is no row ${index}`);
    return row;
  }

  /** When a row ends, or until when it is drawn: what holds it then ends, or the session. */
  drawnEnd(index: number): number {
    for (let at = index; at >= 0; at = this.row(at).parent) {
      const { end } = this.row(at);
      if (end !== null) return Math.max(end, this.row(index).start);
    }
    return this.document.summary.duration;
  }

  hasChildren(index: number): boolean {
    return this.#hasChildren[index] === 1;
  }

  position(index: number): number {
    return this.#positions[index] ?? -1;
  }

  /** The row itself, or the closest one around it that is shown. */
  visibleAncestor(index: number): number {
    let at = index;
    while (at >= 0 && this.position(at) < 0) at = this.row(at).parent;
    return at;
  }

  /** Whether a row is one of the failures, or tells why it is incomplete. */
  isProblem(index: number): boolean {
    this.#problems ??= new Set(this.document.failures.map(({ row }) => row));
    return this.#problems.has(index) || this.row(index).incomplete !== undefined;
  }

  /** Whether a row holds one that is a problem. */
  holdsProblem(index: number): boolean {
    const { rows } = this.document;
    const { depth } = this.row(index);
    for (let at = index + 1; at < rows.length && rows[at]!.depth > depth; at += 1) {
      if (this.isProblem(at)) return true;
    }
    return false;
  }

  /** Makes sure that a row is shown: opens what holds it. */
  reveal(index: number): void {
    for (let at = this.row(index).parent; at >= 0; at = this.row(at).parent) this.collapsed.delete(at);
  }

  update(): void {
    const { rows } = this.document;
    const { words, hiddenKinds, onlyProblems } = this.filter;
    const isSearching = words.length > 0 || onlyProblems;
    this.found = undefined;
    const keep = new Uint8Array(rows.length);
    if (isSearching) {
      this.found = new Set();
      for (let index = rows.length - 1; index >= 0; index -= 1) {
        const row = rows[index]!;
        if (!hiddenKinds.has(row.kind) && this.#matches(index)) {
          this.found.add(index);
          keep[index] = 1;
        }
        if (keep[index] === 1 && row.parent >= 0) keep[row.parent] = 1;
      }
    }
    this.shown = [];
    this.#positions.fill(-1);
    // The depth below which rows are hidden by a collapsed or filtered row around them.
    let hiddenBelow = Infinity;
    rows.forEach((row, index) => {
      if (row.depth > hiddenBelow) return;
      hiddenBelow = Infinity;
      if (isSearching ? keep[index] === 0 : hiddenKinds.has(row.kind)) {
        // What a hidden row holds is not lost: only that row goes.
        return;
      }
      this.#positions[index] = this.shown.length;
      this.shown.push(index);
      if (!isSearching && this.collapsed.has(index)) hiddenBelow = row.depth;
    });
  }

  #matches(index: number): boolean {
    if (this.filter.onlyProblems && !this.isProblem(index)) return false;
    const { words } = this.filter;
    if (words.length === 0) return true;
    const text = (this.#texts[index] ??= this.#searchText(index));
    return words.every((word) => text.includes(word));
  }

  #searchText(index: number): string {
    const row = this.row(index);
    const detail = this.document.details[index];
    this.#itemTexts ??= this.document.items.map((item) =>
      item.parts.map((part) => (part.type === 'image' ? '' : part.text)).join('\n'),
    );
    const parts = [row.label, row.note, row.id, row.statusText, row.kind, row.incomplete ?? ''];
    for (const fact of detail?.facts ?? []) parts.push(fact.text);
    for (const block of detail?.blocks ?? []) {
      if (block.type === 'items') parts.push(...block.items.map((item) => this.#itemTexts?.[item] ?? ''));
      else if (block.type === 'output')
        parts.push(...block.parts.map((part) => ('text' in part ? part.text : '')));
      else parts.push(block.text);
    }
    return parts.join('\n').toLowerCase();
  }
}
