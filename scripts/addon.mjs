// Builds the addon with node-gyp: in place for the running Node, or out of tree for another one.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNodeDir } from './node-headers.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The modification time, in ms, of the newest file among files and folders (searched whole); 0 for none. */
export function newest(...paths) {
  let latest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const stat = statSync(path);
    const time = stat.isDirectory()
      ? newest(...readdirSync(path).map((name) => join(path, name)))
      : stat.mtimeMs;
    latest = Math.max(latest, time);
  }
  return latest;
}

/** Runs a command with the output shown; throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: 'inherit', cwd: root, ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new Error(
      `${[command, ...args].join(' ')} ended with ${result.signal ?? `status ${result.status}`}`,
    );
  }
}

/** Whether the build in `folder` is for this ABI and newer than the sources. */
export function isAddonCurrent(folder, abi) {
  const addon = join(folder, 'build', 'Release', 'codecell.node');
  if (!existsSync(addon) || builtAbi(folder) !== abi) return false;
  // make leaves the file alone when a newer source changes nothing; the stamp says that it looked.
  const built = Math.max(statSync(addon).mtimeMs, newest(stampOf(folder)));
  const sources = ['base', 'engine', 'cell', 'pool', 'addon', 'sources.txt'].map((name) =>
    join(root, 'native', name),
  );
  return built >= newest(join(root, 'binding.gyp'), ...sources);
}

/**
 * Builds the addon with the given Node binary against its headers, in `folder` (the repository itself or an
 * out-of-tree folder), and gives the path of the result.
 */
export function buildAddon({ folder, node, abi, nodeDir }) {
  if (folder !== root) linkSources(folder);
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const addon = join(folder, 'build', 'Release', 'codecell.node');
  // Objects of another ABI must not be linked into this one.
  if (builtAbi(folder) !== abi) rmSync(join(folder, 'build'), { recursive: true, force: true });
  const args = [nodeGyp, 'configure', 'build', '--release', '--loglevel=warn'];
  if (nodeDir !== undefined) args.push(`--nodedir=${nodeDir}`);
  // gyp asks `node` on the path for the sources and include folders; any Node answers the same.
  const env = { ...process.env, JOBS: process.env.JOBS ?? 'max' };
  // npm hands its own configuration down; what it says of headers holds for the running Node only.
  for (const name of Object.keys(env)) if (/^npm_config_(nodedir|node_gyp)$/i.test(name)) delete env[name];
  run(node, args, { cwd: folder, env });
  const now = new Date();
  writeFileSync(stampOf(folder), '');
  utimesSync(stampOf(folder), now, now);
  return addon;
}

/** Brings the addon of the repository up to date for the running Node. */
export function buildAddonHere() {
  const abi = process.versions.modules;
  if (isAddonCurrent(root, abi)) return;
  buildAddon({ folder: root, node: process.execPath, abi, nodeDir: findNodeDir() });
}

/** The file name node-gyp-build picks for one ABI of Node on this platform. */
export function prebuildPath(abi) {
  const libc = process.platform !== 'linux' ? '' : existsSync('/etc/alpine-release') ? '.musl' : '.glibc';
  return join(
    root,
    'prebuilds',
    `${process.platform}-${process.arch}`,
    `codecell.node.abi${abi}${libc}.node`,
  );
}

/** Puts a built addon where node-gyp-build finds it for its ABI. */
export function placePrebuild(addon, abi) {
  const target = prebuildPath(abi);
  mkdirSync(dirname(target), { recursive: true });
  // Replaced rather than overwritten: a process may have the old file loaded.
  rmSync(target, { force: true });
  copyFileSync(addon, target);
  return target;
}

function stampOf(folder) {
  return join(folder, 'build', 'codecell.stamp');
}

// The ABI the build folder is configured for, as node-gyp wrote it down.
function builtAbi(folder) {
  const config = join(folder, 'build', 'config.gypi');
  if (!existsSync(config)) return undefined;
  return /"node_module_version": (\d+)/.exec(readFileSync(config, 'utf8'))?.[1];
}

// node-gyp always builds in ./build, so a build beside the repository gets a folder that points into it.
function linkSources(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ['native', 'node_modules']) {
    rmSync(join(folder, name), { recursive: true, force: true });
    symlinkSync(join(root, name), join(folder, name), 'junction');
  }
  for (const name of ['binding.gyp', 'package.json']) copyFileSync(join(root, name), join(folder, name));
}
