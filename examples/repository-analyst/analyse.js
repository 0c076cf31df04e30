// Reads every source file through the tools, in parallel, and stores an index for later execs.
const languages = {
  '.ts': 'TypeScript',
  '.cc': 'C++',
  '.h': 'C++',
  '.mjs': 'JavaScript',
  '.js': 'JavaScript',
};
const extensionOf = (path) => path.slice(path.lastIndexOf('.'));

const files = await tools.list_files({ extensions: Object.keys(languages) });
text(`Found ${files.length} source files. Reading them all at once...`);
yield_control(); // Hands the line above to the host now; the script goes on meanwhile.

function exportsOf(source) {
  const declared =
    /^export (?:default )?(?:async )?(?:abstract )?(?:function\*?|class|const|let|enum|interface|type) (\w+)/gm;
  return [...source.matchAll(declared)].map(([, name]) => name);
}

// Paths of other files of the repository that a file imports or includes.
function importsOf(path, source) {
  const folder = path.split('/').slice(0, -1);
  const specifiers = [...source.matchAll(/\bfrom '(\.[^']+)'|^import '(\.[^']+)'|^#include "([^"]+)"/gm)];
  return specifiers.map(([, from, bare, include]) => {
    if (include) return include.startsWith('native/') ? include : `native/${include}`;
    const parts = [...folder];
    for (const part of (from ?? bare).split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '.') parts.push(part);
    }
    return parts.join('/').replace(/\.js$/, '');
  });
}

// From a line that opens a function to the line that closes it at the same depth.
function functionsOf(path, lines) {
  const opening =
    /^(\s*)(?:(?:export|default|static|async|function\*?|[\w:]+(?:<.*>)?[*&]?) )*([\w:#~]+)\(.*\).* \{$/;
  const found = [];
  lines.forEach((line, start) => {
    const [, indent, name] = opening.exec(line) ?? [];
    if (name === undefined || /^(if|for|while|switch|catch|describe|test)$/.test(name)) return;
    const length = lines.slice(start).findIndex((later) => later.startsWith(`${indent}}`)) + 1;
    if (length > 1) found.push({ name, path, line: start + 1, lines: length });
  });
  return found;
}

const index = { files: [], functions: [], fanIn: {} };
await stream_settled(
  files.map(async ({ path, bytes }) => ({ path, bytes, source: await tools.read_file({ path }) })),
  ({ status, value, reason }) => {
    if (status === 'rejected') return text(`skipped a file: ${reason}`);
    const { path, bytes, source } = value;
    const lines = source.split('\n');
    const imports = importsOf(path, source);
    index.files.push({
      path,
      bytes,
      lines: lines.length,
      language: languages[extensionOf(path)],
      exports: exportsOf(source),
      imports,
    });
    index.functions.push(...functionsOf(path, lines));
  },
);

const todos = await tools.search_files({ text: 'TO' + 'DO', extensions: Object.keys(languages) });

index.files.sort((a, b) => a.path.localeCompare(b.path));
const known = new Map(index.files.map(({ path }) => [path.replace(/\.\w+$/, ''), path]));
for (const { imports } of index.files) {
  for (const name of new Set(imports)) {
    const path = known.get(name.replace(/\.\w+$/, ''));
    if (path) index.fanIn[path] = (index.fanIn[path] ?? 0) + 1;
  }
}
store('index', index);

const sum = (list, key) => list.reduce((total, item) => total + item[key], 0);
const rows = [...new Set(Object.values(languages))].map((language) => {
  const list = index.files.filter((file) => file.language === language);
  const exported = list.flatMap(({ exports }) => exports).length;
  return [language, list.length, sum(list, 'lines'), Math.round(sum(list, 'bytes') / 1024), exported];
});
rows.sort((a, b) => b[2] - a[2]);

const table = (head, body) => {
  const width = (column) => Math.max(...[head, ...body].map((row) => String(row[column]).length));
  const cell = (value, column) => {
    const content = String(value);
    return typeof body[0]?.[column] === 'number'
      ? content.padStart(width(column))
      : content.padEnd(width(column));
  };
  return [head, ...body].map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
};
text(table(['language', 'files', 'lines', 'KiB', 'exports'], rows));

const longest = index.functions.sort((a, b) => b.lines - a.lines).slice(0, 5);
text(
  'Longest functions\n' +
    table(
      ['lines', 'function', 'where'],
      longest.map((f) => [f.lines, f.name, `${f.path}:${f.line}`]),
    ),
);
text(`Lines that mention ${'TO' + 'DO'}: ${todos.length}`);
