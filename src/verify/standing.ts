import type { Catalog } from '../catalog/catalog.ts';
import { type Unsound, unsound } from '../catalog/verify-query.ts';
import { say } from '../text/voice.ts';
import { readVerifyFact, type VerifyFact } from './recorded-run.ts';

/** How things stand by what was looked at so far, for `status` and `doctor`. */
export interface VerifyStanding {
  /** Null until something was verified. */
  readonly last: VerifyFact | null;
  /** What was found and not put right since. */
  readonly unsound: Unsound;
}

export async function verifyStanding(catalog: Catalog): Promise<VerifyStanding> {
  return { last: (await readVerifyFact(catalog)) ?? null, unsound: await unsound(catalog) };
}

/** One sentence for each thing that is not as it should be, with what to do. */
export function standingWarnings({ unsound: { objects, manifests, lostEntries } }: VerifyStanding): string[] {
  const warnings: string[] = [];
  if (lostEntries > 0) {
    warnings.push(say('warnings', 'lost_entries', { count: lostEntries }));
  }
  if (objects + manifests > 0) {
    warnings.push(say('warnings', 'mismatches', { objects, manifests }));
  }
  return warnings;
}
