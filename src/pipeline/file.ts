import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { EntryRef, VersionFacts } from '../catalog/catalog.ts';
import type { StatFacts } from '../catalog/rows.ts';
import type { SourceConfig } from '../config.ts';
import { Failure, isFailure } from '../domain/failures.ts';
import type { EntryKind } from '../domain/records.ts';
import { type OpenResult, openInside } from '../files/open.ts';
import type { SourceRoot } from '../files/root.ts';
import type { PipelineContext } from './context.ts';

/** The entry's source, and its tree as it is now. Failure `source_unavailable`. */
export async function servedSource(
  context: PipelineContext,
  entry: EntryRef,
): Promise<{ config: SourceConfig; root: SourceRoot }> {
  const source = context.sources.get(entry.sourceId);
  const away = (detail: string, cause?: unknown): Failure =>
    new Failure('source_unavailable', { detail, source: entry.sourceId }, { cause });
  if (source === undefined) throw away('not served by this host');
  try {
    return { config: source.config, root: await source.root() };
  } catch (error) {
    if (isFailure(error, 'source_unavailable')) throw away(String(error.facts.detail), error);
    throw error;
  }
}

export async function openEntry(context: PipelineContext, entry: EntryRef): Promise<OpenResult> {
  const { root } = await servedSource(context, entry);
  return openInside(root, entry.path);
}

/**
 * Opens the file a version was made from and hands it to `work`, if its stat still is what the fingerprint saw;
 * otherwise `changed`. The handle is closed afterwards.
 */
export async function withUnchangedFile<T>(
  context: PipelineContext,
  version: VersionFacts,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T | 'changed'> {
  const opened = await openEntry(context, version.entry);
  if (opened.kind !== 'file') return 'changed';
  try {
    return sameStat(version, statFacts('file', opened.stat)) ? await work(opened.handle) : 'changed';
  } finally {
    await opened.handle.close();
  }
}

export function statFacts(kind: EntryKind, stat: BigIntStats): StatFacts {
  return {
    kind,
    sizeBytes: kind === 'file' ? Number(stat.size) : 0,
    mode: Number(stat.mode & 0o7777n),
    uid: stat.uid,
    gid: stat.gid,
    mtimeNs: in64Bits(stat.mtimeNs),
    ctimeNs: in64Bits(stat.ctimeNs),
    device: stat.dev,
    inode: stat.ino,
  };
}

/** Times are recorded as signed 64-bit nanoseconds, which end in 1677 and 2262: a time beyond counts as the nearest. */
function in64Bits(timeNs: bigint): bigint {
  if (timeNs < -(2n ** 63n)) return -(2n ** 63n);
  return timeNs >= 2n ** 63n ? 2n ** 63n - 1n : timeNs;
}

/** Equal in everything that tells of changed bytes or metadata; a device number may differ after a reboot. */
function sameStat(a: StatFacts, b: StatFacts): boolean {
  return a.ctimeNs === b.ctimeNs && a.inode === b.inode && sameMetadata(a, b);
}

/** Equal in everything that a version records of an entry's stat. */
export function sameMetadata(a: StatFacts, b: StatFacts): boolean {
  return (
    a.kind === b.kind &&
    a.sizeBytes === b.sizeBytes &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtimeNs === b.mtimeNs
  );
}
