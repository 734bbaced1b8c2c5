import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Failure, type FailureCode, failures, isFailure } from '../../src/domain/failures.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { failures as texts } from '../../src/text/en/failures.ts';

const codes = Object.keys(failures) as FailureCode[];
const placeholders = (code: FailureCode): string[] =>
  [...`${texts[code]} ${texts[`${code}_hint`]}`.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');

const sources = globSync(['{src,activities,workflows,scripts}/**/*.ts'], { cwd: projectRoot }).map(
  (path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }),
);

/** Names in the object literal that begins at `from`; undefined where there is another expression, or a spread in it. */
function factsAt(text: string, from: number): string[] | undefined {
  const literal = /^\s*\{([\s\S]*?)\n?\s*\}\s*,?\s*[,)]/.exec(text.slice(from))?.[1];
  if (literal === undefined || literal.includes('...')) return undefined;
  return [...literal.matchAll(/(?:^|[,{\n])\s*(\w+)/g)].map((match) => match[1] ?? '');
}

describe('the table of failures', () => {
  test.each(codes)('%s says what happened and what to do, in words for people', (code) => {
    const { exitCode } = failures[code];
    expect(texts[code].trim()).not.toBe('');
    expect(texts[`${code}_hint`]).toMatch(/^[A-Z`{]/);
    expect([1, 2, 3, 4, 5, 6, 7, 130]).toContain(exitCode);
  });

  test('has no row that nothing uses', () => {
    const used = (code: string): boolean =>
      sources.some(({ path, text }) => !path.endsWith('domain/failures.ts') && text.includes(`'${code}'`));
    expect(codes.filter((code) => !used(code))).toEqual([]);
  });

  test('gets every fact that its sentences name, wherever a failure is made', () => {
    const missing: string[] = [];
    for (const { path, text } of sources) {
      for (const made of text.matchAll(/new Failure\(\s*'(\w+)'\s*[,)]/g)) {
        const facts = factsAt(text, made.index + made[0].length);
        if (made[0].endsWith(',') && facts === undefined) continue;
        for (const name of placeholders(made[1] as FailureCode)) {
          if (!facts?.includes(name)) missing.push(`${path}: ${made[1]} without ${name}`);
        }
      }
    }
    expect(missing).toEqual([]);
  });
});

describe('Failure', () => {
  test('fills its sentences from its facts, and keeps its cause', () => {
    const cause = new Error('why');
    const failure = new Failure('watch_limit', { sysctl: 'fs.x', current: 1, suggested: 2 }, { cause });
    expect(failure.message).toBe('The kernel refuses more file watches: fs.x is 1.');
    expect(failure.hint).toContain('sysctl fs.x=2');
    expect(failure).toMatchObject({ code: 'watch_limit', exitCode: 5, retryable: true, cause });
  });

  test('does not read a fact for a placeholder of its own', () => {
    expect(new Failure('usage', { detail: '{detail} $& $1' }).message).toBe('{detail} $& $1');
  });

  test('is told from other errors', () => {
    expect(isFailure(new Failure('usage'), 'usage')).toBe(true);
    expect(isFailure(new Failure('usage'), 'internal')).toBe(false);
    expect(isFailure(Object.assign(new Error('x'), { code: 'usage' }))).toBe(false);
  });
});
