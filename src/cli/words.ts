import { names } from '../text/en/names.ts';
import { reasons } from '../text/en/reasons.ts';
import { words } from '../text/en/words.ts';
import { say } from '../text/voice.ts';
import { printable } from './printable.ts';

type Word = Exclude<keyof typeof words, 'count_of' | 'count_after' | 'labelled'>;

const isKnown = (key: string): key is Word => key in words && !key.startsWith('count_') && key !== 'labelled';

/** An outcome, result or state in the words of whoever reads it; what is no such word stays what it is. */
export function word(name: string): string {
  const key = name.replaceAll(' ', '_').toLowerCase();
  return isKnown(key) ? say('words', key) : name;
}

const isName = (name: string): name is keyof typeof names => name in names;

/** A column, step or fact that JSON has, as people call it. */
export const nameOf = (name: string): string => (isName(name) ? say('names', name) : name);

const isReason = (code: string): code is keyof typeof reasons => code in reasons;

/**
 * Why something has its outcome, for people: the sentence, and the code that `--reason` takes in brackets. What has no
 * sentence is told by {@link word}: a signature, or the id of somebody's own rule, stays what it is. Nothing for null.
 */
export function reasonText(code: string | null | undefined): string {
  if (!code) return '';
  return isReason(code) ? `${say('reasons', code)} [${code}]` : printable(word(code));
}

/** Something behind what it is of, with the colon of the language. */
export const labelled = (label: string, text: string): string => say('words', 'labelled', { label, text });

/** A name as people call it, with the one that options and documents have in brackets where that is another. */
export const withName = (told: string, name: string): string => (told === name ? name : `${told} [${name}]`);

/** An outcome with its reason behind it. */
export const outcomeWithReason = (outcome: string, reason: string | null | undefined): string =>
  reason ? labelled(word(outcome), reasonText(reason)) : word(outcome);

/** How many there are with an outcome, e.g. `3 failed`. */
export const countOf = (count: number, name: string): string =>
  say('words', 'count_of', { count, word: word(name) });
