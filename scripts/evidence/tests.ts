import { Failure } from '../../src/domain/failures.ts';
import { readResults, type SuiteResults } from '../testing/results.ts';

/**
 * What the whole suite came to when it was last run in this checkout, and the long one where it was. Failure `usage` where it
 * was not.
 */
export function testResults(): { readonly test: SuiteResults; readonly 'test:long': SuiteResults | null } {
  const test = readResults('test');
  if (test === undefined)
    throw new Failure('usage', {
      detail: 'docs/evidence/tests.json holds what all tests came to: run npm test first',
    });
  return { test, 'test:long': readResults('test:long') ?? null };
}
