import { defineConfig } from 'vitest/config';

/** Histories by the thousand, bugs planted on purpose, brokers killed for minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    testTimeout: 6 * 3_600_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
