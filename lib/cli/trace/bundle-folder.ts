import { readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reduceBundle, type ReducedBundle, type ReduceOptions } from '../../trace/bundle.js';
import { messageOf } from '../inputs.js';
import type { Printer } from '../printer.js';
import { CommandProblem } from './command.js';

const manifestName = 'manifest.json';
const logName = 'trace.jsonl';

/**
 * Makes sure that there is a bundle in the folder: its log, or at least its manifest.
 *
 * @throws CommandProblem
 */
export async function checkBundle(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new CommandProblem('NOT_FOUND', `there is no folder ${path}`);
    }
    throw unreadable(path, error);
  });
  if (!found.isDirectory()) {
    const hint = path.endsWith(logName) || path.endsWith(manifestName) ? `; try ${dirname(path)}` : '';
    throw new CommandProblem('NOT_A_BUNDLE', `${path} is a file, and a bundle is a folder${hint}`);
  }
  const names = await readdir(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (names.includes(logName) || names.includes(manifestName)) return;
  const inside = await bundlesIn(path, names);
  const hint =
    inside.length === 0
      ? ''
      : `; it holds ${inside.length === 1 ? 'a bundle' : 'bundles'}: ${inside.slice(0, 5).join(', ')}${inside.length > 5 ? ', ...' : ''}`;
  throw new CommandProblem('NOT_A_BUNDLE', `${path} has neither ${logName} nor ${manifestName}${hint}`);
}

async function bundlesIn(path: string, names: readonly string[]): Promise<string[]> {
  const checked = await Promise.all(
    names.toSorted().map(async (name) =>
      stat(join(path, name, logName)).then(
        (file) => (file.isFile() ? [join(path, name)] : []),
        () => [],
      ),
    ),
  );
  return checked.flat();
}

function unreadable(path: string, error: unknown): CommandProblem {
  return new CommandProblem('UNREADABLE', `${path} cannot be read: ${messageOf(error)}`);
}

/** @throws CommandProblem when there is no bundle, and TraceError in strict mode. */
export async function reduceFolder(path: string, options: ReduceOptions = {}): Promise<ReducedBundle> {
  await checkBundle(path);
  return reduceBundle(path, options);
}

/**
 * Writes to a file, or to standard output when there is none.
 *
 * @throws CommandProblem when the file cannot be written.
 */
export async function writeOutput(text: string, file: string | undefined, printer: Printer): Promise<void> {
  if (file === undefined) return printer.print(text);
  await writeFile(file, text).catch((error: unknown) => {
    throw new CommandProblem('NOT_WRITABLE', `${file} cannot be written: ${messageOf(error)}`);
  });
}
