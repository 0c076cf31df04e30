import { defineConfig, mergeConfig } from 'vitest/config';
import shared from './vitest.config.js';

const major = process.versions.node.split('.')[0];
const suffix = process.env['CODECELL_TEST_ISOLATION'] === 'process' ? '-process' : '';

/** `npm run test:hostile`: takes minutes, and is no part of `npm test`. */
const config = mergeConfig(
  { ...shared, test: { ...shared.test, include: [], exclude: [], reporters: [] } },
  defineConfig({
    test: {
      include: ['test/hostile/**/*.test.ts'],
      // Two children at a time, whatever the file.
      fileParallelism: false,
      maxConcurrency: 2,
      testTimeout: 120_000,
      reporters: [
        'verbose',
        ['json', { outputFile: `out/test-results/hostile-node-${major}${suffix}.json` }],
      ],
    },
  }),
);

export default config;
