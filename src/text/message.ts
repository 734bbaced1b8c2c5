/**
 * What operators read, in their language: every sentence has a key, a theme and one form in each language.
 *
 * `src/text/<language>/<theme>.ts` holds the messages of one theme. English is the original; a translation is made with
 * {@link translationOf}, which does not compile while a key is missing, one too many is there, or the `{placeholders}` of
 * a message differ. A theme is entered once in `src/text/texts.ts`; from then on {@link textsIn} speaks it, and asks the
 * compiler for each placeholder's value. To move sentences of a command here: give them a theme, replace each by a call.
 *
 * A message whose whole wording depends on a number is an object with the plural forms that `Intl.PluralRules` tells apart;
 * the number is its placeholder `count`. Where only words depend on it, or several numbers are in one message, they stand in
 * place: `{files} {files|file is|files are}` takes the first form where the language says one of something, in French also
 * for none. Names of commands, options and files are never translated.
 */
export type Message = string | PluralMessage;

/** Forms by the categories of CLDR that English and French know; `many` is for millions in French. */
export interface PluralMessage {
  readonly one: string;
  readonly many?: string;
  readonly other: string;
}

export type Messages = Readonly<Record<string, Message>>;

/** `{word}` is a placeholder, `{word|one|other}` the form of some words that it asks for; braces around anything else are text. */
type NamesIn<Text extends string> = Text extends `${string}{${infer Inside}}${infer Rest}`
  ? NameOf<Inside> | NamesIn<Rest>
  : never;
type NameOf<Inside extends string> = Inside extends `${infer Name}|${string}|${string}`
  ? Name
  : Inside extends `${string}${' ' | ',' | '"'}${string}`
    ? never
    : Inside;

const placeholder = /\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}/g;

/** Placeholders of a message; `count` where it has plural forms. */
export type PlaceholdersOf<M extends Message> = M extends string
  ? NamesIn<M>
  : M extends { readonly other: infer Other extends string }
    ? NamesIn<Other> | 'count'
    : never;

/** What fills a message's placeholders. */
export type FactsOf<M extends Message> = { readonly [Name in PlaceholdersOf<M>]: string | number };

type IsSame<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** The translation itself where each of its messages has the original's placeholders, else what names the culprit. */
type Faithful<Original extends Messages, Translation extends Messages> = {
  readonly [Key in keyof Original]: Key extends keyof Translation
    ? IsSame<PlaceholdersOf<Original[Key]>, PlaceholdersOf<Translation[Key]>> extends true
      ? Translation[Key]
      : { readonly 'its placeholders differ': PlaceholdersOf<Original[Key]> }
    : Message;
};

/** A translation of these messages, as it is given. */
export function translationOf<const Original extends Messages>(_original: Original) {
  return <const Translation extends Messages>(
    translation: Translation &
      Faithful<Original, Translation> &
      Record<Exclude<keyof Translation, keyof Original>, never>,
  ): Readonly<Record<keyof Original, Message>> => translation;
}

/** Placeholders of every form of a message, each once, in the order of the alphabet. */
export function placeholdersOf(message: Message): string[] {
  const forms = typeof message === 'string' ? [message] : Object.values(message);
  const names = forms.flatMap((form: string) => [...form.matchAll(placeholder)].map(([, name = '']) => name));
  return [...new Set(names)].sort();
}

/** The message with its placeholders filled, in the form that its `count` asks for. A number is written as the language does. */
export function filled(
  message: Message,
  facts: Readonly<Record<string, string | number>>,
  locale: string,
): string {
  const form = typeof message === 'string' ? message : pluralForm(message, Number(facts.count), locale);
  return form.replace(placeholder, (whole, name: string, one?: string, other?: string) => {
    const value = facts[name];
    if (value === undefined) return whole;
    if (one !== undefined && other !== undefined) return pluralForm({ one, other }, Number(value), locale);
    return typeof value === 'number' ? new Intl.NumberFormat(locale).format(value) : value;
  });
}

function pluralForm(message: PluralMessage, count: number, locale: string): string {
  const category = new Intl.PluralRules(locale).select(count);
  return (category === 'one' || category === 'many' ? message[category] : undefined) ?? message.other;
}
