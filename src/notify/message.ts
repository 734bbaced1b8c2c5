import type { Id } from '../domain/records.ts';

/** A message as people and programs get it. */
export interface Message {
  /** The notification's: the same at every try. */
  readonly id: Id;
  readonly topic: string;
  readonly subject: string;
  readonly text: string;
  /** For programs: what is in the text, as ids, codes and numbers. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** ISO 8601 UTC: when there was something to tell. */
  readonly at: string;
  /** Undefined: whoever the channel names. */
  readonly recipient: string | undefined;
}
