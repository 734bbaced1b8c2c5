import { chmod } from 'node:fs/promises';
import type { QuarantineCopyRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { makeFolder } from '../files/make-folder.ts';
import { ContentChanged } from '../files/segment-reader.ts';
import type { PipelineContext, StepRun } from '../pipeline/context.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { stageMessage } from '../pipeline/stage-message.ts';
import { stageSealed } from '../pipeline/stage-sealed.ts';
import { Staging } from '../pipeline/staging.ts';
import { copyName, openCopy } from './copies.ts';
import { copyOf } from './query.ts';

/** Generation 0 is what an upload would use, 1,000,000 what a hold does: never two contents, or two ends, under one IV. */
const quarantinedGeneration = 2_000_000;

/**
 * Seals an infected file into this host's quarantine. When this resolves the copy is durable, was read back to the content
 * that was scanned, and is on record. `changed`: the file is no longer the scanned one, or gone; nothing is on record.
 *
 * Failures: those of sealing, `quarantine_unwritable`, and `tampered` where the copy does not read back.
 */
export async function keepCopy(
  context: PipelineContext,
  version: ScannedVersion,
  run: StepRun,
): Promise<'kept' | 'changed'> {
  const { quarantineDir, catalog, failPoints } = context;
  const id = context.ids.quarantine(version.id);
  const sealed = await seal(context, version, run).catch(unlessUnwritable);
  if (sealed === 'changed') return 'changed';
  failPoints.reach('quarantine-sealed');
  const { row, length: sealedLength, sha256: sealedSha256 } = sealed;
  const { format } = version.admission;
  const copy: QuarantineCopyRow = {
    ...{ id, versionId: version.id, hostId: context.hostId },
    ...{ sealingId: row.id, sealedLength, sealedSha256 },
  };
  const drop = (): Promise<void> => new Staging(quarantineDir).drop(copyName(id, sealedSha256));
  const { sha512, sizeBytes } = version.content;
  const keys = { byId: context.keys.byId.bind(context.keys), messageKeys: sealed.messageKeys };
  try {
    for await (const _ of openCopy(quarantineDir, { ...copy, format, sha512, sizeBytes }, keys))
      run.heartbeat();
  } catch (error) {
    await drop();
    throw error;
  }
  await catalog.write({
    ...(format === 'openpgp' ? { sealing: row } : {}),
    quarantineCopy: copy,
    events: [],
  });
  // Another run of this step may have been first: then its copy is the one on record.
  const recorded = await copyOf(catalog, id);
  if (recorded && !recorded.sealedSha256.equals(sealedSha256)) await drop();
  failPoints.reach('quarantine-kept');
  return 'kept';
}

/** What the quarantine's disk says; nothing that a source can say. */
const unwritable = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

function unlessUnwritable(error: unknown): never {
  const detail = errorCode(error);
  if (detail === undefined || !unwritable.has(detail)) throw error;
  throw new Failure('quarantine_unwritable', { detail }, { cause: error });
}

async function seal(context: PipelineContext, version: ScannedVersion, run: StepRun) {
  const { quarantineDir } = context;
  makeFolder(quarantineDir);
  await chmod(quarantineDir, 0o700);
  const folder = new Staging(quarantineDir);
  const id = context.ids.quarantine(version.id);
  try {
    if (version.admission.format !== 'openpgp') {
      const nameOf = (sha256: Buffer): string => copyName(id, sha256);
      return {
        ...(await stageSealed(context, version, quarantinedGeneration, run, nameOf, folder)),
        messageKeys: undefined,
      };
    }
    // The first half of the SHA-256 is what a message has for an IV.
    const nameOf = ({ iv }: { iv: Buffer }): string => copyName(id, iv);
    const message = await stageMessage(context, version, quarantinedGeneration, run, nameOf, folder);
    return { ...message, messageKeys: async () => message.sessionKey.key };
  } catch (error) {
    if (error instanceof ContentChanged) return 'changed';
    throw error;
  }
}
