import { mergeConfig } from 'vitest/config';
import endToEnd from './vitest.e2e.config.ts';

/** The end-to-end tests with one object for each content. */
export default mergeConfig(endToEnd, { test: { env: { HOLDFAST_TEST_PACKS: 'off' } } });
