import { CodeModeError } from '../errors.js';
import { fs, path, requireDependency } from '../builtin-modules.js';
import { packageRoot } from '../package-root.js';
import type { NativeAddon } from './addon.js';
import { wrapBinding, type Binding } from './binding.js';

/** The parts of node-gyp-build that pick the prebuilt binary for this Node, platform and C library. */
interface PrebuildMatcher {
  parseTags: (file: string) => object | undefined;
  matchTags: (runtime: string, abi: string) => (tags: object | undefined) => boolean;
  compareTags: (runtime: string) => (a: object, b: object) => number;
}

const runtime = process.versions['electron'] === undefined ? 'node' : 'electron';

let loaded: NativeAddon | undefined;

/**
 * Loads the native addon, once per thread: from build/Release or build/Debug, where node-gyp puts it, or else
 * from the prebuilt binaries (from these alone when the environment has PREBUILDS_ONLY). Throws a CodeModeError
 * ADDON_UNAVAILABLE that lists every attempt.
 */
export function loadAddon(): NativeAddon {
  return (loaded ??= loadFirst(candidateFiles(packageRoot)));
}

/** The files to try, in order. Prebuilt binaries are only looked for when nothing that was built here loads. */
export function* candidateFiles(root: string): Generator<string, void> {
  if (!process.env['PREBUILDS_ONLY']) {
    for (const folder of ['Release', 'Debug']) yield path.join(root, 'build', folder, 'codecell.node');
  }
  const folder = path.join(root, 'prebuilds', `${process.platform}-${process.arch}`);
  const expected = path.join(folder, prebuiltName());
  if (fs.existsSync(expected)) yield expected;
  for (const file of matchingFiles(folder)) if (file !== expected) yield file;
}

/** What `npm run prebuild` calls the binary for this Node: looking there first spares most processes a search. */
export function prebuiltName(): string {
  const libc = process.platform !== 'linux' ? '' : fs.existsSync('/etc/alpine-release') ? '.musl' : '.glibc';
  return `codecell.${runtime}.abi${process.versions.modules}${libc}.node`;
}

/** Loads the first file that loads, or throws ADDON_UNAVAILABLE with what happened to each of them. */
export function loadFirst(files: Iterable<string>): NativeAddon {
  const attempts: string[] = [];
  for (const file of files) {
    if (!fs.existsSync(file)) {
      attempts.push(`${file}: no such file`);
      continue;
    }
    try {
      const module: { exports: unknown } = { exports: {} };
      // What require() comes down to, without its search for the file, which takes longer than loading it.
      process.dlopen(module, file);
      const addon = module.exports as Binding;
      // Node checks this for addons that use V8 alone, not for those that use Node-API beside it.
      if (addon.nodeAbi !== process.versions.modules) {
        attempts.push(`${file}: built for Node ABI ${addon.nodeAbi}`);
        continue;
      }
      if (addon.isMainThread) process.on('exit', (code) => addon.setExitCode(code));
      return wrapBinding(addon);
    } catch (error) {
      attempts.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new CodeModeError('ADDON_UNAVAILABLE', unavailableMessage(attempts));
}

/** All that node-gyp-build takes to fit, the best one first. */
function matchingFiles(folder: string): string[] {
  if (!fs.existsSync(folder))
    return [path.join(folder, `codecell.node.abi${process.versions.modules}.*.node`)];
  const { parseTags, matchTags, compareTags } = requireDependency('node-gyp-build') as PrebuildMatcher;
  const fits = matchTags(runtime, process.versions.modules);
  const compare = compareTags(runtime);
  const candidates = fs
    .readdirSync(folder)
    .map((file) => ({ file, tags: parseTags(file) }))
    .filter((one): one is { file: string; tags: object } => one.tags !== undefined && fits(one.tags))
    .sort((a, b) => compare(a.tags, b.tags));
  if (candidates.length === 0)
    return [path.join(folder, `codecell.node.abi${process.versions.modules}.*.node`)];
  return candidates.map(({ file }) => path.join(folder, file));
}

function unavailableMessage(attempts: string[]): string {
  const here = `Node ${process.version} (ABI ${process.versions.modules}) on ${process.platform}-${process.arch}`;
  return [
    `The native addon of codecell could not be loaded for ${here}. Tried:`,
    ...attempts.map((attempt) => `  - ${attempt}`),
    'What to do: reinstall the package with this Node version, so that its prebuilt binary is chosen; or, with a ' +
      'C++20 compiler and python3 at hand, build it: `npx node-gyp rebuild --release` in the package folder.',
  ].join('\n');
}
