import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The recorded corpus lies beside the project; the environment can name another place. */
const folder =
  process.env['CODECELL_TRACE_CORPUS'] ??
  fileURLToPath(new URL('../../../shared/trace-corpus', import.meta.url));

export const hasCorpus = existsSync(join(folder, 'index.json'));

/** Goes into the title of a suite that needs the corpus. */
export const corpusNote = hasCorpus
  ? ''
  : ' (skipped: the recorded trace corpus is absent; CODECELL_TRACE_CORPUS can name its folder)';

export interface RecordedBundle {
  name: string;
  path: string;
  /** The recorded state, or undefined when the bundle was refused. */
  stateFile: string | undefined;
}

function readTable<Row>(file: string): Row[] {
  return hasCorpus ? (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Row[]) : [];
}

export function realBundles(): RecordedBundle[] {
  interface Row {
    name: string;
    bundles: { dir: string; state?: string }[];
  }
  return readTable<Row>('index.json').flatMap(({ name, bundles }) =>
    bundles.map(({ dir, state }) => ({
      name: `${name}/${dir}`,
      path: join(folder, 'bundles', name, dir),
      stateFile: state === undefined ? undefined : join(folder, 'bundles', name, state),
    })),
  );
}

export function damagedBundles(): RecordedBundle[] {
  interface Row {
    name: string;
    state?: string;
  }
  return readTable<Row>('damaged.json').map(({ name, state }) => ({
    name,
    path: join(folder, 'damaged', name, 'bundle'),
    stateFile: state === undefined ? undefined : join(folder, 'damaged', name, state),
  }));
}

export function minimalBundles(): RecordedBundle[] {
  interface Row {
    name: string;
    exit: number;
  }
  return readTable<Row>('minimal/results.json').map(({ name, exit }) => ({
    name,
    path: join(folder, 'minimal', name, 'bundle'),
    stateFile: exit === 0 ? join(folder, 'minimal', name, 'state.json') : undefined,
  }));
}

export interface ItemExample {
  name: string;
  item: unknown;
  conversation_item?: Record<string, unknown>;
  error?: string;
}

export function itemExamples(): ItemExample[] {
  if (!hasCorpus) return [];
  const table = JSON.parse(readFileSync(join(folder, 'item-types.json'), 'utf8')) as Record<
    string,
    Omit<ItemExample, 'name'>
  >;
  return Object.entries(table).map(([name, example]) => ({ name, ...example }));
}
