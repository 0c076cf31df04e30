/** Where the suites run their cells: CODECELL_TEST_ISOLATION=process has them run in host processes. */
import type { Isolation } from '../lib/index.js';

const given = process.env['CODECELL_TEST_ISOLATION'] ?? 'thread';
if (given !== 'thread' && given !== 'process') {
  throw new Error(`CODECELL_TEST_ISOLATION is thread or process; got ${given}`);
}

export const isolation: Isolation = given;

/** For programs that import the package as `codecell`: a `CodeModeService` that runs its cells there, too. */
export const isolatedServiceSource = `
  class CodeModeService extends codecell.CodeModeService {
    constructor(options) { super({ isolation: ${JSON.stringify(isolation)}, ...options }); }
  }
`;
