import { defineConfig } from 'vitest/config';

/** What takes too long for every run: kill sweeps, long fuzzing, large files. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts', 'test/faults/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
