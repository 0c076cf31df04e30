// Another Node version beside the running one: its npm package (binary and headers) in out/node-<major>, and the addon
// built against it in out/abi<N> and placed in prebuilds/.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon, isAddonCurrent, placePrebuild, root, run } from './addon.mjs';

/**
 * Gives `{ node, version, abi, nodeDir }` of the newest Node of a major version and, unless `addon` is false, brings
 * its prebuilt addon up to date (`prebuild`, its path).
 */
export function prepareNode(major, { addon = true } = {}) {
  const target = installNode(major);
  if (!addon) return target;
  const folder = join(root, 'out', `abi${target.abi}`);
  if (!isAddonCurrent(folder, target.abi)) buildAddon({ folder, ...target });
  const prebuild = placePrebuild(join(folder, 'build', 'Release', 'codecell.node'), target.abi);
  return { ...target, prebuild };
}

function installNode(major) {
  const folder = join(root, 'out', `node-${major}`);
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const home = join(folder, 'node_modules', name);
  const node = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(node)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const npm = process.env.npm_execpath;
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${major}`];
    if (npm) run(process.execPath, [npm, ...args], { cwd: folder });
    else run('npm', args, { cwd: folder, shell: process.platform === 'win32' });
  }
  const asked = spawnSync(node, ['-p', 'process.version + " " + process.versions.modules'], {
    encoding: 'utf8',
  });
  if (asked.status !== 0) throw new Error(`${node} does not run: ${asked.error?.message ?? asked.stderr}`);
  const [version, abi] = asked.stdout.trim().split(' ');
  return { node, version, abi, nodeDir: home };
}
