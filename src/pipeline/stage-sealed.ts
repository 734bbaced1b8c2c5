import type { SealingRow } from '../catalog/rows.ts';
import { ContentChanged, readSegments } from '../files/segment-reader.ts';
import { Sealer } from '../sealed/seal.ts';
import type { PipelineContext, StepRun } from './context.ts';
import { withUnchangedFile } from './file.ts';
import type { AdmittedVersion } from './policy-input.ts';
import { drawSealing, sealPlan } from './sealing.ts';
import type { Staged } from './staging.ts';

/**
 * Seals a version's content into staging or another folder, under the IV of this generation: whoever tries again makes the same bytes.
 *
 * @param nameOf what the staged bytes are found by
 * @throws ContentChanged
 */
export async function stageSealed(
  context: PipelineContext,
  version: AdmittedVersion,
  generation: number,
  run: StepRun,
  nameOf: (sha256: Buffer) => string,
  staging = context.staging,
): Promise<Staged & { readonly row: SealingRow }> {
  const sealing = await drawSealing(context, version, generation);
  const staged = await withUnchangedFile(context, version, (handle) => {
    const sealer = new Sealer(sealPlan(version, sealing));
    const segments = readSegments(handle, { ...version, sizeBytes: version.content.sizeBytes });
    return staging.keep(nameOf, sealedBytes(sealer, segments, run));
  });
  if (staged === 'changed') throw new ContentChanged(0);
  return { ...staged, row: sealing.row };
}

async function* sealedBytes(
  sealer: Sealer,
  segments: AsyncIterable<Buffer>,
  run: StepRun,
): AsyncGenerator<Buffer> {
  yield sealer.header();
  for await (const segment of segments) {
    run.heartbeat();
    yield sealer.append(await sealer.compress(segment));
  }
  yield sealer.trailer();
}
