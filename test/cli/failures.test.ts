import { expect, test } from 'vitest';
import { type FailureCode, failures } from '../../src/domain/failures.ts';
import { languages } from '../../src/text/language.ts';
import { allTexts } from '../../src/text/texts.ts';

/** What scripts and people rely on: a change here is a change of the command line's contract. */
test('codes, exit codes and sentences are as recorded, in each language', async () => {
  const text = Object.entries(failures)
    .map(([code, { exitCode, retryable }]) => {
      const said = languages.map((language) => {
        const texts = allTexts[language].failures;
        return `  ${texts[code as FailureCode]}\n  → ${texts[`${code as FailureCode}_hint`]}\n`;
      });
      return `${code}: exit code ${exitCode}${retryable ? ', may pass by itself' : ''}\n${said.join('')}`;
    })
    .join('\n');
  await expect(text).toMatchFileSnapshot('failures.golden.txt');
});
