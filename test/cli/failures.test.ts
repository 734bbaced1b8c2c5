import { expect, test } from 'vitest';
import { failures } from '../../src/domain/failures.ts';

/** What scripts and people rely on: a change here is a change of the command line's contract. */
test('codes, exit codes and sentences are as recorded', async () => {
  const text = Object.entries(failures)
    .map(
      ([code, { exitCode, retryable, message, hint }]) =>
        `${code}: exit code ${exitCode}${retryable ? ', may pass by itself' : ''}\n  ${message}\n  → ${hint}\n`,
    )
    .join('\n');
  await expect(text).toMatchFileSnapshot('failures.golden.txt');
});
