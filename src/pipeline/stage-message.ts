import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { SealingRow } from '../catalog/rows.ts';
import { Failure } from '../domain/failures.ts';
import type { Id, ReleaseInput } from '../domain/records.ts';
import { ContentChanged, readSegments } from '../files/segment-reader.ts';
import { openMessage } from '../openpgp/open-message.ts';
import type { SessionKey } from '../openpgp/recipients.ts';
import { sealMessage } from '../openpgp/seal-message.ts';
import type { PipelineContext, StepRun } from './context.ts';
import { withUnchangedFile } from './file.ts';
import type { ScannedVersion } from './policy-input.ts';
import { messageSealing } from './sealing.ts';
import { stagedName } from './staged-message.ts';
import type { Staged } from './staging.ts';
import { recipientsOf } from './stored-as.ts';

/** A message that lies in staging, complete and durable. */
export interface SealedMessage extends Staged {
  readonly row: SealingRow;
  readonly sessionKey: SessionKey;
}

/**
 * Seals a version's content as an OpenPGP message into staging, or into another folder. Each sealing gives other bytes, so the one that is staged
 * is the one that is sent, whatever happens in between.
 *
 * @param nameOf what the staged bytes are found by
 * @throws ContentChanged; Failure `openpgp_unconfigured` or `openpgp_recipient_unusable`
 */
export async function stageMessage(
  context: PipelineContext,
  version: ScannedVersion,
  generation: number,
  run: StepRun,
  nameOf: (row: Pick<SealingRow, 'id' | 'iv'>) => string = ({ id, iv }) => stagedName(id, iv),
  staging = context.staging,
): Promise<SealedMessage> {
  const recipients = recipientsOf(context);
  const keyId = recipients.id;
  const id: Id = context.ids.sealing(version.id, 'openpgp', keyId, generation);
  const sessionKey = await recipients.newSessionKey();
  const staged = await withUnchangedFile(context, version, (handle) =>
    staging.keep(
      (sha256) => nameOf({ id, iv: nonceOf(sha256) }),
      sealMessage(sessionKey, zlibLevel(version), content(handle, version, run)),
    ),
  );
  if (staged === 'changed') throw new ContentChanged(0);
  const iv = nonceOf(staged.sha256);
  const row = { id, versionId: version.id, format: 'openpgp', keyId, generation, iv };
  return { ...staged, row, sessionKey };
}

/** docs/format.md section 8.2. */
export const nonceOf = (sha256: Buffer): Buffer => Buffer.from(sha256.subarray(0, 16));

/** Policy's level is one of Zstandard, 1 to 22; 0 where it wants none. */
function zlibLevel({ admission }: ScannedVersion): number {
  return admission.compression.algorithm === 'none' ? 0 : Math.min(admission.compression.level, 9);
}

async function* content(handle: FileHandle, version: ScannedVersion, run: StepRun): AsyncGenerator<Buffer> {
  const expected = { ...version, sizeBytes: version.content.sizeBytes };
  for await (const segment of readSegments(handle, expected)) {
    run.heartbeat();
    run.signal.throwIfAborted();
    yield segment;
  }
}

/**
 * What a reader that shares nothing with the sealer finds in the staged bytes: their packets, and under the session key
 * the content. Failure `sealing_refused` where it finds no message of ours at all.
 */
export async function foundMessage(
  context: PipelineContext,
  version: ScannedVersion,
  destination: string,
  message: SealedMessage,
  run: StepRun,
): Promise<ReleaseInput['sealing']> {
  const { row, sessionKey } = message;
  const sealed = createHash('sha256');
  async function* staged(): AsyncGenerator<Buffer> {
    for await (const bytes of context.staging.read(stagedName(row.id, row.iv))) {
      sealed.update(bytes);
      run.heartbeat();
      yield bytes;
    }
  }
  const opened = openMessage(staged(), async () => sessionKey.key, version.content.sizeBytes);
  const digest = createHash('sha512');
  try {
    for await (const bytes of opened.content) digest.update(bytes);
  } catch (error) {
    if (error instanceof Failure) throw new Failure('sealing_refused', { destination }, { cause: error });
    throw error;
  }
  return messageSealing(version, {
    basis: 'sealed-bytes',
    keyId: row.keyId,
    recipients: opened.recipients(),
    contentMatches: digest.digest().equals(version.content.sha512) && sealed.digest().equals(message.sha256),
  });
}
