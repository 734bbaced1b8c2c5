import { mergeConfig } from 'vitest/config';
import endToEnd from './vitest.e2e.config.ts';

/** The end-to-end tests on a Temporal server that somebody runs himself, with Postgres. */
export default mergeConfig(endToEnd, {
  test: {
    globalSetup: 'test/support/self-hosted-suite.ts',
    // What a newcomer gets runs everything itself.
    exclude: ['test/e2e/quickstart.test.ts'],
  },
});
