// A later exec: a fresh isolate that knows nothing but what was stored.
const { files, fanIn } = load('index');

const hubs = Object.entries(fanIn)
  .sort(([, a], [, b]) => b - a)
  .slice(0, 5);
text(
  'Most imported files\n' + hubs.map(([path, count]) => `${String(count).padStart(4)}  ${path}`).join('\n'),
);

// How often is each symbol that the most imported of them declares mentioned, and in how many files?
const exportsOf = (path) => files.find((file) => file.path === path)?.exports ?? [];
const [path] = hubs.find(([path]) => exportsOf(path).length > 0) ?? [];
const names = exportsOf(path);
const mentions = await Promise.all(
  names.map(async (name) => ({
    name,
    matches: await tools.search_files({ text: name, extensions: ['.ts'] }),
  })),
);
const lines = mentions
  .map(({ name, matches }) => ({
    name,
    count: matches.length,
    files: new Set(matches.map((match) => match.path)).size,
  }))
  .sort((a, b) => b.count - a.count)
  .slice(0, 5)
  .map(({ name, count, files }) => `${String(count).padStart(4)}  ${name} (in ${files} files)`);
text(`Most mentioned symbols of ${path}\n${lines.join('\n')}`);

// What a tool refuses reaches the script as an Error it can read.
await tools
  .read_file({ path: '../../etc/passwd' })
  .catch((error) => text(`Reading outside: ${error.message}`));
