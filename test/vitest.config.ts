import { defineConfig } from 'vitest/config';

/** `--mode soak` runs each property 20 times as long, on stories that no run has seen. */
export default defineConfig(({ mode }) => {
  const soak = mode === 'soak' ? 20 : 1;
  return {
    root: `${import.meta.dirname}/..`,
    test: {
      include: ['test/**/*.test.ts'],
      exclude: ['test/e2e/**'],
      testTimeout: 60_000 * soak,
      hookTimeout: 60_000 * soak,
      provide: { soak },
    },
  };
});
