import type { Catalog } from '../catalog/catalog.ts';
import type { NotScannedReason } from '../domain/records.ts';
import { say, severalInARow } from '../text/voice.ts';

/** What of malware stands now. */
export interface MalwareStanding {
  /** Sealed copies that nobody released or deleted. */
  readonly quarantined: number;
  /** Infected originals that were only reported and still lie in their sources. */
  readonly reported: number;
  /** Entries whose standing version is stored although it was not scanned, by reason. */
  readonly unscanned: Readonly<Partial<Record<NotScannedReason, number>>>;
  /** Incidents of infection that are not closed. */
  readonly incidents: number;
}

export async function malwareStanding(catalog: Catalog): Promise<MalwareStanding> {
  const [counts] = await catalog.rows<Omit<MalwareStanding, 'unscanned'>>(
    `select (select count(*)::int from quarantine_copies c
             where not exists (select 1 from quarantine_ends x where x.id = c.id)) as quarantined,
            (select count(*)::int from quarantine q join entries e on e.head_version_id = q.version_id
             where q.action = 'reported') as reported,
            (select count(*)::int from incidents where kind = 'infection' and state <> 'closed') as incidents`,
  );
  const unscanned = await catalog.rows<{ reason: NotScannedReason; count: number }>(
    `select s.reason, count(*)::int as count from scans s join versions v on v.scan_id = s.id
     join entries e on e.head_version_id = v.id
     where s.state = 'not_scanned' and v.outcome in ('uploaded', 'duplicate') group by s.reason order by s.reason`,
  );
  return {
    ...(counts ?? { quarantined: 0, reported: 0, incidents: 0 }),
    unscanned: Object.fromEntries(unscanned.map(({ reason, count }) => [reason, count])),
  };
}

/** What a person should know of it; empty where there is nothing. */
export function malwareWarnings({ quarantined, reported, unscanned, incidents }: MalwareStanding): string[] {
  const reasons = Object.entries(unscanned) as [NotScannedReason, number][];
  const count = reasons.reduce((sum, [, each]) => sum + each, 0);
  return [
    ...(incidents > 0 ? [say('warnings', 'malware', { incidents, quarantined, reported })] : []),
    ...(count > 0
      ? [
          say('warnings', 'unscanned', {
            count,
            reasons: severalInARow(
              reasons.map(([reason, each]) =>
                say('words', 'labelled', { label: say('reasons', reason), text: String(each) }),
              ),
            ),
          }),
        ]
      : []),
  ];
}
