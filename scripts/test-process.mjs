// Runs vitest with the cells in host processes: npm run test:process -- test/contract
// Arguments go to vitest; without any, the suites that are about cells run. On other Node versions:
// npm run test:matrix -- 24 --suites process
import { runSuite } from './suites.mjs';

process.exitCode = runSuite('process', undefined, process.argv.slice(2)).passed ? 0 : 1;
