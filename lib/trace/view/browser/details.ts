import type { ViewBlock, ViewFact, ViewFailure, ViewPart, ViewRow } from '../document.js';
import { element } from './dom.js';
import { glyph, kindNames } from './glyphs.js';
import { colouredJson, numberedSource } from './highlight.js';
import type { RowTree } from './row-tree.js';
import { formatDuration } from './time-format.js';

/** Links of one kind that are shown before the rest is asked for. */
const linksShown = 8;
/** Rows in each list of the overview. */
const listLength = 8;

/** The panel about one row, or about the whole session when none is selected. */
export class DetailPanel {
  readonly node = element('aside', { class: 'details', 'aria-label': 'details', tabindex: '-1' });
  readonly #tree: RowTree;
  readonly #select: (row: number) => void;
  readonly #zoomTo: (row: number) => void;
  readonly #effects: (number[] | undefined)[] = [];

  constructor(tree: RowTree, select: (row: number) => void, zoomTo: (row: number) => void) {
    this.#tree = tree;
    this.#select = select;
    this.#zoomTo = zoomTo;
    tree.document.rows.forEach((row, index) => {
      for (const { row: cause } of row.causes ?? []) (this.#effects[cause] ??= []).push(index);
    });
  }

  /** The rows that led to a row, the closest first: its first cause, that one's first cause and so on. */
  chain(index: number): number[] {
    const rows: number[] = [];
    const seen = new Set([index]);
    for (let at = index; ;) {
      const next = this.#tree.row(at).causes?.[0]?.row;
      if (next === undefined || seen.has(next)) return rows;
      seen.add(next);
      rows.push(next);
      at = next;
    }
  }

  showRow(index: number): void {
    const row = this.#tree.row(index);
    const detail = this.#tree.document.details[index];
    const zoom = element('button', { type: 'button', onclick: () => this.#zoomTo(index) }, 'Zoom to');
    const close = element(
      'button',
      {
        type: 'button',
        class: 'close',
        'aria-label': 'back to the overview',
        onclick: () => this.#select(-1),
      },
      '×',
    );
    this.#show(
      element(
        'header',
        { class: `kind-${row.kind} status-${row.status}` },
        this.#kindGlyph(row),
        element('h2', {}, row.label),
        element('span', { class: `pill status-${row.status}` }, row.statusText),
        element('span', { class: 'spring' }),
        row.kind === 'message' ? null : zoom,
        close,
      ),
      element('p', { class: 'times' }, this.#times(row)),
      row.incomplete === undefined ? null : warning(row.incomplete),
      ...(detail?.blocks ?? []).filter((block) => block.type === 'error').map((block) => this.#block(block)),
      this.#why(index),
      ...(detail?.blocks ?? []).filter((block) => block.type !== 'error').map((block) => this.#block(block)),
      this.#links('Led to', this.#effects[index] ?? []),
      this.#facts('Details', detail?.facts ?? []),
    );
  }

  showSession(): void {
    const { summary, rows, diagnostics, failures } = this.#tree.document;
    const indexes = [...rows.keys()];
    const length = (index: number) => (rows[index]!.end ?? rows[index]!.start) - rows[index]!.start;
    const slowest = indexes
      .filter((index) => rows[index]!.end !== null)
      .filter((index) => ['inference', 'nested', 'tool', 'wait', 'cell'].includes(rows[index]!.kind))
      .sort((a, b) => length(b) - length(a))
      .slice(0, 5);
    this.#show(
      element('header', {}, element('h2', {}, 'Session')),
      ...summary.notes.map(warning),
      this.#failures(failures),
      this.#links('Slowest', slowest, 'Nothing was timed.', (index) => formatDuration(length(index))),
      element(
        'section',
        { id: 'diagnostics' },
        element('h3', {}, `Diagnostics of the recording (${diagnostics.length})`),
        diagnostics.length === 0 ? element('p', { class: 'quiet' }, 'The bundle is in order.') : null,
        element(
          'ul',
          { class: 'diagnostics' },
          diagnostics
            .slice(0, 500)
            .map(({ severity, code, message, place, row }) =>
              element(
                'li',
                { class: `is-${severity}` },
                element('b', {}, code),
                ' ',
                message,
                place === '' ? null : element('span', { class: 'place' }, ` ${place}`),
                row === undefined
                  ? null
                  : element('button', { type: 'button', onclick: () => this.#select(row) }, 'Show'),
              ),
            ),
        ),
      ),
      this.#facts('About', summary.facts),
    );
  }

  #show(...parts: (Node | null)[]): void {
    this.node.replaceChildren(...parts.filter((part) => part !== null));
    this.node.scrollTop = 0;
  }

  #kindGlyph(row: ViewRow): HTMLElement {
    const holder = element('span', { class: 'kind-glyph', title: kindNames[row.kind] });
    holder.append(glyph(row.kind));
    return holder;
  }

  #times(row: ViewRow): string {
    const at = `at ${formatDuration(row.start)}`;
    if (row.kind === 'message') return at;
    const took = row.end === null ? 'no end recorded' : formatDuration(row.end - row.start);
    const yielded =
      row.yieldedAt === undefined ? '' : `, yielded after ${formatDuration(row.yieldedAt - row.start)}`;
    return `${kindNames[row.kind]} · ${took} · ${at}${yielded}`;
  }

  #why(index: number): HTMLElement | null {
    const steps: HTMLElement[] = [];
    let at = index;
    for (const next of this.chain(index)) {
      const relation = this.#tree.row(at).causes?.[0]?.relation ?? '';
      steps.push(element('li', {}, element('span', { class: 'relation' }, relation), this.#link(next)));
      at = next;
      if (steps.length === linksShown * 2) break;
    }
    const others = (this.#tree.row(index).causes ?? []).slice(1);
    if (steps.length === 0 && others.length === 0) return null;
    return element(
      'section',
      { class: 'why' },
      element('h3', {}, 'Why'),
      element('ol', {}, steps),
      others.length === 0 ? null : element('h3', {}, 'Also'),
      element(
        'ol',
        {},
        others
          .slice(0, linksShown)
          .map((cause) =>
            element('li', {}, element('span', { class: 'relation' }, cause.relation), this.#link(cause.row)),
          ),
      ),
    );
  }

  #failures(failures: readonly ViewFailure[]): HTMLElement {
    const shown = failures.slice(0, 200);
    return element(
      'section',
      { id: 'problems' },
      element('h3', {}, `Problems (${failures.length})`),
      failures.length === 0 ? element('p', { class: 'quiet' }, 'Nothing failed.') : null,
      element(
        'ul',
        { class: 'links' },
        shown.map(({ row, reason }) =>
          element(
            'li',
            { class: 'failure' },
            this.#link(row),
            element('p', { class: 'reason' }, reason === '' ? this.#tree.row(row).statusText : reason),
          ),
        ),
      ),
    );
  }

  #links(
    title: string,
    rows: readonly number[],
    none?: string,
    note: (row: number) => string = () => '',
  ): HTMLElement | null {
    if (rows.length === 0 && none === undefined) return null;
    const list = element('ul', { class: 'links' });
    const add = (from: number, to: number) => {
      for (const row of rows.slice(from, to)) {
        const text = note(row);
        list.append(
          element('li', {}, this.#link(row), text === '' ? null : element('span', { class: 'amount' }, text)),
        );
      }
    };
    add(0, listLength);
    if (rows.length > listLength) {
      const more = element(
        'button',
        {
          type: 'button',
          onclick: () => {
            more.remove();
            add(listLength, 1000);
          },
        },
        `${rows.length - listLength} more`,
      );
      return element('section', {}, element('h3', {}, `${title} (${rows.length})`), list, more);
    }
    return element(
      'section',
      {},
      element('h3', {}, rows.length > 1 ? `${title} (${rows.length})` : title),
      rows.length === 0 ? element('p', { class: 'quiet' }, none ?? '') : list,
    );
  }

  #link(index: number): HTMLElement {
    const row = this.#tree.row(index);
    return element(
      'button',
      {
        type: 'button',
        class: `row-link kind-${row.kind} status-${row.status}`,
        onclick: () => this.#select(index),
      },
      this.#kindGlyph(row),
      element('span', { class: 'name' }, row.label),
      row.note === '' ? null : element('span', { class: 'note' }, row.note),
    );
  }

  #facts(title: string, facts: readonly ViewFact[]): HTMLElement | null {
    if (facts.length === 0) return null;
    return element(
      'section',
      {},
      element('h3', {}, title),
      element(
        'dl',
        { class: 'facts' },
        facts.flatMap(({ name, text, isId }) => [
          element('dt', {}, name),
          element(
            'dd',
            { class: isId === true ? 'is-id' : undefined },
            element('span', {}, text),
            copyButton(text, isId),
          ),
        ]),
      ),
    );
  }

  #block(block: ViewBlock): HTMLElement {
    const title = element('summary', {}, element('h3', {}, block.title));
    const section = element(
      'details',
      { class: `block is-${block.type}`, open: block.closed !== true },
      title,
    );
    const content = () => this.#blockContent(block);
    // Long conversations are drawn when they are opened.
    if (block.type === 'items' && block.items.length > 12) {
      section.open = false;
      section.addEventListener('toggle', () => section.append(...content()), { once: true });
    } else section.append(...content());
    if (block.type !== 'items' && block.type !== 'output') title.append(copyButton(block.text, true) ?? '');
    return section;
  }

  #blockContent(block: ViewBlock): Node[] {
    switch (block.type) {
      case 'code':
        return [numberedSource(block.text, block.errorLines)];
      case 'json':
        return [colouredJson(block.text)];
      case 'text':
        return [element('pre', { class: 'text' }, block.text)];
      case 'error':
        return [element('pre', { class: 'text error-text' }, block.text)];
      case 'output':
        return block.parts.length === 0
          ? [element('p', { class: 'quiet' }, 'nothing')]
          : block.parts.map((part) => this.#part(part));
      case 'items':
        return [
          block.note === '' ? '' : element('p', { class: 'quiet' }, block.note),
          ...block.items.map((index) => this.#item(index)),
        ].filter((node) => node instanceof Node);
    }
  }

  #item(index: number): HTMLElement {
    const item = this.#tree.document.items[index];
    if (item === undefined) return element('p', { class: 'quiet' }, 'an item that is not in the trace');
    const { row } = item;
    return element(
      'article',
      { class: `item role-${item.role}` },
      element(
        'div',
        { class: 'item-head' },
        element('span', { class: 'role' }, item.label),
        row === undefined
          ? null
          : element('button', { type: 'button', onclick: () => this.#select(row) }, 'Show'),
      ),
      item.parts.map((part) => this.#part(part)),
    );
  }

  #part(part: ViewPart): HTMLElement {
    switch (part.type) {
      case 'image': {
        const image = element('img', { src: part.url, alt: 'an image of the output', loading: 'lazy' });
        return element('figure', {}, image);
      }
      case 'code':
        return numberedSource(part.text, []);
      case 'json':
        return colouredJson(part.text);
      case 'error':
        return element('pre', { class: 'text error-text' }, part.text);
      case 'text':
        return element('pre', { class: 'text' }, part.text);
    }
  }
}

function warning(text: string): HTMLElement {
  const note = element('p', { class: 'warning' });
  note.append(glyph('problem'), text);
  return note;
}

function copyButton(text: string, isId: boolean | undefined): HTMLElement | null {
  if (isId !== true) return null;
  const button = element('button', {
    type: 'button',
    class: 'copy',
    'aria-label': 'copy',
    title: 'Copy',
    onclick: (event: MouseEvent) => {
      event.preventDefault();
      copyText(text);
      button.classList.add('is-done');
      setTimeout(() => button.classList.remove('is-done'), 900);
    },
  });
  button.append(glyph('copy'));
  return button;
}

/** Pages opened from a file may lack the clipboard interface. */
function copyText(text: string): void {
  const viaSelection = () => {
    const area = element('textarea', { class: 'clipboard' });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  };
  if (!window.isSecureContext) return viaSelection();
  navigator.clipboard.writeText(text).catch(viaSelection);
}
