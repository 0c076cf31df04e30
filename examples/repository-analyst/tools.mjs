import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, resolve, sep } from 'node:path';
import { defineTool } from 'codecell';

const skippedFolders = new Set(['node_modules', 'dist', 'build', 'out', 'prebuilds', 'coverage']);

/** Tools that list, read and search the files below `root`, and nothing outside of it. */
export async function createFileTools(root) {
  const home = await realpath(root);

  /** The real path of a file the script names; refuses `..`, absolute paths and links that lead outside. */
  async function resolveInside(path) {
    const real = await realpath(resolve(home, path)).catch(() => {
      throw new Error(`no such file: ${path}`);
    });
    if (real !== home && !real.startsWith(home + sep))
      throw new Error(`${path} is outside of the repository`);
    return real;
  }

  async function* walk(folder) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || skippedFolders.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* walk(path);
      else if (entry.isFile()) yield path;
    }
  }

  async function listPaths(folder, extensions) {
    const paths = [];
    for await (const path of walk(await resolveInside(folder))) {
      if (!extensions || extensions.includes(extname(path))) paths.push(path);
    }
    return paths.sort();
  }

  const toPublic = (path) => relative(home, path).split(sep).join('/');
  const selection = {
    folder: { type: 'string', description: 'Folder to look in. Default: the whole repository.' },
    extensions: { type: 'array', items: { type: 'string' }, description: 'Such as [".ts"]. Default: all.' },
  };

  return [
    defineTool({
      name: 'list_files',
      description: 'Lists the files of the repository with their sizes.',
      inputSchema: { type: 'object', properties: selection, additionalProperties: false },
      execute: async ({ folder = '.', extensions }) =>
        Promise.all(
          (await listPaths(folder, extensions)).map(async (path) => ({
            path: toPublic(path),
            bytes: (await stat(path)).size,
          })),
        ),
    }),
    defineTool({
      name: 'read_file',
      description: 'Reads one text file of the repository.',
      inputSchema: {
        type: 'object',
        properties: { path: { type: 'string' } },
        required: ['path'],
        additionalProperties: false,
      },
      execute: async ({ path }) => readFile(await resolveInside(path), 'utf8'),
    }),
    defineTool({
      name: 'search_files',
      description: 'Finds the lines that contain a text.',
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', minLength: 1 }, ...selection },
        required: ['text'],
        additionalProperties: false,
      },
      execute: async ({ text, folder = '.', extensions }, { signal }) => {
        const matches = [];
        for (const path of await listPaths(folder, extensions)) {
          signal.throwIfAborted();
          const lines = (await readFile(path, 'utf8')).split('\n');
          for (const [index, line] of lines.entries()) {
            if (line.includes(text))
              matches.push({ path: toPublic(path), line: index + 1, text: line.trim() });
          }
        }
        return matches;
      },
    }),
  ];
}
