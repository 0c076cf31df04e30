import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const layers = ['base', 'engine', 'cell', 'pool', 'addon'] as const;

interface Reference {
  /** The file, relative to the repository, with forward slashes. */
  file: string;
  /** What it includes or imports. */
  target: string;
}

function filesUnder(folder: string, extension: RegExp): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extension.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

function references(files: string[], pattern: RegExp): Reference[] {
  return files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map((match) => ({
      file,
      target: match[1] ?? match[2] ?? '',
    })),
  );
}

function show(found: Reference[]): string[] {
  return found.map(({ file, target }) => `${file} -> ${target}`);
}

const nativeFiles = layers.flatMap((layer) => filesUnder(`native/${layer}`, /\.(h|cc)$/));
const includes = references(nativeFiles, /^\s*#\s*include\s*["<]([^">]+)[">]/gm);
const layerOf = (file: string) => layers.findIndex((layer) => file.startsWith(`native/${layer}/`));
const inLayers = (...allowed: (typeof layers)[number][]) => {
  const indexes = allowed.map((layer) => layers.indexOf(layer));
  return (reference: Reference) => indexes.includes(layerOf(reference.file));
};

const isV8 = ({ target }: Reference) => /^(v8(-[\w-]+)?\.h|libplatform\/|cppgc\/)/.test(target);
const isNode = ({ target }: Reference) => /^(node(_(?!api|version)\w+)?|env|env-inl)\.h$/.test(target);
const isNodeApi = ({ target }: Reference) =>
  /^(napi(-inl)?|node_api|js_native_api)(_types)?\.h$/.test(target);

describe('native layers', () => {
  test('there are sources to look at', () => {
    expect(nativeFiles.length).toBeGreaterThan(0);
    expect(includes.length).toBeGreaterThan(nativeFiles.length);
  });

  test('V8 headers are included in engine/ and cell/ only', () => {
    expect(show(includes.filter(isV8).filter((found) => !inLayers('engine', 'cell')(found)))).toEqual([]);
  });

  test('node.h is included by one file of engine/ at most', () => {
    const found = includes.filter(isNode);
    expect(show(found.filter((reference) => !inLayers('engine')(reference)))).toEqual([]);
    expect([...new Set(found.map(({ file }) => file))].length).toBeLessThanOrEqual(1);
  });

  test("uv.h, the host's event loop, is included in addon/ only", () => {
    const found = includes.filter(({ target }) => /^uv(\/|\.h$)/.test(target));
    expect(show(found.filter((reference) => !inLayers('addon')(reference)))).toEqual([]);
  });

  test('napi.h is included in addon/ only', () => {
    expect(show(includes.filter(isNodeApi).filter((found) => !inLayers('addon')(found)))).toEqual([]);
  });

  test('includes of our own files name their layer, exist and point downwards', () => {
    const own = includes.filter(({ target }) => target.includes('/') && layerOf(`native/${target}`) >= 0);
    expect(own.length).toBeGreaterThan(0);
    expect(show(own.filter(({ target }) => !existsSync(join(root, 'native', target))))).toEqual([]);
    expect(show(own.filter(({ file, target }) => layerOf(`native/${target}`) > layerOf(file)))).toEqual([]);
    const unnamed = references(nativeFiles, /^\s*#\s*include\s*"([^"/]+)"/gm).filter(({ target }) =>
      nativeFiles.some((file) => file.endsWith(`/${target}`)),
    );
    expect(show(unnamed)).toEqual([]);
  });

  test('nothing in the layers includes the native tests', () => {
    expect(show(includes.filter(({ target }) => /doctest|^test\//.test(target)))).toEqual([]);
  });

  test('sources.txt lists every source file once', () => {
    const listed = readFileSync(join(root, 'native', 'sources.txt'), 'utf8')
      .trim()
      .split('\n');
    expect([...listed].sort()).toEqual(nativeFiles.filter((file) => file.endsWith('.cc')).sort());
  });
});

describe('library layers', () => {
  const libraryFiles = filesUnder('lib', /\.ts$/);
  const imports = references(
    libraryFiles,
    /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|\brequire(?:Dependency)?\(\s*)(?:'([^']+)'|"([^"]+)")/g,
  );

  test('lib/native is the only importer of the addon', () => {
    const loaders = imports.filter(({ target }) => target === 'node-gyp-build' || target.endsWith('.node'));
    expect(show(loaders.filter(({ file }) => !file.startsWith('lib/native/')))).toEqual([]);
  });

  test('relative imports name existing files of lib/ with their extension', () => {
    const broken = imports
      .filter(
        ({ target }) => target.startsWith('.') && !target.endsWith('.json') && !target.endsWith('.node'),
      )
      .filter(({ file, target }) => {
        const source = join(dirname(file), target).replace(/\.js$/, '.ts').split(sep).join('/');
        return !target.endsWith('.js') || !libraryFiles.includes(source);
      });
    expect(show(broken)).toEqual([]);
  });

  test('adapters import nothing of lib/ but the public index and each other', () => {
    const inside = imports.filter(
      ({ file, target }) => file.startsWith('lib/adapters/') && target.startsWith('.'),
    );
    const deep = inside.filter(({ file, target }) => {
      const path = join(dirname(file), target).split(sep).join('/');
      return path !== 'lib/index.js' && !path.startsWith('lib/adapters/');
    });
    expect(show(deep)).toEqual([]);
  });

  test('adapters need nothing but optional peers, and nothing else needs these', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      peerDependencies?: Record<string, string>;
      peerDependenciesMeta?: Record<string, { optional?: boolean }>;
    };
    const peers = Object.keys(manifest.peerDependencies ?? {});
    expect(peers.filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true)).toEqual([]);
    const isBare = ({ target }: Reference) => !target.startsWith('.') && !target.startsWith('node:');
    const bare = imports.filter(isBare);
    const isAdapter = ({ file }: Reference) => file.startsWith('lib/adapters/');
    expect(show(bare.filter((found) => isAdapter(found) && !peers.includes(found.target)))).toEqual([]);
    expect(show(bare.filter((found) => !isAdapter(found) && peers.includes(found.target)))).toEqual([]);
  });

  test('the page of a trace shares nothing with the library but the shape of its data', () => {
    const shared = imports.filter(
      ({ file, target }) => file.startsWith('lib/trace/view/browser/') && !target.startsWith('./'),
    );
    expect([...new Set(shared.map(({ target }) => target))]).toEqual(['../document.js']);
  });

  test('the core imports neither adapters nor the command line', () => {
    const upwards = imports.filter(({ file, target }) => {
      if (!target.startsWith('.') || /^lib\/(adapters|cli)\//.test(file)) return false;
      return /^lib\/(adapters|cli)\//.test(join(dirname(file), target).split(sep).join('/'));
    });
    expect(show(upwards)).toEqual([]);
  });

  test('the package loads no module of Node by an import, which takes milliseconds', () => {
    const loading = references(libraryFiles, /^(?:import|export) (?!type )[^;]*?'([^']+)';$/gm);
    const loaded = new Set(['lib/index.ts']);
    for (const file of loaded) {
      for (const { target } of loading.filter(
        (found) => found.file === file && found.target.startsWith('.'),
      )) {
        loaded.add(join(dirname(file), target).split(sep).join('/').replace(/\.js$/, '.ts'));
      }
    }
    expect(loaded).toContain('lib/native/load.ts');
    const ofNode = loading.filter(({ file, target }) => loaded.has(file) && target.startsWith('node:'));
    expect(show(ofNode)).toEqual([]);
  });

  test('no file awaits at its top level, so that require() can load the package', () => {
    // A statement at column 0 that awaits is at the top level: the formatter indents everything else.
    const awaiting = libraryFiles.filter((file) =>
      /^(?:(?:export\s+)?(?:const|let|var)\s[^\n]*=\s*await\b|await\s|for\s+await\b)/m.test(
        readFileSync(join(root, file), 'utf8'),
      ),
    );
    expect(awaiting).toEqual([]);
  });
});
