import { type AuditLag, auditLag } from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { say } from '../text/voice.ts';
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
    warnings.push(say('warnings', 'audit_breaches', { count: verified.breaches }));
  if (lag.oldestUnsignedSeconds > lateSeconds)
    warnings.push(
      say('warnings', 'audit_unsigned', { count: lag.unsigned, since: minutes(lag.oldestUnsignedSeconds) }),
    );
  for (const { destination, unanchored, oldestSeconds, conflicts } of lag.destinations) {
    if (conflicts > 0) warnings.push(say('warnings', 'audit_other_anchors', { destination }));
    if (oldestSeconds > lateSeconds)
      warnings.push(
        say('warnings', 'audit_unanchored', {
          destination,
          since: minutes(oldestSeconds),
          count: unanchored,
        }),
      );
  }
  return warnings;
}

const minutes = (seconds: number): string =>
  say('warnings', 'minutes', { minutes: Math.round(seconds / 60) });
