import { readFileSync } from 'node:fs';
import { afterAll, describe, test } from 'vitest';
import { checkProgram } from './check.js';
import { done, heap, thrown, wall, type HostileProgram } from './program.js';
import { allPrograms } from './programs/index.js';
import { printTable } from './table.js';

interface FatalCase {
  id: string;
  source: string;
  desired: string;
}

/** Each case's `desired` outcome, in the terms of the table. */
const desired: Record<string, Partial<HostileProgram> & Pick<HostileProgram, 'ends'>> = {
  'throw-hostile-tostring': { ends: thrown },
  'throw-hostile-proxy': { ends: thrown },
  'throw-array-of-null-proto': { ends: thrown },
  'reject-hostile': { ends: thrown },
  'object-tostring-throws': { ends: thrown },
  'notify-1000': { ends: done, output: 'done', notifications: 1000 },
  'tools-all-1000': { ends: done, output: '1000' },
  'oom-arrays': { ends: heap },
  'oom-as-settled': { ends: heap },
  'uninterruptible-fill': { ends: [...heap, ...wall], limits: { heapMb: 128, wallMs: 10_000 } },
  'unbounded-text': { ends: ['failed OUTPUT_LIMIT'] },
  'unbounded-store': { ends: ['failed STORE_LIMIT'] },
};

const { cases } = JSON.parse(readFileSync(new URL('fatal.json', import.meta.url), 'utf8')) as {
  cases: FatalCase[];
};

afterAll(printTable);

describe.concurrent('fatal to others', () => {
  // Long enough for a busy machine: the limit that is meant comes first.
  const limits = { heapMb: 128, wallMs: 60_000 };
  const rows = (['default', 'codex'] as const).flatMap((profile) =>
    cases.map(({ id, source }) => ({
      name: `${id}, profile ${profile}`,
      // The default profile takes objects only.
      source: profile === 'default' ? source.replace('tools.echo(i)', 'tools.echo({ i })') : source,
      profile,
      limits,
      ...desired[id]!,
    })),
  );
  test.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, program) =>
    checkProgram('fatal to others', program),
  );
});

for (const [group, programs] of allPrograms) {
  describe.concurrent(group, () => {
    test.each(programs.map((program) => [program.name, program] as const))('%s', async (_name, program) =>
      checkProgram(group, program),
    );
  });
}
