import type { Language } from './language.ts';
import { type Texts, textsIn } from './texts.ts';

/**
 * What a command says to people: the texts of src/text in the one language that this process speaks. main.ts chooses it
 * once, by the locale, before it loads the command that was called; until then, and in whatever else loads these modules,
 * it is English.
 */
let language: Language = 'en';
let voice = textsIn(language);

export function speak(chosen: Language): void {
  language = chosen;
  voice = textsIn(chosen);
}

export const spoken = (): Language => language;

/** The text of a theme and key, with its placeholders filled. */
export const say: Texts = (theme, key, ...facts) => voice(theme, key, ...facts);
