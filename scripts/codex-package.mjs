/**
 * The programs of OpenAI Codex, from its package for this platform on npm, unpacked into out/ on first use. What is
 * compared with Codex needs them; nothing else does.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CODEX_VERSION = '0.169.0';

const folder = fileURLToPath(new URL(`../out/codex-${CODEX_VERSION}`, import.meta.url));

/** The path of one of the package's programs. Throws with the reason when it cannot be had. */
export function codexProgram(name) {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  const find = () => {
    const vendor = join(folder, 'package', 'vendor');
    if (!existsSync(vendor)) return undefined;
    const found = readdirSync(vendor, { recursive: true }).find(
      (path) => path.split(/[\\/]/).at(-1) === file,
    );
    return found === undefined ? undefined : join(vendor, found);
  };
  const present = find();
  if (present !== undefined) return present;
  // One platform's programs are a version of their own; it is unpacked rather than installed.
  mkdirSync(folder, { recursive: true });
  const specifier = `@openai/codex@${CODEX_VERSION}-${process.platform}-${process.arch}`;
  npm(['pack', specifier, '--pack-destination', folder]);
  const archive = readdirSync(folder).find((path) => path.endsWith('.tgz'));
  run('tar', ['-xzf', archive]);
  rmSync(join(folder, archive));
  const unpacked = find();
  if (unpacked === undefined) throw new Error(`${specifier} has no ${file}`);
  return unpacked;
}

function npm(args) {
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js')) run(process.execPath, [script, ...args]);
  else run('npm', args, { shell: process.platform === 'win32' });
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: folder, encoding: 'utf8', ...options });
  if (result.error) throw result.error;
  if (result.status === 0) return;
  const words = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-4).join('\n');
  throw new Error(`${[command, ...args].join(' ')} ended with status ${result.status}:\n${words}`);
}
