import { localTime } from './output.ts';
import { word } from './words.ts';

/** Facts whose values are words of ours; what else there is are ids, hashes and names. */
const inWords: readonly string[] = ['kind', 'outcome', 'state', 'verdict', 'action', 'result', 'remedy'];

/** The value of a fact that JSON has, for people: times in the local zone, codes of ours as words. */
export function toldFact(name: string, value: unknown): unknown {
  if (typeof value === 'boolean') return word(String(value));
  if (typeof value !== 'string') return value;
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return localTime(new Date(value));
  return inWords.includes(name) ? word(value) : value;
}
