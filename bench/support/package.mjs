// The package under measurement: this repository's build, or the one `--package` names.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Imports the built package, or the part of it with a subpath of its own. */
export async function importCodecell(part = '.') {
  const folder = process.env.CODECELL_BENCH_PACKAGE ?? root;
  return import(pathToFileURL(join(folder, 'dist', part, 'index.js')).href);
}
