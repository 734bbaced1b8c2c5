import type { DestinationFacts, ObjectStore } from '../storage/object-store.ts';

const freshMs = 10_000;

/** A destination's facts, asked anew once they are ten seconds old; callers that come together share the question. */
export function liveFacts(store: ObjectStore): () => Promise<DestinationFacts> {
  let asked: { at: number; answer: Promise<DestinationFacts> } | undefined;
  return () => {
    const now = Date.now();
    if (asked === undefined || now - asked.at > freshMs) {
      const answer = store.facts();
      asked = { at: now, answer };
      // A failed question is not remembered.
      answer.catch(() => {
        asked = undefined;
      });
    }
    return asked.answer;
  };
}
