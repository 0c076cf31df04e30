import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { reduceBundle, serializeState } from '../../lib/trace/index.js';
import { scenarios } from './recorded-scenarios.js';
import { record } from './recording.js';

const folder = fileURLToPath(new URL('fixtures/', import.meta.url));

/** Kept as they were recorded once: what other versions of the recorder wrote must stay readable. */
const KEPT = [
  'nested-calls',
  'yields-and-waits',
  'script-errors',
  'incremental-requests',
  'compaction',
  'agents',
];

const reduce = async (path: string) => serializeState((await reduceBundle(path, { strict: true })).state);

// RECORD_FIXTURES=1 records those that are missing.
if (process.env['RECORD_FIXTURES'] === '1') {
  describe('recording', () => {
    test.each(KEPT.filter((name) => !existsSync(join(folder, name))))('%s', async (name) => {
      const { path } = await record(scenarios.find((scenario) => scenario.name === name)!);
      rmSync(join(folder, name), { recursive: true, force: true });
      mkdirSync(join(folder, name), { recursive: true });
      cpSync(path, join(folder, name, 'bundle'), { recursive: true });
      writeFileSync(join(folder, name, 'state.json'), await reduce(path));
    });
  });
}

test('there is a fixture of every kind that is kept', () => {
  expect(readdirSync(folder).sort()).toEqual([...KEPT].sort());
});

test.each(KEPT)('the bundle %s reduces to the state that was recorded with it', async (name) => {
  const state = readFileSync(join(folder, name, 'state.json'), 'utf8');
  expect(await reduce(join(folder, name, 'bundle'))).toBe(state);
});
