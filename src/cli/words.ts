import { words } from '../text/en/words.ts';
import { say } from '../text/voice.ts';

type Word = Exclude<keyof typeof words, 'count_of' | 'count_after'>;

const isKnown = (key: string): key is Word => key in words && !key.startsWith('count_');

/** An outcome, result or state in the words of whoever reads it; what is no such word stays what it is. */
export function word(name: string): string {
  const key = name.replaceAll(' ', '_').toLowerCase();
  return isKnown(key) ? say('words', key) : name;
}

/** How many there are with an outcome, e.g. `3 failed`. */
export const countOf = (count: number, name: string): string =>
  say('words', 'count_of', { count, word: word(name) });
