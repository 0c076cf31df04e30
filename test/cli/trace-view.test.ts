import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostileSession } from '../trace/view/sessions.js';
import { run } from './command.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'codecell-view-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('trace view writes one page to the file that is named', async () => {
  const file = join(temporaryFolder(), 'page.html');
  const { code, stdout, stderr } = await run([
    'trace',
    'view',
    hostileSession().write(),
    '-o',
    file,
    '--title',
    'A & B',
  ]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toContain(file);
  const html = readFileSync(file, 'utf8');
  expect(html).toMatch(/^<!doctype html>/);
  expect(html).toContain('"title":"A \\u0026 B"');
});

test('trace view writes to standard output when the file is -', async () => {
  const { code, stdout, stderr } = await run(['trace', 'view', hostileSession().write(), '-o', '-']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^<!doctype html>[^]*<\/html>\n$/);
});

test('trace view refuses a folder that is no bundle, and a file that cannot be written', async () => {
  const folder = temporaryFolder();
  const nothing = await run(['trace', 'view', folder]);
  expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('NOT_A_BUNDLE') });
  const blocked = await run(['trace', 'view', hostileSession().write(), '-o', join(folder, 'no', 'x.html')]);
  expect(blocked).toMatchObject({ code: 2, stderr: expect.stringContaining('NOT_WRITABLE') });
});
