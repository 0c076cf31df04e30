import { fs, path, url } from './builtin-modules.js';

/** The package's folder: the nearest one above this file with a package.json. The build puts this file elsewhere than its source. */
export const packageRoot: string = findRoot(path.dirname(url.fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  const parent = path.dirname(folder);
  if (parent === folder || fs.existsSync(path.join(folder, 'package.json'))) return folder;
  return findRoot(parent);
}
