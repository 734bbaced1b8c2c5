import { createHash } from 'node:crypto';
import { constants, fstatSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { joinPath } from '../files/paths.ts';
import { systemCalls } from '../files/system-calls.ts';
import { applyMetadata, type MetadataProblem, type WantedMetadata } from '../restore/metadata.ts';
import { resumableName } from '../restore/names.ts';
import { placeFile } from '../restore/place.ts';
import type { KeptItem } from './items.ts';

/** A folder by a path that names itself, whatever is renamed around it. */
export interface PlacingFolder {
  readonly path: Buffer;
}

/**
 * Writes content into a folder under `name`, never over anything: whole, verified and with its owner, mode and times, or
 * not at all. Where a file with the very content has the name, an earlier try had got so far. Gives what of the metadata
 * could not be set.
 *
 * @throws Failure `release_occupied`, `tampered`, those of the content; system errors of the folder
 */
export async function placeContent(
  folder: PlacingFolder,
  name: Buffer,
  item: KeptItem,
  content: AsyncIterable<Buffer>,
): Promise<readonly MetadataProblem[]> {
  // By a name that is never taken from a source, so that nobody looks at it half written.
  const partial = Buffer.from(resumableName(item.id));
  const path = joinPath(folder.path, partial);
  unlinkIfThere(path);
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    const digest = createHash('sha512');
    for await (const bytes of content) {
      digest.update(bytes);
      await file.writeFile(bytes);
    }
    if (!digest.digest().equals(item.sha512))
      throw new Failure('tampered', { detail: 'its content is not the recorded one' });
    const { problems } = applyMetadata(file.fd, wanted(item), {
      ...{ owner: process.geteuid?.() === 0, xattrs: true, calls: systemCalls() },
    });
    await file.sync();
    const made = fstatSync(file.fd, { bigint: true });
    if (!placeFile(folder, partial, name, made) && !(await holds(joinPath(folder.path, name), item)))
      throw new Failure('release_occupied');
    return problems;
  } finally {
    await file.close();
    unlinkIfThere(path);
  }
}

function wanted({ mode, uid, gid, mtimeNs, xattrs }: KeptItem): WantedMetadata {
  return { mode, uid, gid, mtimeNs, ...(xattrs === null ? {} : { xattrs }) };
}

async function holds(path: Buffer, { sha512, sizeBytes }: KeptItem): Promise<boolean> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size !== sizeBytes) return false;
    const digest = createHash('sha512');
    for await (const bytes of file.createReadStream({ autoClose: false })) digest.update(bytes as Buffer);
    return digest.digest().equals(sha512);
  } finally {
    await file.close();
  }
}

function unlinkIfThere(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
