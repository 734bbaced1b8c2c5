import { details as english } from './en/details.ts';
import { filled, type Messages, placeholdersOf } from './message.ts';

/**
 * A phrase that was made in English, in another language: found among the details by what it says. Several behind semicolons,
 * and one behind the name of a key and a colon, are told one by one; what is no detail of ours, as the words of another
 * program, stays as it is.
 */
export function detailIn(translation: Messages, locale: string, text: string): string {
  for (const { key, form } of patterns()) {
    const found = form.exec(text);
    const message = translation[key];
    if (found === null || message === undefined) continue;
    return filled(message, { ...found.groups }, locale);
  }
  const [, first, others] = /^(.+?); (.+)$/s.exec(text) ?? [];
  const tell = (one: string): string => detailIn(translation, locale, one);
  if (first !== undefined && others !== undefined)
    return filled(translation.several ?? '', { first: tell(first), others: tell(others) }, locale);
  const [, name, problem] = /^([\w./[\]-]+): (.+)$/s.exec(text) ?? [];
  if (name === undefined || problem === undefined) return text;
  return filled(translation.of_name ?? '', { name, problem: tell(problem) }, locale);
}

interface Pattern {
  readonly key: keyof typeof english;
  readonly form: RegExp;
}

let known: readonly Pattern[] | undefined;

/** What each detail looks like when its placeholders are filled; those with the fewest first, then the longest. */
function patterns(): readonly Pattern[] {
  known ??= Object.entries(english)
    .filter(([key]) => key !== 'several' && key !== 'of_name')
    .sort(([, a], [, b]) => placeholdersOf(a).length - placeholdersOf(b).length || b.length - a.length)
    .map(([key, text]) => ({
      key: key as keyof typeof english,
      form: new RegExp(`^${RegExp.escape(text).replaceAll(/\\\{(\w+)\\\}/g, '(?<$1>.+?)')}$`, 's'),
    }));
  return known;
}
