import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that wait longest, in the order they begin: whichever came last would run alone in the end. */
const slowest = ['crash', 'watcher', 'recover', 'malware', 'protect', 'refused', 'retention'];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const known = slowest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return known === -1 ? slowest.length : known;
    };
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

/** Tests of the whole program on its real services. Each file starts a stack of its own, which waits more than it works. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    // What people are told is pinned in English, whoever runs the tests.
    env: { LC_ALL: 'C.UTF-8' },
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
