// Runs suites on several Node versions: npm run test:matrix -- 20 24 --suites test,hostile
//
// Without arguments all suites of suites.mjs on Node 20, 22, 24 and 26, which takes an hour or two. For each major that is not
// the running one, the npm package of that Node (binary and headers) goes into out/node-<major>, the addon is built against it
// in out/abi<N> and placed in prebuilds/. Further arguments after `--` go to vitest. Prints one line per version and suite;
// exits with 1 when one failed.
import { parseArgs } from 'node:util';
import { buildAddonHere } from './addon.mjs';
import { prepareNode } from './other-node.mjs';
import { runSuite, suites } from './suites.mjs';

const given = process.argv.slice(2);
const separator = given.indexOf('--');
const own = separator < 0 ? given : given.slice(0, separator);
const vitestArguments = separator < 0 ? [] : given.slice(separator + 1);
const { positionals, values } = parseArgs({
  args: own,
  allowPositionals: true,
  options: { suites: { type: 'string', default: Object.keys(suites).join(',') } },
});
const majors = positionals.length > 0 ? positionals : ['20', '22', '24', '26'];
const names = values.suites.split(',');
const wrong = [...majors.filter((one) => !/^\d+$/.test(one)), ...names.filter((name) => !(name in suites))];
if (wrong.length > 0) throw new Error(`no Node version or suite: ${wrong.join(', ')}`);

const lines = [];
let failed = false;
for (const major of majors) {
  try {
    const target = process.versions.node.startsWith(`${major}.`) ? undefined : prepareNode(major);
    if (target === undefined) buildAddonHere();
    for (const name of names) {
      const started = Date.now();
      const { counts, passed } = runSuite(name, target, vitestArguments);
      failed ||= !passed;
      const seconds = Math.round((Date.now() - started) / 1000);
      lines.push(`node ${target?.version ?? process.version}, ${name}: ${counts}, ${seconds} s`);
    }
  } catch (error) {
    failed = true;
    lines.push(`node ${major}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
console.log(`\n${lines.join('\n')}`);
process.exitCode = failed ? 1 : 0;
