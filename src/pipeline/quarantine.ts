import type { Verdict } from '../domain/records.ts';
import type { Changed, Settled } from '../domain/steps.ts';
import { moveToQuarantine } from '../files/quarantine.ts';
import { type PipelineContext, versionEvent } from './context.ts';
import { servedSource } from './file.ts';
import type { AdmittedVersion } from './policy-input.ts';
import { abandon, settle } from './settle.ts';

/**
 * Infected content: under `move` the original leaves the source for the quarantine folder, under `report` it stays.
 * Either way nothing of it is uploaded.
 */
export async function quarantine(
  context: PipelineContext,
  version: AdmittedVersion,
  verdict: Verdict,
): Promise<Settled | Changed> {
  const { config, root } = await servedSource(context, version.entry);
  const id = context.ids.quarantine(version.id);
  let action: 'moved' | 'reported' = 'reported';
  if (config.quarantine === 'move') {
    const moved = await moveToQuarantine(root, version.entry.path, {
      expectSha512: version.content.sha512.toString('hex'),
      quarantineDir: context.quarantineDir,
      name: id,
    });
    if (moved.kind === 'changed') return abandon(context, version);
    if (moved.kind === 'moved') action = 'moved';
  }
  const signature = verdict.signature ?? 'unknown';
  context.log.warn({ version: version.id, signature, action }, 'infected file');
  return settle(context, version, 'quarantined', signature, {
    quarantine: { id, versionId: version.id, hostId: context.hostId, action, signature },
    events: [
      versionEvent(context, version, {
        step: 'quarantine',
        facts: { action, signature, configured: config.quarantine },
      }),
    ],
  });
}
