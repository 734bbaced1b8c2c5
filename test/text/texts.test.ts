import { globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownVoice } from '../../src/cli/own-voice.ts';
import { languageOf, languages } from '../../src/text/language.ts';
import { filled, type Message, placeholdersOf } from '../../src/text/message.ts';
import { allTexts, textsIn } from '../../src/text/texts.ts';
import { spanIn, timeIn } from '../../src/text/time.ts';

const root = path.join(import.meta.dirname, '../..');
const policies = path.join(root, 'policies');
const sources = path.join(root, 'src/text');
type Themes = Record<string, Record<string, Message>>;
const themesOf = (language: (typeof languages)[number]): Themes => allTexts[language] as Themes;
const forms = (message: Message): string[] =>
  typeof message === 'string' ? [message] : Object.values(message);

describe('the catalog of texts', () => {
  test.each(languages)('has every theme of src/text/%s', (language) => {
    const files = readdirSync(path.join(sources, language)).map((file) => file.replace(/\.ts$/, ''));
    expect(Object.keys(allTexts[language]).sort()).toEqual(files.sort());
    expect(files.length).toBeGreaterThan(3);
  });

  test.each(Object.keys(allTexts.en))(
    'says everything of %s in each language, with the same placeholders',
    (theme) => {
      const original = themesOf('en')[theme] ?? {};
      for (const language of languages) {
        const translation = themesOf(language)[theme] ?? {};
        expect(Object.keys(translation).sort()).toEqual(Object.keys(original).sort());
        for (const [key, message] of Object.entries(original)) {
          const translated = translation[key] as Message;
          expect([key, placeholdersOf(translated)]).toEqual([key, placeholdersOf(message)]);
          expect([key, typeof translated]).toEqual([key, typeof message]);
          for (const form of forms(translated)) expect([key, form.trim()]).toEqual([key, form]);
        }
      }
    },
  );

  test('translates every sentence', () => {
    const untranslated = Object.entries(themesOf('en')).flatMap(([theme, messages]) =>
      Object.entries(messages)
        .filter(([key, message]) => JSON.stringify(themesOf('fr')[theme]?.[key]) === JSON.stringify(message))
        .map(([key]) => `${theme}.${key}`),
    );
    // Words and commands that are the same in both languages.
    expect(untranslated.sort()).toEqual([
      'arguments.code',
      'arguments.destination',
      'arguments.id',
      'arguments.incident',
      'arguments.mode',
      'arguments.n',
      'arguments.options',
      'arguments.services',
      'arguments.sha256',
      'arguments.source',
      'arguments.type',
      'checks.copies',
      'checks.inotify',
      'checks.notifications',
      'checks.opa',
      'checks.postgres',
      'checks.services',
      'checks.sources',
      'checks.temporal',
      'doctor.state_ok',
      'failures.usage',
      'files.run_value',
      'files.version',
      'files.version_value',
      'files.workflow',
      'help.limits_set_what',
      'holds.classification',
      'holds.destination',
      'holds.hours',
      'holds.minutes',
      'holds.note',
      'incidents.clock_stopped',
      'incidents.label_incident',
      'incidents.label_messages',
      'incidents.label_source',
      'incidents.listed',
      'keys.head_document',
      'look.made_for_value',
      'look.mtime',
      'look.pack_version',
      'look.seipd',
      'names.action',
      'names.admission',
      'names.classification',
      'names.compression',
      'names.configuration',
      'names.destination',
      'names.exception',
      'names.format',
      'names.incident',
      'names.mode',
      'names.service',
      'names.signature',
      'names.signatures',
      'names.source',
      'names.verdict',
      'notices.contact',
      'notices.heading_contact',
      'notices.nature',
      'notify.channel_todo',
      'policy.versions',
      'quarantine.version',
      'restore.minutes',
      'restore.versions',
      'warnings.minutes',
    ]);
  });

  test('names the same commands in both languages', () => {
    const commands = (message: Message | undefined): string[] =>
      forms(message ?? '').flatMap((form) => form.match(/holdfast [a-z]+( [a-z]+)?|--[a-z-]+/g) ?? []);
    for (const [theme, messages] of Object.entries(themesOf('en'))) {
      for (const [key, message] of Object.entries(messages)) {
        const expected = commands(message).filter((command) => command.startsWith('--'));
        const found = commands(themesOf('fr')[theme]?.[key]).filter((command) => command.startsWith('--'));
        expect([key, found]).toEqual([key, expected]);
      }
    }
  });
});

test('says why a file has its outcome: every reason of our policy as the policy says it, and all of our own', () => {
  const policy = JSON.parse(readFileSync(path.join(policies, 'holdfast/sentences/data.json'), 'utf8'));
  const asSentence = (message: Message | undefined) =>
    `${String(message).charAt(0).toUpperCase()}${String(message).slice(1)}.`;
  // Said of a hold, where it is about what is missing.
  const { approval_required: _, ...said } = policy as Record<string, Record<string, string>>;
  expect(Object.keys(said).length).toBeGreaterThan(20);
  for (const [id, sentences] of Object.entries(said))
    for (const language of languages)
      expect([id, asSentence(themesOf(language).reasons?.[id])]).toEqual([id, sentences[language]]);
  const own = globSync('{src/{pipeline,files,holds,scanner,recovery},workflows}/*.ts', { cwd: root }).flatMap(
    (file) =>
      [
        ...readFileSync(path.join(root, file), 'utf8').matchAll(
          /\breason: '(\w+)'|settle\('(?:failed|ignored)', '(\w+)'/g,
        ),
      ].map(([, told, settled]) => told ?? settled),
  );
  expect(new Set(own).size).toBeGreaterThan(15);
  // Told to no person: how an intent to upload ended.
  const told = own.filter((code) => code !== 'uploaded');
  expect(told.filter((code) => !(String(code) in allTexts.en.reasons))).toEqual([]);
});

test('French has its no-break spaces before ; : ? ! % and inside its quotation marks', () => {
  const loose = /[^\s*] [;:?!»%](?![\p{L}\d])|« /u;
  const found = Object.entries(themesOf('fr')).flatMap(([theme, messages]) =>
    Object.entries(messages).flatMap(([key, message]) =>
      forms(message)
        // What is typed is written as it is typed.
        .map((form) => form.replaceAll(/`[^`]*`/g, ''))
        .filter((form) => loose.test(form))
        .map((form) => `${theme}.${key}: ${form}`),
    ),
  );
  expect(found).toEqual([]);
});

describe('a message', () => {
  test('takes the plural form and the numbers of its language', () => {
    expect(textsIn('en')('incidents', 'listed', { count: 1 })).toBe('1 incident');
    expect(textsIn('fr')('messages', 'files_failed', { count: 0 })).toBe('0 fichier n’est pas protégé');
    expect(textsIn('en')('messages', 'files_failed', { count: 0 })).toBe('0 files are not protected');
    expect(textsIn('fr')('messages', 'files_failed', { count: 12_000 })).toMatch(/^12\s000 fichiers/);
    // A million is a category of its own in French.
    expect(textsIn('fr')('messages', 'files_failed', { count: 1_000_000 })).toMatch(/fichiers ne sont/);
  });

  test('has words in place that depend on one of several numbers', () => {
    const counted = '{a} {a|file|files} in {b} {b|version|versions}';
    expect(filled(counted, { a: 1, b: 0 }, 'en')).toBe('1 file in 0 versions');
    expect(filled(counted, { a: 2, b: 0 }, 'fr')).toBe('2 files in 0 version');
    expect(filled(counted, { a: '1', b: 1_000_000 }, 'fr')).toMatch(/^1 file in 1.000.000 versions$/);
    expect(placeholdersOf(counted)).toEqual(['a', 'b']);
    const source = { source: 's', bytes: '0 o' };
    expect(textsIn('fr')('reports', 'source', { ...source, files: 1, versions: 2 })).toContain(
      '1 fichier, 2 versions',
    );
  });

  test('is filled with what it is given, and never twice', () => {
    expect(filled('{a} and {b}', { a: '{b}', b: 'c' }, 'en')).toBe('{b} and c');
  });
});

test('the language is the one of LC_ALL, else LC_MESSAGES, else LANG; English where there is none', () => {
  expect(languageOf({ LANG: 'fr_CM.UTF-8' })).toBe('fr');
  expect(languageOf({ LANG: 'fr_CM.UTF-8', LC_MESSAGES: 'en_GB' })).toBe('en');
  expect(languageOf({ LANG: 'en_US.UTF-8', LC_MESSAGES: 'en_US', LC_ALL: 'fr' })).toBe('fr');
  expect(languageOf({ LANG: 'fr@euro', LC_ALL: '' })).toBe('fr');
  for (const LANG of ['fr', 'fr_FR', 'fr_FR.utf8', 'fr_CM.UTF-8@euro'])
    expect(languageOf({ LANG })).toBe('fr');
  for (const LANG of ['fr_FR.ISO-8859-1', 'en_GB', 'C', 'C.UTF-8', 'POSIX', 'de_DE', '', 'frr_DE'])
    expect(languageOf({ LANG })).toBe('en');
  expect(languageOf({})).toBe('en');
});

test('times have the offset of their zone, spans their largest unit', () => {
  const at = new Date('2026-07-01T23:30:05.900Z');
  expect(timeIn('Africa/Douala', at)).toBe('2026-07-02 00:30:05 +01:00');
  expect(timeIn('UTC', at)).toBe('2026-07-01 23:30:05 +00:00');
  expect(timeIn('America/St_Johns', at)).toBe('2026-07-01 21:00:05 -02:30');
  expect(spanIn('fr', 24 * 3_600_000)).toMatch(/^24\sheures$/);
  expect(spanIn('en', 72 * 3_600_000)).toBe('72 hours');
  expect(spanIn('en', 61_000)).toBe('1 minute');
  expect(spanIn('en', 0)).toBe('1 minute');
});

test('an installation begins with the language and zone of the machine it is set up on', () => {
  expect(ownVoice({ LANG: 'fr_CM.UTF-8' }, 'Africa/Douala')).toEqual({
    language: 'fr',
    timezone: 'Africa/Douala',
  });
  expect(ownVoice({}, 'Nowhere/Land')).toEqual({ language: 'en', timezone: 'UTC' });
});
