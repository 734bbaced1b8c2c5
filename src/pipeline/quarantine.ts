import type { QuarantineAction } from '../catalog/rows.ts';
import type { Id } from '../domain/records.ts';
import type { Changed, Settled } from '../domain/steps.ts';
import { refusesTaking, takeAway } from '../files/quarantine.ts';
import type { SourceRoot } from '../files/root.ts';
import { keepCopy } from '../quarantine/keep.ts';
import { actionOf, copyOf, exceptionOf } from '../quarantine/query.ts';
import { type PipelineContext, type StepRun, versionEvent } from './context.ts';
import { openEntry, servedSource } from './file.ts';
import type { ScannedVersion } from './policy-input.ts';
import { abandon, settle } from './settle.ts';

/** The rule under which infected content is left alone because a person released it: neither moved nor uploaded. */
export const exceptionRule = 'infected_exception';

/**
 * Infected content: sealed into this host's quarantine and taken out of the source (`move`), sealed there and left in
 * place (`copy`), or only reported. Nothing of it is uploaded.
 *
 * Write order of `move`: copy durable and verified → copy on record → name taken away → outcome. So at any moment either
 * the original is in place or its sealed copy is on record, whatever has the name by then.
 */
export async function quarantine(
  context: PipelineContext,
  version: ScannedVersion,
  run: StepRun,
): Promise<Settled | Changed> {
  const signature = version.verdict.signature ?? 'unknown';
  const exception = await exceptionOf(context.catalog, version.content.sha512, signature);
  if (exception !== undefined) {
    const facts = { outcome: 'ignored', reason: exceptionRule, rule: exceptionRule, signature, exception };
    return settle(context, version, 'ignored', exceptionRule, {
      events: [versionEvent(context, version, { step: 'skip', facts })],
    });
  }
  const { config, root } = await servedSource(context, version.entry);
  const done = await dealWith(context, version, config.quarantine, root, run);
  if (done === 'changed') return abandon(context, version);
  const { action, why } = done;
  const facts = { action, signature, configured: config.quarantine, ...(why === undefined ? {} : { why }) };
  if (why === undefined) context.log.warn({ version: version.id, ...facts }, 'infected file');
  else
    context.log.error(
      { version: version.id, ...facts },
      'an infected file could not be dealt with as configured',
    );
  context.failPoints.reach('quarantine-taken');
  // What has the name now is another file: its hint is not answered, and another look follows.
  const answered = action === 'replaced' ? { ...version, hint: 0 } : version;
  const settled = await settle(context, answered, 'quarantined', signature, {
    quarantine: {
      ...{ id: context.ids.quarantine(version.id), versionId: version.id, hostId: context.hostId },
      ...{ action, signature },
    },
    events: [versionEvent(context, version, { step: 'quarantine', facts })],
  });
  return action === 'replaced' ? { next: 'changed' } : settled;
}

/** Whether a look that ended as quarantined has to be followed by another, because its file was replaced meanwhile. */
export async function wasReplaced(context: PipelineContext, versionId: Id): Promise<boolean> {
  return (await actionOf(context.catalog, context.ids.quarantine(versionId))) === 'replaced';
}

interface DealtWith {
  readonly action: QuarantineAction;
  /** Why it is not as configured: the system's code, or `gone`. */
  readonly why?: string;
}

async function dealWith(
  context: PipelineContext,
  version: ScannedVersion,
  configured: 'move' | 'copy' | 'report',
  root: SourceRoot,
  run: StepRun,
): Promise<DealtWith | 'changed'> {
  const { path } = version.entry;
  const id = context.ids.quarantine(version.id);
  // On record already where this step was cut off: the name may be taken away since.
  if (!(await isKept(context, id))) {
    if (configured === 'report') return { action: 'reported' };
    const refusal = configured === 'move' ? refusesTaking(root, path) : undefined;
    if (refusal !== undefined) return { action: 'reported', why: refusal };
    const kept = await keepCopy(context, version, run);
    // Asked again: another run of this step may have kept the file and taken it away meanwhile.
    if (kept === 'changed' && !(await isKept(context, id)))
      return (await isGone(context, version)) ? { action: 'reported', why: 'gone' } : 'changed';
  }
  if (configured !== 'move') return { action: 'copied' };
  const expectSha512 = version.content.sha512.toString('hex');
  const taken = await takeAway(root, path, { expectSha512, name: id });
  switch (taken.kind) {
    case 'taken':
    case 'gone':
      return { action: 'moved' };
    case 'changed':
      return { action: 'replaced' };
    case 'refused':
      return { action: 'copied', why: taken.code };
  }
}

async function isKept({ catalog }: PipelineContext, id: Id): Promise<boolean> {
  return (await copyOf(catalog, id)) !== undefined;
}

async function isGone(context: PipelineContext, { entry }: ScannedVersion): Promise<boolean> {
  const opened = await openEntry(context, entry);
  if (opened.kind === 'file') await opened.handle.close();
  return opened.kind === 'gone';
}
