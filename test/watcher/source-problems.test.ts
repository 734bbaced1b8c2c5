import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failures.ts';
import { speak } from '../../src/text/voice.ts';
import { errorProblem, ProblemBoard, watchProblem } from '../../src/watcher/problem-board.ts';
import { sourceProblems } from '../../src/watcher/source-problems.ts';

let home: string;
const source = (name: string) => ({ name, path: join(home, name) });

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'holdfast-problems-'));
  mkdirSync(join(home, 'run'));
});

afterEach(async () => {
  await speak('en');
  rmSync(home, { recursive: true });
});

test('a source that is away is told where no watcher runs, too', async () => {
  mkdirSync(join(home, 'here'));
  writeFileSync(join(home, 'file'), '');
  const sources = ['here', 'away', 'file'].map(source);
  expect(await sourceProblems(home, sources)).toEqual({
    away: expect.stringContaining('cannot be opened (ENOENT)'),
    file: expect.stringContaining('cannot be opened (it is not a folder)'),
  });
});

test('what the watcher found is told before what is seen now, until it is over', async () => {
  const board = new ProblemBoard(home);
  board.set('away', watchProblem({ kind: 'source_changed' }));
  expect(await sourceProblems(home, [source('away')])).toEqual({
    away: expect.stringContaining('another folder is in its place'),
  });
  mkdirSync(join(home, 'away'));
  board.set('away', watchProblem({ kind: 'source_returned' }));
  expect(await sourceProblems(home, [source('away')])).toEqual({});
});

test('a problem that the watcher wrote down is told in the language of whoever asks', async () => {
  const board = new ProblemBoard(home);
  board.set('absent', watchProblem({ kind: 'source_absent' }));
  board.set('unwatched', watchProblem({ kind: 'watch_error', code: 'EACCES' }));
  board.set('failed', errorProblem(new Failure('source_unavailable', { detail: 'it is not a folder' })));
  board.set('unexpected', errorProblem(new Error('secret')));
  await speak('fr');
  expect(await sourceProblems(home, [])).toEqual({
    absent: expect.stringContaining('son dossier n’est pas là'),
    unwatched: expect.stringContaining('ne peut pas être surveillé (EACCES)'),
    failed: expect.stringContaining('ce n’est pas un dossier'),
    unexpected: expect.stringContaining('une erreur inattendue'),
  });
});
