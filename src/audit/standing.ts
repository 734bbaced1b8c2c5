import { type AuditLag, auditLag } from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { type AuditVerifyFact, readAuditVerifyFact } from './recorded-run.ts';

/** How the audit trail stands, for `status` and `doctor`. */
export interface AuditStanding {
  /** Null until the schedule has verified it. */
  readonly verified: AuditVerifyFact | null;
  readonly lag: AuditLag;
}

/** Ten minutes are promised; beyond this something is wrong. Seconds. */
const lateSeconds = 900;

export async function auditStanding(
  catalog: Catalog,
  destinations: readonly { readonly name: string }[],
): Promise<AuditStanding> {
  const names = destinations.map(({ name }) => name);
  return {
    verified: (await readAuditVerifyFact(catalog)) ?? null,
    lag: await auditLag(catalog, names),
  };
}

/** One sentence for each thing that is not as it should be, with what to do. */
export function auditWarnings({ verified, lag }: AuditStanding): string[] {
  const warnings: string[] = [];
  if (verified !== null && verified.breaches > 0)
    warnings.push(
      `the audit trail was not as it was signed when last verified (${verified.breaches} breaches): \`holdfast audit verify\` says what was changed.`,
    );
  if (lag.oldestUnsignedSeconds > lateSeconds)
    warnings.push(
      `${lag.unsigned} audit events are not signed yet, the oldest for ${minutes(lag.oldestUnsignedSeconds)}: is the worker running? Its log says why.`,
    );
  for (const { destination, unanchored, oldestSeconds, conflicts } of lag.destinations) {
    if (conflicts > 0)
      warnings.push(
        `${destination} has other anchors of the audit trail than this catalog: an older state of the database was put back, or it was changed. Run \`holdfast audit verify\`.`,
      );
    if (oldestSeconds > lateSeconds)
      warnings.push(
        `the audit trail is not anchored in ${destination} since ${minutes(oldestSeconds)} (${unanchored} heads): until then only the database says what happened.`,
      );
  }
  return warnings;
}

const minutes = (seconds: number): string => `${Math.round(seconds / 60)} minutes`;
