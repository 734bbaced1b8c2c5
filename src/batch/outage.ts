import { isFailure } from '../domain/failures.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { outages } from '../pipeline/outages.ts';
import { troubleOf } from '../pipeline/trouble.ts';

/**
 * Whether one of several destinations cannot be reached now. A batch sends everything to all of its destinations or
 * nothing; a file's own workflow can do without one.
 */
export async function oneIsAway({ destinations }: PipelineContext): Promise<boolean> {
  if (destinations.size < 2) return false;
  const answers = await Promise.all(
    [...destinations.values()].map(async ({ store, facts }) => {
      if (outages.has(store)) return 'away';
      try {
        await facts();
        return 'there';
      } catch (error) {
        if (troubleOf(error) !== 'away') throw error;
        outages.note(store);
        return 'away';
      }
    }),
  );
  return answers.includes('away');
}

/** Whether an error says that one of several destinations is away; it is noted. */
export function isOutageOfOne({ destinations, log }: PipelineContext, error: unknown): boolean {
  if (destinations.size < 2 || troubleOf(error) !== 'away' || !isFailure(error)) return false;
  const store = destinations.get(String(error.facts.destination))?.store;
  if (store === undefined) return false;
  outages.note(store);
  log.warn({ err: error }, 'a destination is away: files go their own way around it');
  return true;
}
