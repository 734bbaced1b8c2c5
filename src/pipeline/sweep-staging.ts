import type { Id } from '../domain/records.ts';
import type { PipelineContext } from './context.ts';
import { stagedName } from './staged-message.ts';

/** What was staged within this time may belong to a step that is just announcing it. Milliseconds. */
const strayAfterMs = 60 * 60 * 1000;

/** Removes staged bytes that no open hold and no open intent stands for: a crash left them, or their hold has ended. */
export async function sweepStaging(context: PipelineContext): Promise<void> {
  const before = new Date(Date.now() - strayAfterMs);
  const gone = await context.staging.sweep(async (names) => {
    const intents = (await context.catalog.openIntents()).map(({ sealingId, iv }) =>
      stagedName(sealingId, iv),
    );
    return new Set([...intents, ...(await heldAmong(context, names))]);
  }, before);
  if (gone > 0) context.log.info({ files: gone }, 'removed staged bytes that nobody needs any more');
}

async function heldAmong({ catalog }: PipelineContext, names: readonly string[]): Promise<Id[]> {
  const held = await catalog.rows<{ id: Id }>(
    `select sealing_id as id from holds where state = 'open' and sealing_id = any($1)`,
    [names],
  );
  return held.map(({ id }) => id);
}
