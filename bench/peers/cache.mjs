// The peers' packages, in out/bench-peers: installed on demand, never dependencies of this package.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CODEX_VERSION, codexProgram } from '../../scripts/codex-package.mjs';
import { headersVersion } from '../../scripts/node-headers.mjs';
import { root } from '../support/package.mjs';

const QUICKJS_VERSION = '0.32.0';
const abi = process.versions.modules;
const major = Number(process.versions.node.split('.')[0]);
const packages = join(root, 'out', 'bench-peers', `abi${abi}`);

/** The newest isolated-vm for the running Node. */
const ISOLATED_VM_VERSION = major >= 24 ? '7.0.1' : major >= 22 ? '6.2.0' : '5.0.4';

export function requirePeer(name) {
  return createRequire(join(packages, 'package.json'))(name);
}

export function importPeer(name) {
  return import(pathToFileURL(createRequire(join(packages, 'package.json')).resolve(name)).href);
}

/** Each makes its peer ready, when it is not, and gives its version; throws with the reason when it cannot. */
export const installers = {
  codecell: () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
  'worker-vm': () => process.version,
  quickjs: () => install('quickjs-emscripten', QUICKJS_VERSION),
  'isolated-vm'() {
    const version = install('isolated-vm', ISOLATED_VM_VERSION);
    const folder = join(packages, 'node_modules', 'isolated-vm');
    if (!existsSync(join(folder, 'build', 'Release', 'isolated_vm.node'))) {
      // npm runs no install scripts of dependencies unless told to.
      const prefix = dirname(dirname(process.execPath));
      const headers = headersVersion(prefix) === process.version ? [`--nodedir=${prefix}`] : [];
      const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
      run(process.execPath, [nodeGyp, 'rebuild', '--release', ...headers], folder);
    }
    return version;
  },
  'codex-host'() {
    codexHostProgram();
    return CODEX_VERSION;
  },
};

/** The path of codex-code-mode-host. */
export function codexHostProgram() {
  return codexProgram('codex-code-mode-host');
}

function install(name, version) {
  const manifest = join(packages, 'node_modules', name, 'package.json');
  const installed = () =>
    existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
  if (installed() === version) return version;
  mkdirSync(packages, { recursive: true });
  const own = join(packages, 'package.json');
  if (!existsSync(own)) writeFileSync(own, '{ "private": true }\n');
  npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`], packages);
  return installed();
}

function npm(args, cwd) {
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js')) run(process.execPath, [script, ...args], cwd);
  else run('npm', args, cwd, { shell: process.platform === 'win32' });
}

function run(command, args, cwd, options = {}) {
  const { npm_config_nodedir: _, ...env } = process.env;
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8', ...options });
  if (result.error) throw result.error;
  if (result.status === 0) return;
  const words = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-4).join('\n');
  fail(`${[command, ...args].join(' ')} ended with status ${result.status}:\n${words}`);
}

function fail(message) {
  throw new Error(message);
}
