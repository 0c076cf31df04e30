import { afterAll, describe, expect, test } from 'vitest';
import { CodeModeService } from '../../lib/index.js';
import type { ConformanceCase } from './cases.js';
import { findMissingFeatures } from './engine-features.js';
import type { ExtraCase } from './extra-case.js';
import { helperCases } from './extra-helper-cases.js';
import { runtimeCases } from './extra-runtime-cases.js';
import { runCase, type Profile } from './harness.js';
import { isolation } from '../isolation.js';

const service = new CodeModeService({ isolation });
afterAll(() => service.close());

const profiles: Profile[] = ['codex', 'default'];

const toCase = (area: string, { title, source, error, tools = [] }: ExtraCase): ConformanceCase => ({
  id: `${area}/${title}`,
  area,
  tier: 'core',
  tools,
  source,
  expect: { error_text: error ?? null },
});

const extraCases = Object.entries({ ...helperCases, ...runtimeCases }).flatMap(([area, list]) =>
  list.map((extra) => ({ ...extra, testCase: toCase(area, extra) })),
);
const missing = findMissingFeatures(extraCases.map(({ testCase }) => testCase));

describe.each(profiles)('profile %s', (profile) => {
  for (const { testCase, items = [], error } of extraCases) {
    const reason = missing.get(testCase.id);
    if (reason !== undefined) {
      test.skip(`${testCase.id} (${reason})`);
      continue;
    }
    test(testCase.id, async () => {
      const { result } = await runCase(service, testCase, profile);
      expect(result.error_text).toBe(error ?? null);
      expect(result.status).toBe(error === undefined ? 'completed' : 'failed');
      expect(result.content_items?.map((item) => item['text'] ?? item)).toEqual(items);
    });
  }
});
