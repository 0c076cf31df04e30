// Runs vitest with the cells in host processes: npm run test:process -- test/contract
// Arguments go to vitest; without any, the suites that are about cells run. On other Node versions: CODECELL_TEST_ISOLATION=process npm run test:matrix -- 24 test/contract
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './addon.mjs';

const vitest = join(createRequire(import.meta.url).resolve('vitest/package.json'), '..', 'vitest.mjs');
const given = process.argv.slice(2);
const vitestArguments = given.length > 0 ? given : ['test/contract', 'test/lifecycle', 'test/conformance'];
const env = { ...process.env, CODECELL_TEST_ISOLATION: 'process' };
const result = spawnSync(process.execPath, [vitest, 'run', ...vitestArguments], {
  cwd: root,
  env,
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
