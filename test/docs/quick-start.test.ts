import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readPage, root } from './pages.js';

test("the README's quick start runs as it is, and prints what the README says", () => {
  const [, program, printed] =
    /<!-- quick-start -->\s*```js\n([\s\S]*?)```\s*It prints:\s*```text\n([\s\S]*?)```/.exec(
      readPage('README.md'),
    ) ?? [];
  expect(program).toBeDefined();
  // A user's folder with the package installed in it.
  const folder = mkdtempSync(path.join(tmpdir(), 'codecell-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(root, path.join(folder, 'node_modules', 'codecell'), 'junction');
  const file = path.join(folder, 'quick-start.mjs');
  writeFileSync(file, program!);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
  const anyTime = (text: string) => text.replace(/Wall time \d+\.\d/, 'Wall time T');
  expect({ status, stdout: anyTime(stdout), stderr }).toEqual({
    status: 0,
    stdout: anyTime(printed!),
    stderr: '',
  });
});
