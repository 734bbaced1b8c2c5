import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failedTests, summaryOf } from '../../scripts/testing/results.ts';
import { testFile } from '../../scripts/testing/vitest.ts';
import { projectRoot } from '../../src/stack/project.ts';

test('what a suite came to names each file, and each test that failed', () => {
  const reported = (name: string, status: string, tests: Readonly<Record<string, string>>) =>
    testFile({
      name: join(projectRoot, 'test', name),
      status,
      assertionResults: Object.entries(tests).map(([fullName, status]) => ({ fullName, status })),
    });
  const files = [
    reported('b/good.test.ts', 'passed', { holds: 'passed', 'holds too': 'passed' }),
    reported('a/bad.test.ts', 'failed', { holds: 'passed', breaks: 'failed', left: 'skipped' }),
    // It does not load: none of its tests ran.
    reported('a/broken.test.ts', 'failed', {}),
  ];
  const summary = summaryOf('unit tests', 1.5, { passed: 3, failed: 2, report: '', files });
  expect(summary).toEqual({
    ...{ name: 'unit tests', seconds: 1.5, passed: 3, failed: 2 },
    files: {
      'a/bad.test.ts': { passed: 1, failed: ['breaks'] },
      'a/broken.test.ts': { passed: 0, failed: ['the file itself'] },
      'b/good.test.ts': { passed: 2 },
    },
  });

  // At the end of the log, where everybody looks first.
  const types = summaryOf('types', 3, { passed: 0, failed: 1, report: 'error TS2322' });
  const fine = summaryOf('format', 1, { passed: 1, failed: 0, report: '' });
  expect(failedTests([fine, types, summary])).toEqual([
    'failed: types',
    'failed: a/bad.test.ts > breaks',
    'failed: a/broken.test.ts > the file itself',
  ]);
});
