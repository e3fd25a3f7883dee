import { defineConfig } from 'vitest/config';

/** Against programs that nobody here wrote. Run by `npm run test:interop`; `--smoke` runs only smoke*.test.ts. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
  },
});
