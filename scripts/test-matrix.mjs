// Runs the test suite on other Node versions: npm run test:matrix -- 22 24 26
// For each major, the npm package of that Node (binary and headers) goes into out/node-<major>, the addon is built
// against it in out/abi<N> and placed in prebuilds/, and vitest runs with that binary on that prebuild. Further
// arguments after `--` go to vitest. Prints one line per version; exits with 1 when one failed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './addon.mjs';
import { prepareNode } from './other-node.mjs';

const given = process.argv.slice(2);
const majors = given.filter((argument) => /^\d+$/.test(argument));
const vitestArguments = given.filter((argument) => !/^\d+$/.test(argument) && argument !== '--');
if (majors.length === 0) majors.push('22', '24', '26');

const lines = [];
let failed = false;
for (const major of majors) {
  const started = Date.now();
  try {
    const target = prepareNode(major);
    const { counts, passed } = runTests(target.node, major, target.prebuild);
    failed ||= !passed;
    const seconds = Math.round((Date.now() - started) / 1000);
    lines.push(`node ${target.version} (abi ${target.abi}): ${counts}, ${seconds} s`);
  } catch (error) {
    failed = true;
    lines.push(`node ${major}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
console.log(`\n${lines.join('\n')}`);
process.exitCode = failed ? 1 : 0;

function runTests(node, major, prebuild) {
  const vitest = join(createRequire(import.meta.url).resolve('vitest/package.json'), '..', 'vitest.mjs');
  const report = join(root, 'out', 'test-results', `node-${major}.json`);
  rmSync(report, { force: true });
  // build/Release is of another ABI, and a Node-API module does not notice that by itself.
  const env = { ...process.env, CODECELL_ADDON: prebuild, PREBUILDS_ONLY: '1' };
  const result = spawnSync(node, [vitest, 'run', ...vitestArguments], { cwd: root, env, stdio: 'inherit' });
  if (!existsSync(report)) return { counts: 'no report', passed: false };
  const { numPassedTests, numFailedTests, success } = JSON.parse(readFileSync(report, 'utf8'));
  const passed = result.status === 0 && success;
  return { counts: `${numPassedTests} passed, ${numFailedTests} failed${passed ? '' : ' (FAILED)'}`, passed };
}
