import { defineConfig } from 'vitest/config';

/** Tests of the whole program on its real services. Each file starts a stack of its own, which waits more than it works. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
