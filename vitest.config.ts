import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/faults/**', 'test/long/**'],
    // They wait for services as much as they work: one file per core would leave the cores idle half of the time.
    // What people are told is pinned in English, whoever runs the tests.
    env: { LC_ALL: 'C.UTF-8' },
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
