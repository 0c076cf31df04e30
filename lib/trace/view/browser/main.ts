import type { ViewDocument, ViewRowKind } from '../document.js';
import { DetailPanel } from './details.js';
import { byId, element, onDrag } from './dom.js';
import { glyph, kindNames } from './glyphs.js';
import { Overview } from './overview.js';
import { RowTree } from './row-tree.js';
import { formatDuration } from './time-format.js';
import { findIdleGaps, TimeScale } from './time-scale.js';
import { Timeline } from './timeline.js';

const filterKinds: ViewRowKind[] = [
  'message',
  'inference',
  'cell',
  'nested',
  'wait',
  'tool',
  'terminal',
  'compaction',
];

const keys: [string, string][] = [
  ['↑ ↓', 'previous and next row'],
  ['← →', 'close and open a row'],
  ['Home End', 'first and last row'],
  ['+ −', 'zoom in and out'],
  ['Shift ← →', 'move in time'],
  ['Z', 'zoom to the selected row'],
  ['0', 'show everything'],
  ['C', 'go to the cause of the selected row'],
  ['P', 'next problem'],
  ['/', 'search'],
  ['Esc', 'back to the overview'],
  ['Ctrl wheel, drag the axis', 'zoom'],
  ['Shift wheel, drag the lanes', 'move in time'],
];

function start(): void {
  const view = JSON.parse(byId('trace').textContent ?? '') as ViewDocument;
  const tree = new RowTree(view);
  const gaps = findIdleGaps(view.rows, view.summary.duration);
  const idle = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const shortensIdle = idle > view.summary.duration * 0.35;
  const scale = new TimeScale(view.summary.duration, shortensIdle ? gaps : []);

  const viewed = () => {
    timeline.draw();
    overview.moveWindow();
  };
  const overview = new Overview(tree, scale, viewed);
  const timeline = new Timeline(tree, scale, overview.node, { select: (row) => select(row), viewed });
  const zoomTo = (row: number) => timeline.zoomTo(row);
  const panel = new DetailPanel(tree, (row) => select(row), zoomTo);

  function select(row: number): void {
    timeline.selected = row;
    timeline.chain = row < 0 ? [] : panel.chain(row);
    if (row < 0) panel.showSession();
    else {
      panel.showRow(row);
      if (tree.position(row) < 0) {
        tree.reveal(row);
        tree.update();
        // What the filter hides is wanted all the same.
        if (tree.position(row) < 0) clearFilter();
      }
      timeline.scrollTo(row);
    }
    timeline.draw();
    timeline.focus();
  }

  const search = element('input', {
    type: 'search',
    id: 'search',
    placeholder: 'Search source, arguments, output, ids',
    'aria-label': 'search',
    spellcheck: 'false',
    autocomplete: 'off',
  });
  const hidden = new Set<ViewRowKind>();
  const kindButtons = filterKinds
    .map((kind) => ({ kind, count: view.rows.filter((row) => row.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => {
      const button = element(
        'button',
        {
          type: 'button',
          class: `chip kind-${kind}`,
          'aria-pressed': 'true',
          title: `show or hide: ${kindNames[kind]}`,
          onclick: () => {
            if (!hidden.delete(kind)) hidden.add(kind);
            applyFilter();
          },
        },
        element('span', { class: 'swatch' }),
        kindNames[kind],
        element('span', { class: 'count' }, String(count)),
      );
      return { kind, button };
    });
  const problems = element(
    'button',
    {
      type: 'button',
      class: 'chip is-problems',
      'aria-pressed': 'false',
      title: 'only what failed, was cancelled or is incomplete',
      onclick: () => {
        problems.setAttribute('aria-pressed', String(problems.getAttribute('aria-pressed') !== 'true'));
        applyFilter();
      },
    },
    glyph('problem') as never,
    'problems',
    element('span', { class: 'count' }, String(view.failures.length)),
  );
  const idleButton = element(
    'button',
    {
      type: 'button',
      class: 'chip',
      'aria-pressed': String(shortensIdle),
      title: `draw ${formatDuration(idle)} in which nothing ran short`,
      onclick: () => {
        const isOn = idleButton.getAttribute('aria-pressed') !== 'true';
        idleButton.setAttribute('aria-pressed', String(isOn));
        scale.shorten(isOn ? gaps : []);
        overview.draw();
        timeline.draw();
      },
    },
    'skip idle time',
  );

  function applyFilter(): void {
    tree.filter = {
      words: search.value.toLowerCase().split(/\s+/).filter(Boolean),
      hiddenKinds: hidden,
      onlyProblems: problems.getAttribute('aria-pressed') === 'true',
    };
    for (const { kind, button } of kindButtons)
      button.setAttribute('aria-pressed', String(!hidden.has(kind)));
    tree.update();
    timeline.draw();
  }

  function clearFilter(): void {
    search.value = '';
    hidden.clear();
    problems.setAttribute('aria-pressed', 'false');
    applyFilter();
  }

  search.addEventListener('input', applyFilter);

  const zoomButton = (label: string, title: string, act: () => void) =>
    element('button', { type: 'button', title, 'aria-label': title, onclick: act }, label);
  const zoom = (factor: number) => {
    const row = timeline.selected < 0 ? undefined : view.rows[timeline.selected];
    const at = row === undefined ? scale.width / 2 : scale.x((row.start + (row.end ?? row.start)) / 2);
    scale.zoom(factor, at >= 0 && at <= scale.width ? at : scale.width / 2);
    viewed();
  };
  const showAll = () => {
    scale.showAll();
    viewed();
  };

  const help = element(
    'dialog',
    { class: 'help', 'aria-label': 'keys' },
    element('h2', {}, 'Keys'),
    element(
      'dl',
      {},
      keys.flatMap(([key, what]) => [element('dt', {}, key), element('dd', {}, what)]),
    ),
    element('button', { type: 'button', onclick: () => help.close() }, 'Close'),
  );

  const changeTheme = () => {
    switchTheme();
    overview.draw();
  };
  const { summary } = view;
  const body = element('main', {}, timeline.node, element('div', { class: 'splitter' }), panel.node);
  byId('app').append(
    element(
      'header',
      { class: 'bar-top' },
      element('h1', {}, summary.title),
      element('span', { class: `pill status-${summary.status}` }, summary.status),
      element('span', { class: 'quiet' }, formatDuration(summary.duration)),
      element('span', { class: 'quiet' }, new Date(summary.startedAt).toLocaleString()),
      element('span', { class: 'spring' }),
      view.diagnostics.length === 0
        ? null
        : element(
            'button',
            {
              type: 'button',
              class: 'diagnostics-button',
              onclick: () => {
                select(-1);
                document.getElementById('diagnostics')?.scrollIntoView();
              },
            },
            glyph('problem') as never,
            `${view.diagnostics.length} diagnostic${view.diagnostics.length === 1 ? '' : 's'}`,
          ),
      element('button', { type: 'button', id: 'theme', onclick: changeTheme }, 'Theme'),
      element('button', { type: 'button', onclick: () => help.showModal() }, 'Keys'),
    ),
    element(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': 'search and filter' },
      search,
      kindButtons.map(({ button }) => button),
      problems,
      idle < view.summary.duration * 0.2 ? null : idleButton,
      element('span', { class: 'spring' }),
      element(
        'span',
        { class: 'group' },
        zoomButton('−', 'zoom out', () => zoom(1.6)),
        zoomButton('+', 'zoom in', () => zoom(1 / 1.6)),
        zoomButton('All', 'show everything', showAll),
      ),
    ),
    body,
    help,
  );
  const splitter = body.children[1] as HTMLElement;
  onDrag(splitter, () => (event) => {
    const width = body.getBoundingClientRect().right - event.clientX;
    body.style.setProperty('--details-width', `${Math.max(240, Math.min(width, body.clientWidth - 420))}px`);
  });

  const move = (by: number) => {
    const { shown } = tree;
    const at = timeline.selected < 0 ? -1 : tree.position(tree.visibleAncestor(timeline.selected));
    const next = shown[Math.max(0, Math.min(at + by, shown.length - 1))];
    if (next !== undefined) select(next);
  };
  const nextProblem = () => {
    const problemRows = view.failures.map(({ row }) => row).sort((a, b) => a - b);
    const next = problemRows.find((row) => row > timeline.selected) ?? problemRows[0];
    if (next !== undefined) select(next);
  };
  const horizontal = (event: KeyboardEvent, direction: -1 | 1) => {
    if (event.shiftKey) {
      scale.pan(direction * scale.width * 0.2);
      return viewed();
    }
    const row = timeline.selected;
    if (row < 0) return move(1);
    const isOpen = !tree.collapsed.has(row);
    if (direction > 0) {
      if (tree.hasChildren(row) && !isOpen) timeline.toggle(row);
      else move(1);
    } else if (tree.hasChildren(row) && isOpen) timeline.toggle(row);
    else if (tree.row(row).parent >= 0) select(tree.row(row).parent);
  };
  const actions: Record<string, (event: KeyboardEvent) => void> = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    PageDown: () => move(timeline.pageSize),
    PageUp: () => move(-timeline.pageSize),
    Home: () => move(-Infinity),
    End: () => move(view.rows.length),
    ArrowLeft: (event) => horizontal(event, -1),
    ArrowRight: (event) => horizontal(event, 1),
    '+': () => zoom(1 / 1.6),
    '=': () => zoom(1 / 1.6),
    '-': () => zoom(1.6),
    0: showAll,
    z: () => (timeline.selected < 0 ? showAll() : zoomTo(timeline.selected)),
    c: () => {
      const cause = timeline.chain[0];
      if (cause !== undefined) select(cause);
    },
    p: nextProblem,
    '/': () => search.select(),
    '?': () => help.showModal(),
    Escape: () => select(-1),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target === search) {
      if (event.key === 'Escape') {
        search.value = '';
        applyFilter();
        timeline.focus();
      } else if (event.key === 'Enter') {
        const first = tree.shown.find((row) => tree.found?.has(row));
        if (first !== undefined) select(first);
      }
      return;
    }
    // Buttons keep their own keys.
    if ((event.key === 'Enter' || event.key === ' ') && event.target instanceof HTMLButtonElement) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action === undefined) return;
    event.preventDefault();
    action(event);
  });

  document.title = `${summary.title} – codecell trace`;
  applyTheme(chosenTheme());
  systemIsDark.addEventListener('change', () => {
    applyTheme(chosenTheme());
    overview.draw();
  });
  panel.showSession();
  timeline.draw();
}

type Theme = 'light' | 'dark';

const themeKey = 'codecell-trace-theme';
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

function applyTheme(chosen: Theme | undefined): void {
  document.documentElement.dataset['theme'] = chosen ?? (systemIsDark.matches ? 'dark' : 'light');
}

function switchTheme(): void {
  const next: Theme = document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark';
  applyTheme(next);
  try {
    localStorage.setItem(themeKey, next);
  } catch {
    // A page opened from a file may have no storage: the choice then lasts until the system's changes.
  }
}

function chosenTheme(): Theme | undefined {
  try {
    const theme = localStorage.getItem(themeKey);
    return theme === 'dark' || theme === 'light' ? theme : undefined;
  } catch {
    return undefined;
  }
}

start();
