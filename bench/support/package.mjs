// The package under measurement: this repository's build, or the one `--package` names.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Imports the built package. */
export async function importCodecell() {
  const folder = process.env.CODECELL_BENCH_PACKAGE ?? root;
  return import(pathToFileURL(join(folder, 'dist', 'index.js')).href);
}
