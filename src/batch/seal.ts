import { setImmediate } from 'node:timers/promises';
import type { SealingRow } from '../catalog/rows.ts';
import type { Id, ReleaseInput } from '../domain/records.ts';
import type { PipelineContext, StepRun } from '../pipeline/context.ts';
import { keyIdOf, newIv } from '../pipeline/keys.ts';
import type { ScannedVersion } from '../pipeline/policy-input.ts';
import { foundSealing, sealEvent, sealPlan, sha256 } from '../pipeline/sealing.ts';
import { openBytes } from '../sealed/open.ts';
import { sealWhole } from '../sealed/seal.ts';
import type { UsedUp } from './content-query.ts';
import { type BatchFile, together } from './file.ts';
import { destinationsOf, inTheTrail, releaseAll } from './release.ts';

/** A sealed file that may go to each of its version's destinations. */
export interface SealedFile {
  readonly file: BatchFile<ScannedVersion>;
  readonly row: SealingRow;
  readonly bytes: Buffer;
  readonly sha256: Buffer;
}

/** How many are sealed before others may run: some milliseconds. */
const sealedInARow = 8;

/**
 * Steps 5 and 6: seals in memory, and has release judge what the independent reader finds in the sealed bytes. The IV is
 * stored together with the intent: until then no byte has left.
 */
export async function sealAll(
  context: PipelineContext,
  files: readonly BatchFile<ScannedVersion>[],
  used: ReadonlyMap<Id, UsedUp>,
  run: StepRun,
): Promise<{
  readonly sealed: readonly SealedFile[];
  readonly refused: readonly BatchFile<ScannedVersion>[];
}> {
  const made: SealedFile[] = [];
  const wanted = [];
  for (const [index, file] of files.entries()) {
    if (index % sealedInARow === 0) {
      run.signal.throwIfAborted();
      run.heartbeat();
      await setImmediate();
    }
    const { version } = file;
    const one = seal(context, file, used.get(version.id)?.generation ?? 0);
    const found = reread(context, one);
    made.push(one);
    wanted.push({ version, sealings: destinationsOf(context, version).map(() => found) });
  }
  context.failPoints.reach('after-seal');
  const answers = await releaseAll(context, wanted, used);
  const sealed: SealedFile[] = [];
  const refused: BatchFile<ScannedVersion>[] = [];
  for (const [index, one] of made.entries()) {
    const own = answers[index] ?? [];
    const { file, row, bytes } = one;
    const facts = { sealedLength: bytes.length, sealedSha256: one.sha256.toString('hex') };
    const seal = { sealing: row, events: [sealEvent(context, file.version, row, facts)] };
    const allowed = own.length > 0 && own.every(({ allow }) => allow);
    const told = {
      ...file,
      change: together(file.change, together(allowed ? seal : { events: [] }, inTheTrail(own))),
    };
    if (allowed) sealed.push({ ...one, file: told });
    else refused.push(told);
  }
  return { sealed, refused };
}

/** What the independent reader finds; it throws unless the content comes out with the SHA-512 that the metadata say. */
function reread(context: PipelineContext, { file: { version }, bytes }: SealedFile): ReleaseInput['sealing'] {
  const opened = openBytes(bytes, { keys: (id) => context.keys.byId(id), purpose: 'content' });
  opened.content();
  return foundSealing(context, version, opened, true);
}

function seal(context: PipelineContext, file: BatchFile<ScannedVersion>, generation: number): SealedFile {
  const { version, content } = file;
  const key = context.keys.sealingKey(version.admission.scope);
  const keyId = keyIdOf(key);
  const format = 'sealed-v1';
  const id = context.ids.sealing(version.id, format, keyId, generation);
  const row = { id, versionId: version.id, format, keyId, generation, iv: newIv() };
  const bytes = sealWhole(sealPlan(version, { row, key }), content);
  return { file, row, bytes, sha256: sha256(bytes) };
}
