// clang-format and clang-tidy over native/: node scripts/lint-native.mjs format | fix | tidy
// CLANG_FORMAT and CLANG_TIDY name the programs, versions 19 by default. `tidy` needs `npm run build:cmake` first.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './addon.mjs';

const files = readdirSync(join(root, 'native'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(h|cc)$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();

const mode = process.argv[2];
if (mode === 'format') run(program('CLANG_FORMAT', 'clang-format'), ['--dry-run', '-Werror', ...files]);
else if (mode === 'fix') run(program('CLANG_FORMAT', 'clang-format'), ['-i', ...files]);
else if (mode === 'tidy') {
  const sources = files.filter((file) => file.endsWith('.cc') && !/[\\/](test|bench|fuzz)[\\/]/.test(file));
  run(program('CLANG_TIDY', 'clang-tidy'), ['-p', join('out', 'cmake'), '--quiet', ...sources]);
} else throw new Error('usage: node scripts/lint-native.mjs format | fix | tidy');

function program(variable, name) {
  const named = process.env[variable];
  if (named) return named;
  return spawnSync(`${name}-19`, ['--version']).status === 0 ? `${name}-19` : name;
}
