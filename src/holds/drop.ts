import type { HoldStep } from '../domain/holds.ts';
import type { Id } from '../domain/records.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import type { HoldDeps } from './deps.ts';
import { heldFile, isHeldOpen } from './held.ts';

/** Removes the staged bytes of a hold that has ended. */
export async function dropStaged({ context }: HoldDeps, { holdId }: HoldStep): Promise<{ next: 'dropped' }> {
  await dropUnneeded(context, (await heldFile(context.catalog, holdId)).sealingId);
  return { next: 'dropped' };
}

/** Removes staged bytes, unless the hold of another destination waits with the same ones. */
export async function dropUnneeded(
  { catalog, staging }: Pick<PipelineContext, 'catalog' | 'staging'>,
  sealingId: Id,
): Promise<void> {
  if (!(await isHeldOpen(catalog, { sealingId }))) await staging.drop(sealingId);
}
