// The vitest suites that the scripts of this folder run, with any Node and with the cells in threads or host processes.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './addon.mjs';

const HOSTILE = ['--config', 'vitest.hostile.config.ts'];

/** `report`: how its report in out/test-results begins (vitest.config.ts, vitest.hostile.config.ts). */
export const suites = {
  test: { report: '', isolation: 'thread', args: [] },
  process: {
    report: '',
    isolation: 'process',
    args: ['test/contract', 'test/lifecycle', 'test/conformance'],
  },
  hostile: { report: 'hostile-', isolation: 'thread', args: HOSTILE },
  'hostile-process': { report: 'hostile-', isolation: 'process', args: HOSTILE },
};

/**
 * Runs a suite, with its output shown. `target`: another Node, as `prepareNode` gives it, else the running one. `args` go to
 * vitest; for suites of listed files they replace the list. Gives `{ counts, passed }`.
 */
export function runSuite(name, target, args = []) {
  const { report, isolation, args: own } = suites[name];
  const major = (target?.version ?? process.version).slice(1).split('.')[0];
  const file = join(
    root,
    'out',
    'test-results',
    `${report}node-${major}${isolation === 'process' ? '-process' : ''}.json`,
  );
  rmSync(file, { force: true });
  const vitest = join(createRequire(import.meta.url).resolve('vitest/package.json'), '..', 'vitest.mjs');
  const listed = own === HOSTILE || args.length === 0 ? [...own, ...args] : args;
  // build/Release is of the running Node's ABI, and a Node-API module does not notice that by itself.
  const other = target && { CODECELL_ADDON: target.prebuild, PREBUILDS_ONLY: '1' };
  const env = { ...process.env, ...other, CODECELL_TEST_ISOLATION: isolation };
  const node = target?.node ?? process.execPath;
  const result = spawnSync(node, [vitest, 'run', ...listed], { cwd: root, env, stdio: 'inherit' });
  if (!existsSync(file)) return { counts: 'no report', passed: false };
  const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(file, 'utf8'));
  const passed = result.status === 0 && success;
  return { counts: `${numPassedTests} passed, ${numFailedTests} failed${passed ? '' : ' (FAILED)'}`, passed };
}
