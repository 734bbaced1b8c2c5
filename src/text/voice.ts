import type { FailureTexts } from '../domain/failures.ts';
import { detailIn } from './details.ts';
import { english } from './english.ts';
import type { Language } from './language.ts';
import { filled, type Message } from './message.ts';
import type { Texts } from './texts.ts';

/**
 * What a command says to people: the texts of src/text in the one language that this process speaks. main.ts chooses it
 * once, by the locale, before it loads the command that was called; until then, and in whatever else loads these modules,
 * it is English. Another language is loaded only where it is spoken: each command is a process that starts anew.
 */
let language: Language = 'en';
let texts: Readonly<Record<string, Readonly<Record<string, Message>>>> = english;

export async function speak(chosen: Language): Promise<void> {
  texts = chosen === 'en' ? english : (await import('./texts.ts')).allTexts[chosen];
  language = chosen;
}

export const spoken = (): Language => language;

/** The text of a theme and key, with its placeholders filled. */
export const say: Texts = (theme, key, ...[facts]) =>
  filled(texts[theme]?.[key] ?? '', facts ?? {}, language);

/** Texts behind one another, with the semicolon of the language; at least one. */
export const severalInARow = (all: readonly string[]): string =>
  all.reduceRight((others, first) => say('details', 'several', { first, others }));

/** A phrase that was made in English, as {@link detailIn} tells it. */
export const detail = (text: string): string =>
  language === 'en' ? text : detailIn(texts.details ?? {}, language, text);

/** What is said of failures. */
export const failureTexts = (): FailureTexts => texts.failures as FailureTexts;
