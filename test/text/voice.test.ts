import { afterEach, describe, expect, test } from 'vitest';
import { isYes } from '../../src/cli/confirm.ts';
import { bytes, table } from '../../src/cli/output.ts';
import { progressText } from '../../src/cli/recovery-text.ts';
import { toldFact } from '../../src/cli/told-fact.ts';
import {
  countOf,
  labelled,
  nameOf,
  outcomeWithReason,
  reasonText,
  withName,
  word,
} from '../../src/cli/words.ts';
import { outcomes } from '../../src/domain/records.ts';
import { malwareWarnings } from '../../src/quarantine/standing.ts';
import { say, speak, spoken } from '../../src/text/voice.ts';
import { displayWidth } from '../../src/text/width.ts';
import { findingKinds, type Remedy } from '../../src/verify/finding.ts';

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

test('labels and lists have the signs of the language, and names stay to be found in brackets', async () => {
  const standing = { quarantined: 0, reported: 0, incidents: 0, unscanned: { encrypted: 2, limits: 1 } };
  expect(malwareWarnings(standing)[0]).toContain(
    '(encrypted content, which no scanner looks into: 2; beyond what the scanner looks into: 1)',
  );
  expect(withName(say('checks', 'recovery-kit'), 'recovery-kit')).toBe('recovery-kit');
  await speak('fr');
  expect(malwareWarnings(standing)[0]).toContain(
    '(contenu chiffré, où aucun analyseur ne regarde\u00a0: 2\u00a0; au-delà de ce que l’analyseur examine\u00a0: 1)',
  );
  expect(withName(say('checks', 'recovery-kit'), 'recovery-kit')).toBe('kit de secours [recovery-kit]');
  expect(labelled('primary', 'MANQUE')).toBe('primary\u00a0: MANQUE');
  expect(progressText({ phase: 'packs', done: 2, total: 9 })).toBe('examen des paquets\u00a0: 2 sur 9');
});

test('every kind of finding, and facts of incidents, are told in French', async () => {
  await speak('fr');
  expect(findingKinds.filter((kind) => word(kind) === kind)).toEqual([]);
  const remedies: Remedy[] = ['copied', 'found again', 'lock extended', 'upload anew', 'list anew'];
  expect(remedies.filter((remedy) => toldFact('remedy', remedy) === remedy)).toEqual([]);
  expect(toldFact('action', 'released although detected')).toBe('libéré bien que détecté');
  expect(toldFact('what', 'not_a_word_of_ours')).toBe('not_a_word_of_ours');
  expect(['changed', 'vanished', 'before', 'notScanned', 'since'].map(nameOf)).toEqual([
    ...['modifiés', 'disparus', 'état avant le', 'non analysé', 'depuis le'],
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
