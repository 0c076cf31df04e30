import { element } from './dom.js';

const javascript =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<string>'(?:\\[\s\S]|[^'\\\n])*'?|"(?:\\[\s\S]|[^"\\\n])*"?|`(?:\\[\s\S]|[^`\\])*`?)|(?<number>\b\d[\w.]*)|(?<keyword>\b(?:async|await|break|case|catch|class|const|continue|default|delete|do|else|export|extends|false|finally|for|from|function|if|import|in|instanceof|let|new|null|of|return|static|super|switch|this|throw|true|try|typeof|undefined|var|void|while|yield)\b)|(?<global>\b(?:tools|text|image|audio|notify|exit|store|load|yield_control|ALL_TOOLS)\b)/g;

const json =
  /(?<key>"(?:\\[\s\S]|[^"\\])*"(?=\s*:))|(?<string>"(?:\\[\s\S]|[^"\\])*")|(?<number>-?\b\d[\w.+-]*)|(?<keyword>\b(?:true|false|null)\b)/g;

/** Longer texts are shown without colours. */
const longestColoured = 200_000;

function colour(text: string, pattern: RegExp): Node[] {
  if (text.length > longestColoured) return [document.createTextNode(text)];
  const nodes: Node[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const name = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined)?.[0];
    if (name === undefined) continue;
    if (match.index > at) nodes.push(document.createTextNode(text.slice(at, match.index)));
    nodes.push(element('span', { class: `code-${name}` }, match[0]));
    at = match.index + match[0].length;
  }
  if (at < text.length) nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

export function colouredJson(text: string): HTMLElement {
  return element('pre', { class: 'text' }, colour(text, json));
}

/** Source with a line number before each line; `errorLines` (one-based) stand out. */
export function numberedSource(text: string, errorLines: readonly number[]): HTMLElement {
  const lines: HTMLElement[] = [];
  let line = newLine(1, errorLines);
  for (const node of colour(text, javascript)) {
    const parts = (node.textContent ?? '').split('\n');
    parts.forEach((part, index) => {
      if (index > 0) {
        lines.push(line);
        line = newLine(lines.length + 1, errorLines);
      }
      if (part === '') return;
      line.lastElementChild?.append(
        node instanceof HTMLElement ? element('span', { class: node.className }, part) : part,
      );
    });
  }
  lines.push(line);
  return element('div', { class: 'source', role: 'group', 'aria-label': 'source code' }, lines);
}

function newLine(number: number, errorLines: readonly number[]): HTMLElement {
  const isError = errorLines.includes(number);
  return element(
    'div',
    { class: isError ? 'line is-error' : 'line' },
    element('span', { class: 'line-number', 'aria-hidden': 'true' }, String(number)),
    element('code'),
  );
}
