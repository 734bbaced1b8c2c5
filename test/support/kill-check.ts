import type { TestInstallation } from './installation.ts';
import type { EntryFacts, TreeFacts } from './tree-facts.ts';

interface HeadRow {
  readonly path: string;
  readonly outcome: string | null;
  readonly content: string | null;
  readonly mode: number | null;
  readonly mtimeNs: string | null;
  readonly isPlaced: boolean;
}

/**
 * What keeps a source from being at rest and protected as it stands on the disk, in a line each: entries that are not
 * protected as they are, names that are gone and not known to be, and work that is still open. `tree` has the facts of the
 * source below the folders `names`.
 */
export async function unprotected(
  installation: TestInstallation,
  names: readonly string[],
  tree: TreeFacts,
): Promise<string[]> {
  const heads = await installation.query<HeadRow>(
    `select convert_from(e.path, 'UTF8') as path, v.outcome, v.mode, v.mtime_ns::text as "mtimeNs",
            encode(c.sha256, 'hex') || ' ' || c.size_bytes as content,
            exists (select from placements p join objects o on o.id = p.object_id
                    where p.version_id = v.id and p.state = 'committed' and o.state = 'live') as "isPlaced"
     from entries e left join versions v on v.id = e.head_version_id left join contents c on c.sha512 = v.sha512
     where convert_from(e.path, 'UTF8') ~ '/' and split_part(convert_from(e.path, 'UTF8'), '/', 1) = any($1)`,
    [names],
  );
  const known = new Map(heads.map((head) => [head.path, head]));
  const missing = [...tree.entries].flatMap(([path, facts]) => {
    const why = difference(facts, known.get(path));
    return why === undefined ? [] : [`${path} is not protected as it is: ${why}`];
  });
  const gone = heads.flatMap(({ path, outcome }) =>
    tree.entries.has(path) || ['deleted', 'quarantined', 'vanished'].includes(String(outcome))
      ? []
      : [`${path} is gone, and counts as ${outcome ?? 'not yet looked at'}`],
  );
  return [...missing, ...gone, ...(await openWork(installation))];
}

function difference(facts: EntryFacts, head: HeadRow | undefined): string | undefined {
  if (head === undefined) return 'not in the catalog';
  const { outcome, content, mode, mtimeNs, isPlaced } = head;
  if (outcome !== 'uploaded' && outcome !== 'duplicate') return `its outcome is ${outcome ?? 'none yet'}`;
  if (facts.kind === 'link') return undefined;
  if (mode === null || (mode & 0o7777).toString(8) !== facts.mode || mtimeNs !== String(facts.mtimeNs))
    return 'mode or time is another';
  if (facts.kind !== 'file') return undefined;
  if (content !== facts.content) return 'the content is another';
  return isPlaced ? undefined : 'nothing is placed';
}

/**
 * Counts of what is begun and not ended, where there is any. A hint that a killed watcher gave and handed to nobody may stay: the
 * next one compares for itself, and hands over what is not protected as it stands.
 */
async function openWork(installation: TestInstallation): Promise<string[]> {
  const [counts = {}] = await installation.query<Record<string, number>>(
    `select (select count(*)::int from versions where outcome is null) as "versions without an outcome",
            (select count(*)::int from intents where state = 'open') as "open intents",
            (select count(*)::int from batches where closed_at is null) as "open batches",
            (select count(*)::int from run_log where kind = 'sweep' and ended_at is null) as "sweeps under way"`,
  );
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
}

/**
 * Holds a listing of the whole bucket against the catalog while nothing is under way, and tells in a line each what is lost
 * or there twice: versions that no placement stands for, second versions of a key, delete markers, open uploads, rows
 * without an object, contents that were sent twice.
 */
export async function lostOrDoubled(installation: TestInstallation): Promise<string[]> {
  const { versions, multiparts } = await installation.listBucket();
  const rows = await installation.query<{
    key: string;
    versionId: string;
    sizeBytes: number;
    placements: number;
  }>(
    `select o.key, o.s3_version_id as "versionId", o.length::int as "sizeBytes",
            (select count(*)::int from placements p where p.object_id = o.id and p.state = 'committed') as placements
     from objects o where o.state = 'live'`,
  );
  const name = ({ key, versionId }: { key: string; versionId: string }): string => `${key} ${versionId}`;
  const known = new Map(rows.map((row) => [name(row), row]));
  const listed = new Map(versions.map((version) => [name(version), version]));
  const byKey = Map.groupBy(versions, ({ key }) => key);
  const twice = await installation.query<{ sha512: string; keys: string[] }>(
    `select encode(f.sha512, 'hex') as sha512, array_agg(o.key) as keys
     from sealed_files f join objects o on o.id = f.object_id where o.state = 'live' group by f.sha512 having count(*) > 1`,
  );
  const dangling = await installation.query<{ version_id: string }>(
    `select p.version_id from placements p left join objects o on o.id = p.object_id
     where p.state = 'committed' and o.state is distinct from 'live'`,
  );
  return [
    ...versions.flatMap((version) => {
      if (version.sizeBytes === 'delete marker') return [`a delete marker over ${version.key}`];
      if (!/^(objects|packs)\//.test(version.key)) return [];
      const row = known.get(name(version));
      if (row === undefined) return [`${version.key} has no row: no intent and no placement`];
      if (row.placements === 0) return [`${version.key} is needed by no version`];
      return row.sizeBytes === version.sizeBytes ? [] : [`${version.key} has another length`];
    }),
    ...[...byKey].flatMap(([key, all]) => (all.length > 1 ? [`${key} has ${all.length} versions`] : [])),
    ...[...byKey.keys()].flatMap((key) =>
      /^(objects|packs|manifests|keys|audit)\//.test(key) ? [] : [`${key} is nothing of ours`],
    ),
    ...rows.flatMap((row) => (listed.has(name(row)) ? [] : [`${row.key} is not in the bucket`])),
    ...multiparts.map((key) => `an open upload of ${key}`),
    ...twice.map(({ sha512, keys }) => `content ${sha512.slice(0, 12)} lies in ${keys.join(', ')}`),
    ...dangling.map((row) => `version ${row.version_id} rests on no live object`),
  ];
}
