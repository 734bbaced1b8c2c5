import { newRunId } from '../../domain/ids.ts';
import { resumeRetention } from '../../retention/pause.ts';
import { say } from '../../text/voice.ts';
import { printable } from '../output.ts';
import { type Session, unlock, withCatalog } from '../session.ts';
import { requireSource } from '../target.ts';

/** Ends the pause of a source, and with it what is pinned. */
export async function runRetentionResume(
  session: Session,
  source: string,
  { reason }: { readonly reason: string },
): Promise<void> {
  const { config, ids } = await unlock(session);
  await withCatalog(session, async (catalog) => {
    const sourceId = await requireSource(catalog, source);
    await resumeRetention(
      { catalog, ids, hostId: config.host.id },
      { runId: newRunId(), sourceId, source, actor: session.actor, reason },
    );
    session.output.value({ source, paused: false });
    session.output.line(say('retention', 'resumed', { source: printable(source) }));
  });
}
