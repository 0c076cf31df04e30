// Runs the corpus of hostile programs with the cells in threads, then in host processes:
//   npm run test:hostile -- [--isolation thread|process] [arguments of vitest]
import { parseArgs } from 'node:util';
import { runSuite } from './suites.mjs';

const { values, tokens } = parseArgs({
  args: process.argv.slice(2),
  strict: false,
  tokens: true,
  options: { isolation: { type: 'string' } },
});
const own = tokens.find((token) => token.kind === 'option' && token.name === 'isolation');
const count = own === undefined ? 0 : own.inlineValue ? 1 : 2;
const vitestArguments = process.argv.slice(2).toSpliced(own?.index ?? 0, count);
const { isolation = 'both' } = values;
const names = {
  both: ['hostile', 'hostile-process'],
  thread: ['hostile'],
  process: ['hostile-process'],
}[isolation];
if (names === undefined) throw new Error(`--isolation is thread or process; got ${isolation}`);
const ends = names.map((name) => [name, runSuite(name, undefined, vitestArguments)]);
for (const [name, { counts }] of ends) console.log(`${name}: ${counts}`);
process.exitCode = ends.every(([, { passed }]) => passed) ? 0 : 1;
