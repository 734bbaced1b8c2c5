import { statfs } from 'node:fs/promises';
import type { Catalog } from '../catalog/catalog.ts';
import { failedFiles, sweptSources } from '../catalog/condition-query.ts';
import { channelTroubles } from '../catalog/notification-query.ts';
import { unsound } from '../catalog/verify-query.ts';
import type { Id } from '../domain/records.ts';
import { heldBytesOf, holdTotals } from '../holds/held.ts';
import type { Scanner } from '../scanner/scanner.ts';
import type { ChannelName } from './channels.ts';
import type { Look } from './conditions.ts';

/** What a host looks at of itself. */
export interface HostLook {
  readonly catalog: Catalog;
  readonly hostId: Id;
  /** As people know the machine. */
  readonly host: string;
  /** The state folder. */
  readonly home: string;
  readonly stagingQuotaBytes: number;
  /** Share of a disk or folder above which it is told, 0 to 1. */
  readonly diskAbove: number;
  readonly scanner: Pick<Scanner, 'facts' | 'isStale'>;
}

/** Disk, staging folder and signatures of this host. */
export async function lookAtHost(deps: HostLook): Promise<Look[]> {
  const { catalog, hostId, host, home, stagingQuotaBytes, diskAbove, scanner } = deps;
  const disk = await diskUse(home);
  const staging = stagingQuotaBytes === 0 ? 0 : (await heldBytesOf(catalog, hostId)) / stagingQuotaBytes;
  const signatures = await scanner.facts();
  const ageMs = Date.now() - Date.parse(signatures.signaturesAt);
  const percent = (share: number): number => Math.floor(share * 100);
  const about = { subject: hostId };
  return [
    { ...about, kind: 'disk_filling', isSo: disk > diskAbove, facts: { host, percent: percent(disk) } },
    {
      ...about,
      kind: 'staging_filling',
      isSo: staging > diskAbove,
      facts: { host, percent: percent(staging) },
    },
    {
      ...about,
      kind: 'signatures_stale',
      isSo: scanner.isStale(signatures),
      facts: { host, days: Math.floor(ageMs / 86_400_000) },
    },
  ];
}

/** Share of the disk that is used, as `df` counts it: of what others than root may use. */
async function diskUse(folder: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(folder);
  const used = blocks - bfree;
  return used + bavail === 0 ? 1 : used / (used + bavail);
}

export interface RepositoryLook {
  readonly catalog: Catalog;
  readonly channels: readonly ChannelName[];
  readonly sweepWithinMs: number;
  /** Sources of this host that are never swept. */
  readonly unswept: ReadonlySet<string>;
}

/** What is told of the whole repository and is cheap to know. */
export async function lookAtRepository(deps: RepositoryLook): Promise<Look[]> {
  const { catalog, channels, sweepWithinMs, unswept } = deps;
  const { open, oldestSeconds } = await holdTotals(catalog);
  const troubles = await channelTroubles(
    catalog,
    channels.map(({ name }) => name),
  );
  const swept = (await sweptSources(catalog)).filter(({ source }) => !unswept.has(source));
  return [
    {
      kind: 'hold_waiting',
      subject: '',
      isSo: open > 0,
      facts: { count: open, sinceMs: oldestSeconds * 1_000 },
    },
    ...swept.map(({ sourceId, source, sinceMs, knownMs }) => ({
      ...{ kind: 'sweep_missing' as const, subject: sourceId },
      isSo: (sinceMs ?? knownMs) > sweepWithinMs,
      facts: { source, sinceMs },
    })),
    ...channels.map(({ name: channel }) => {
      const trouble = troubles.find((each) => each.channel === channel);
      return {
        ...{ kind: 'channel_failing' as const, subject: channel },
        isSo: trouble !== undefined,
        facts: { channel, count: trouble?.count ?? 0, error: trouble?.lastError ?? '' },
      };
    }),
  ];
}

/** What has to read many rows to be known. */
export async function lookThoroughly(catalog: Catalog): Promise<Look[]> {
  const count = await failedFiles(catalog);
  const { objects, manifests, lostEntries } = await unsound(catalog);
  const wrong = objects + manifests + lostEntries;
  return [
    { kind: 'files_failed', subject: '', isSo: count > 0, facts: { count } },
    {
      ...{ kind: 'restore_test_failed', subject: '', isSo: wrong > 0 },
      facts: { objects, manifests, entries: lostEntries },
    },
  ];
}
