import { defineConfig } from 'vitest/config';

/** Half an hour, most of it waiting: not part of CI. */
export default defineConfig({
  root: `${import.meta.dirname}/../../..`,
  test: {
    include: ['test/e2e/cluster/*.test.ts'],
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
  },
});
