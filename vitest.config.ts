import { configDefaults, defineConfig } from 'vitest/config';

const major = process.versions.node.split('.')[0];
const suffix = process.env['CODECELL_TEST_ISOLATION'] === 'process' ? '-process' : '';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Take minutes, or another program: npm run test:hostile, npm run test:interop.
    exclude: [...configDefaults.exclude, 'test/hostile/**', 'test/interop/**'],
    environment: 'node',
    // One process per file: a native crash is a red file, not a dead run.
    pool: 'forks',
    retry: 0,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', ['json', { outputFile: `out/test-results/node-${major}${suffix}.json` }]],
  },
});
