import { defineConfig } from 'vitest/config';

const isSmoke = process.env['TIDELOG_INTEROP'] === 'smoke';

/** Real clients against a real broker: one file at a time, since each may start brokers. */
export default defineConfig({
  test: {
    include: [isSmoke ? 'test/interop/smoke*.test.ts' : 'test/interop/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
