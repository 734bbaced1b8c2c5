import type { Catalog } from '../catalog/catalog.ts';
import type { EntryKind, Id, Outcome, PlacementState } from '../domain/records.ts';
import { outcomes } from '../domain/records.ts';
import { say } from '../text/voice.ts';
import { printable, table } from './output.ts';
import { reasonText, word } from './words.ts';

/** One entry as `protect` and `files` print it: names in this shape are promises. */
export interface FileRow {
  readonly source: string;
  /** Inside the source; bytes that are not UTF-8 as U+FFFD. */
  readonly path: string;
  /** base64 of the path's bytes, when they are not UTF-8. */
  readonly pathBytes?: string;
  readonly kind: EntryKind;
  readonly outcome: Outcome | null;
  readonly reason: string | null;
  readonly versionId: Id | null;
  readonly objectKey: string | null;
  readonly workflowId: string | null;
  readonly unchanged: boolean;
  /** The signature that found its stored content infected; only where one did. */
  readonly infected?: string;
  readonly placements: readonly {
    readonly destination: string;
    readonly state: PlacementState;
    readonly s3VersionId: string | null;
    readonly lockMode: string | null;
    readonly retainUntil: string | null;
  }[];
}

interface Found extends Omit<FileRow, 'path' | 'pathBytes' | 'unchanged' | 'infected'> {
  readonly lateSignature: string | null;
  readonly entryId: Id;
  readonly pathBytes: Buffer;
  readonly unchanged: boolean | null;
}

const columns = `e.id as "entryId", s.name as source, e.path as "pathBytes", v.kind, v.outcome, v.reason,
  v.id as "versionId", v.workflow_id as "workflowId", v.late_signature as "lateSignature",
  (select o.key from placements p join objects o on o.id = p.object_id where p.version_id = v.id limit 1) as "objectKey",
  coalesce((select jsonb_agg(jsonb_build_object('destination', p.destination, 'state', p.state,
      's3VersionId', o.s3_version_id, 'lockMode', o.lock_mode,
      'retainUntil', to_char(o.retain_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) order by p.destination)
    from placements p left join objects o on o.id = p.object_id where p.version_id = v.id), '[]') as placements`;

/** The standing versions of entries, in no particular order. */
export async function standingRows(
  catalog: Catalog,
  entryIds: readonly Id[],
  runId: Id,
): Promise<Map<Id, FileRow>> {
  const found = await catalog.rows<Found>(
    `select ${columns}, v.run_id <> $2 as unchanged from entries e join sources s on s.id = e.source_id
     join versions v on v.id = e.head_version_id where e.id = any($1)`,
    [entryIds, runId],
  );
  return new Map(found.map((row) => [row.entryId, fileRow(row)]));
}

export interface RowFilter {
  /** A destination: only what lies in another one and has no copy there. */
  readonly lacking?: string;
  readonly source?: string;
  readonly under?: Buffer;
  readonly outcome?: string;
  readonly deleted: boolean;
  /** Entries with a protected version, the newest or an earlier one, that was found infected after it was stored. */
  readonly infected?: boolean;
  /** Why the standing version has its outcome: a rule's id or a failure's code. */
  readonly reason?: string;
  /** The run that made it. */
  readonly runId?: Id;
  readonly classification?: string;
  /** It was observed then or later. */
  readonly changedSince?: Date;
  /** Of the path's bytes. */
  readonly matches?: (path: Buffer) => boolean;
}

/** Standing versions of all entries that match, by source and path, read in pages. */
export async function* listRows(catalog: Catalog, filter: RowFilter): AsyncGenerator<FileRow> {
  let after = { source: '', path: Buffer.alloc(0) as Buffer };
  for (;;) {
    const page = await catalog.rows<Found>(
      `select ${columns}, false as unchanged from entries e join sources s on s.id = e.source_id
       join versions v on v.id = e.head_version_id
       where (s.name, e.path) > ($1, $2) and ($3::text is null or s.name = $3)
         and ($4::bytea is null or e.path = $4 or substring(e.path from 1 for length($4::bytea) + 1) = $4 || '/'::bytea)
         and ($5::text is null or v.outcome = $5) and ($6 or v.outcome <> 'deleted')
         and (not $7 or exists (select 1 from versions i where i.entry_id = e.id and i.late_signature is not null
                                and i.outcome in ('uploaded', 'duplicate')))
         and ($8::text is null
              or exists (select 1 from placements p where p.version_id = v.id and p.state = 'committed')
                 and not exists (select 1 from placements p where p.version_id = v.id and p.destination = $8
                                 and p.state = 'committed'))
         and ($9::text is null or v.reason = $9) and ($10::text is null or v.run_id = $10)
         and ($11::text is null or v.admission ->> 'classification' = $11)
         and ($12::timestamptz is null or v.observed_at >= $12)
       order by s.name, e.path limit 500`,
      [
        after.source,
        after.path,
        filter.source ?? null,
        filter.under ?? null,
        filter.outcome ?? null,
        filter.deleted,
        filter.infected ?? false,
        filter.lacking ?? null,
        filter.reason ?? null,
        filter.runId ?? null,
        filter.classification ?? null,
        filter.changedSince ?? null,
      ],
    );
    for (const row of page) if (filter.matches?.(row.pathBytes) ?? true) yield fileRow(row);
    const last = page.at(-1);
    if (last === undefined) return;
    after = { source: last.source, path: last.pathBytes };
  }
}

export function pathFields(bytes: Buffer): { path: string; pathBytes?: string } {
  const path = bytes.toString('utf8');
  return Buffer.from(path, 'utf8').equals(bytes) ? { path } : { path, pathBytes: bytes.toString('base64') };
}

function fileRow({ entryId: _id, pathBytes, source, unchanged, lateSignature, ...row }: Found): FileRow {
  const infected = lateSignature === null ? {} : { infected: lateSignature };
  return { source, ...pathFields(pathBytes), ...row, unchanged: unchanged ?? false, ...infected };
}

/** Worst first, then by source and path. */
export function worstFirst(a: FileRow, b: FileRow): number {
  const rank = (row: FileRow): number =>
    row.outcome === null ? outcomes.length : outcomes.indexOf(row.outcome);
  return rank(a) - rank(b) || a.source.localeCompare(b.source) || (a.path < b.path ? -1 : 1);
}

export function rowsTable(rows: readonly FileRow[]): string {
  return table(
    rows.map((row) => [
      word(row.outcome ?? 'pending'),
      row.unchanged ? word('unchanged') : '',
      row.infected === undefined
        ? reasonText(row.reason)
        : say('files', 'infected_by', { signature: printable(row.infected) }),
      printable(`${row.source}:${row.path}`),
    ]),
  );
}

/** How many rows have each outcome, worst first; only those that occur. */
export function countOutcomes(
  rows: Iterable<{ outcome: Outcome | null }>,
): Partial<Record<Outcome | 'pending', number>> {
  const counts: Partial<Record<Outcome | 'pending', number>> = {};
  for (const { outcome } of rows) counts[outcome ?? 'pending'] = (counts[outcome ?? 'pending'] ?? 0) + 1;
  return Object.fromEntries(
    [...outcomes, 'pending' as const].flatMap((name) => (counts[name] ? [[name, counts[name]]] : [])),
  );
}
