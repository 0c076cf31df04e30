import { configDefaults, defineConfig } from 'vitest/config';

// Needs the programs of OpenAI Codex: npm run test:interop.
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    exclude: configDefaults.exclude,
    environment: 'node',
    pool: 'forks',
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 600_000,
  },
});
