/** Languages that everything an operator reads exists in. */
export const languages = ['en', 'fr'] as const;
export type Language = (typeof languages)[number];

/**
 * The language of a POSIX locale environment: LC_ALL before LC_MESSAGES before LANG, the first that is set and not empty,
 * e.g. `fr_CM.UTF-8`. English for every language that is not there, `C` and `POSIX` included, and where the
 * locale names another encoding than UTF-8, which has no room for what other languages are written with.
 */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  const encoding = /\.([^@]*)/.exec(locale)?.[1] ?? 'UTF-8';
  if (!/^utf-?8$/i.test(encoding)) return 'en';
  const [language] = locale.toLowerCase().split(/[_.@-]/);
  return languages.find((known) => known === language) ?? 'en';
}
