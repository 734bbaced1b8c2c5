import { say } from '../text/voice.ts';
import { word } from './words.ts';

/** A run's totals for people: those that are not 0. */
export const totalsText = (totals: Readonly<Record<string, number>>): string =>
  Object.entries(totals)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => say('words', 'count_after', { word: word(name), count }))
    .join(', ');
