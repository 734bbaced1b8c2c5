import { afterEach, describe, expect, test } from 'vitest';
import { isYes } from '../../src/cli/confirm.ts';
import { bytes, table } from '../../src/cli/output.ts';
import { countOf, nameOf, outcomeWithReason, reasonText, word } from '../../src/cli/words.ts';
import { outcomes } from '../../src/domain/records.ts';
import { say, speak, spoken } from '../../src/text/voice.ts';
import { displayWidth } from '../../src/text/width.ts';

afterEach(() => speak('en'));

describe('a process speaks one language', () => {
  test('English until it is told another', async () => {
    expect(spoken()).toBe('en');
    expect(say('status', 'stopping')).toBe('Stopping …');
    await speak('fr');
    expect(say('status', 'stopping')).toBe('Arrêt en cours …');
  });

  test('with plural forms', async () => {
    await speak('fr');
    expect(say('files', 'entries', { count: 0 })).toBe('0 entrée');
    expect(say('files', 'entries', { count: 1 })).toBe('1 entrée');
    expect(say('files', 'entries', { count: 12_000 })).toMatch(/^12\s000 entrées$/);
  });

  test('with sizes as it writes them', async () => {
    await speak('fr');
    expect([0, 1_023, 1_536, 5 * 1_024 ** 4].map(bytes)).toEqual(['0 o', '1023 o', '1,5 Kio', '5,0 Tio']);
  });

  test('with a word for every outcome; what it has no word for stays what it is', async () => {
    await speak('fr');
    for (const outcome of outcomes) expect([outcome, word(outcome)]).not.toEqual([outcome, outcome]);
    expect(word('complete with warnings')).toBe('complet avec avertissements');
    expect(word('policy.deny.video')).toBe('policy.deny.video');
    expect(countOf(3, 'held')).toBe('en attente\u00a0: 3');
  });
});

test('a yes is one in either language', () => {
  expect(['y', 'Yes', 'o', 'O', 'oui'].map(isYes)).toEqual([true, true, true, true, true]);
  expect(['', 'n', 'non', 'ouais', 'yo'].map(isYes)).toEqual([false, false, false, false, false]);
});

test('a reason is a sentence with the code that a search takes; a rule of somebody’s own stays its id', async () => {
  expect(outcomeWithReason('ignored', 'special_file')).toBe(
    'ignored: a device, socket or pipe [special_file]',
  );
  await speak('fr');
  expect(outcomeWithReason('held', 'approval_required')).toBe(
    'en attente\u00a0: trop peu des personnes enregistrées ont approuvé [approval_required]',
  );
  expect(['deny_video', 'vanished', null].map(reasonText)).toEqual(['deny_video', 'disparu', '']);
  expect(['sizeBytes', 'duplicate_check', 'their_column'].map(nameOf)).toEqual([
    'octets',
    'recherche de doublon',
    'their_column',
  ]);
});

describe('columns of a terminal', () => {
  test.each([
    ['plain', 5],
    ['préfecture', 10],
    ['pre\u0301fecture', 10],
    ['役所の書類', 10],
    ['시청', 4],
    ['ＡＢ', 4],
    ['👩🏽‍💻 ok', 5],
    ['', 0],
  ])('%s takes %i', (text, columns) => {
    expect(displayWidth(text)).toBe(columns);
  });

  test('line up whatever they are written in', () => {
    const lines = table([
      ['état', 'x'],
      ['書類', 'y'],
      ['longer one', 'z'],
    ]).split('\n');
    expect(lines.map((line) => displayWidth(line))).toEqual([13, 13, 13]);
  });
});
