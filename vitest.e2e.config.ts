import { defineConfig } from 'vitest/config';

/** Tests of the whole program on its real services: one file after the other, because each file starts a stack. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
