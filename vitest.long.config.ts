import { defineConfig } from 'vitest/config';

/** What takes too long for every run: kill sweeps, long fuzzing, large files. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts', 'test/faults/**/*.test.ts'],
    fileParallelism: false,
    // What people are told is pinned in English, whoever runs the tests.
    env: { LC_ALL: 'C.UTF-8' },
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
