import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { codexProgram } from '../../scripts/codex-package.mjs';
import { reduceBundle, serializeState } from '../../lib/trace/index.js';
import { scenarios } from '../trace/recorded-scenarios.js';
import { record, temporaryFolder } from '../trace/recording.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const fixtures = join(root, 'test', 'trace', 'fixtures');

const codex = findCodex();
if ('reason' in codex) console.warn(`the comparison with Codex is skipped: ${codex.reason}`);

function findCodex(): { program: string } | { reason: string } {
  try {
    return { program: codexProgram('codex') };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The text of the state that Codex reduces a bundle to. */
function reduceWithCodex(bundle: string): string {
  const home = join(root, 'out', 'codex-home');
  mkdirSync(home, { recursive: true });
  const output = join(temporaryFolder(), 'state.json');
  const program = 'program' in codex ? codex.program : '';
  const result = spawnSync(program, ['debug', 'trace-reduce', bundle, '-o', output], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, CODEX_HOME: home },
  });
  expect(result.error ?? null).toBeNull();
  expect({ status: result.status, stderr: result.status === 0 ? '' : result.stderr }).toEqual({
    status: 0,
    stderr: '',
  });
  return readFileSync(output, 'utf8');
}

async function reduceHere(bundle: string): Promise<string> {
  return serializeState((await reduceBundle(bundle, { strict: true })).state);
}

describe.skipIf('reason' in codex)('Codex reduces to the same state', () => {
  test.each(scenarios)('the bundle of $name', async (scenario) => {
    const { path } = await record(scenario);
    expect(await reduceHere(path)).toBe(reduceWithCodex(path));
  });

  test.each(readdirSync(fixtures))('the fixture %s', async (name) => {
    const path = join(fixtures, name, 'bundle');
    expect(await reduceHere(path)).toBe(reduceWithCodex(path));
  });
});
