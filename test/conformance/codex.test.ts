import { afterAll, describe, expect, test } from 'vitest';
import { CodeModeService } from '../../lib/index.js';
import { findMissingFeatures } from './engine-features.js';
import { loadCases } from './cases.js';
import { runCase } from './harness.js';
import { ConformanceSummary } from './summary.js';
import { isolation } from '../isolation.js';

const service = new CodeModeService({ isolation });
const cases = loadCases();
const core = cases.filter(({ tier }) => tier === 'core');
const quirks = cases.filter(({ tier }) => tier === 'quirk');
const missing = findMissingFeatures(cases);
const summary = new ConformanceSummary('conformance, profile codex');

afterAll(async () => {
  await service.close();
  console.log(summary.toString());
});

describe('profile codex gives what the recorded runtime gave', () => {
  for (const testCase of core) {
    const reason = missing.get(testCase.id);
    if (reason !== undefined) {
      summary.setAside(testCase.area, testCase.id, reason);
      test.skip(`${testCase.id} (${reason})`);
      continue;
    }
    test(testCase.id, async () => {
      try {
        const { result } = await runCase(service, testCase, 'codex');
        expect(result).toEqual(testCase.expect);
        summary.count(testCase.area, 'passed');
      } catch (error) {
        summary.count(testCase.area, 'failed');
        throw error;
      }
    });
  }
});

describe('profile codex gives the same when a source is run again, with code that was kept', () => {
  const kept = new CodeModeService({ isolation });
  afterAll(() => kept.close());

  for (const testCase of core) {
    if (missing.has(testCase.id) || testCase.source === undefined) continue;
    test(testCase.id, async () => {
      for (let run = 1; run <= 3; run++) {
        const { result } = await runCase(kept, testCase, 'codex');
        expect(result).toEqual(testCase.expect);
      }
    });
  }
});

test('artefacts of the recorded runtime are compared without being asserted', async () => {
  const matching: string[] = [];
  const differing: string[] = [];
  for (const testCase of quirks) {
    const same = await runCase(service, testCase, 'codex').then(
      ({ result }) => {
        try {
          expect(result).toEqual(testCase.expect);
          return true;
        } catch {
          return false;
        }
      },
      () => false,
    );
    (same ? matching : differing).push(testCase.id);
  }
  summary.note(`artefacts that match (not counted): ${matching.join(', ') || 'none'}`);
  summary.note(`artefacts that differ (not counted): ${differing.join(', ') || 'none'}`);
  expect(matching.length + differing.length).toBe(quirks.length);
}, 60_000);
