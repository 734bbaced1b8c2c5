import type { OpenIntent } from '../catalog/catalog.ts';
import type { PipelineContext } from './context.ts';

/** An intent younger than this belongs to a step that is at work or about to run again. Milliseconds. */
const settledAfterMs = 60 * 60 * 1000;

/**
 * Settles what crashes left behind: uploads begun without a record are dropped, and so are those of intents that are
 * closed. Open intents are finished by their own workflows, which Temporal runs again.
 */
export async function reconcile(context: PipelineContext): Promise<void> {
  const open = await context.catalog.openIntents(new Date());
  const known = new Set(open.map((intent: OpenIntent) => intent.objectKey));
  for (const [name, { store, config }] of context.destinations) {
    const prefix = config.prefix === '' ? 'objects/' : `${config.prefix}/objects/`;
    for await (const upload of store.listMultiparts(prefix)) {
      if (known.has(upload.key) || Date.now() - upload.initiatedAt.getTime() < settledAfterMs) continue;
      await store.abortMultipart(upload);
      context.log.info({ destination: name }, 'dropped an upload that no intent stands for');
    }
  }
}
