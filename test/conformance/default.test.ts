import { afterAll, describe, expect, test } from 'vitest';
import { CodeModeService } from '../../lib/index.js';
import { loadCases } from './cases.js';
import { findMissingFeatures } from './engine-features.js';
import { runCase } from './harness.js';
import { avoidRows, deriveCase, rows } from './rows.js';
import { ConformanceSummary } from './summary.js';
import { isolation } from '../isolation.js';

const service = new CodeModeService({ isolation });
const core = loadCases().filter(({ tier }) => tier === 'core');
const missing = findMissingFeatures(core);
const summary = new ConformanceSummary('conformance, profile default');
const touched = new Map(rows.map(({ name }) => [name, 0]));

afterAll(async () => {
  await service.close();
  for (const [name, count] of touched) summary.note(`row "${name}": ${count} cases`);
  console.log(summary.toString());
});

async function counted(area: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    summary.count(area, 'passed');
  } catch (error) {
    summary.count(area, 'failed');
    throw error;
  }
}

describe('profile default differs from the recorded runtime in the documented rows only', () => {
  for (const testCase of core) {
    const reason = missing.get(testCase.id);
    if (reason !== undefined) {
      summary.setAside(testCase.area, testCase.id, reason);
      test.skip(`${testCase.id} (${reason})`);
      continue;
    }
    const derived = deriveCase(testCase);
    for (const name of derived.rows) touched.set(name, (touched.get(name) ?? 0) + 1);
    const title = derived.rows.length === 0 ? testCase.id : `${testCase.id} (${derived.rows.join('; ')})`;
    test(title, () =>
      counted(testCase.area, async () => {
        const run = await runCase(service, derived.testCase, 'default');
        if (derived.check) derived.check(run);
        else expect(run.result).toEqual(derived.testCase.expect);
      }),
    );

    // Where a row changes the whole course of a script, the same script is run again without what the row is about.
    const avoided = avoidRows(testCase);
    if (!avoided) continue;
    const rest = deriveCase(avoided);
    test(`${testCase.id} without what the row is about`, async () => {
      const { result } = await runCase(service, rest.testCase, 'default');
      expect(result).toEqual(rest.testCase.expect);
    });
  }
});
