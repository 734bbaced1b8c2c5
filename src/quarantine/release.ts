import { auditEvent } from '../audit/event.ts';
import { openIncident } from '../audit/incident.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { Failure } from '../domain/failures.ts';
import type { Ids } from '../domain/ids.ts';
import type { Id, Verdict } from '../domain/records.ts';
import { nameOf } from '../files/paths.ts';
import { Staging } from '../pipeline/staging.ts';
import type { MetadataProblem } from '../restore/metadata.ts';
import type { Scanner } from '../scanner/scanner.ts';
import { type CopyKeys, copyName, openCopy } from './copies.ts';
import { itemOf, type KeptItem } from './items.ts';
import { type PlacingFolder, placeContent } from './place.ts';

/** What people do with quarantined files is done with these. */
export interface QuarantineDesk {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly hostId: Id;
  /** This host's quarantine folder. */
  readonly folder: string;
  readonly runId: Id;
  readonly actor: string;
}

export interface ReleaseDeps extends QuarantineDesk {
  readonly keys: CopyKeys;
  readonly scanner: Scanner;
  /** Whether `clean` by signatures that know only the test file counts. */
  readonly allowTestSignatures: boolean;
  readonly signal: AbortSignal;
}

export interface ReleaseWish {
  readonly reason: string;
  /** Release it although the scanner finds something, or cannot say that it does not. */
  readonly evenIfInfected: boolean;
  /** Whether it goes to where it came from. */
  readonly toOriginal: boolean;
}

export interface Released {
  readonly verdict: Verdict;
  /** The signature under which the content is left alone from now on. */
  readonly excepted: string | undefined;
  readonly problems: readonly MetadataProblem[];
}

/** Scans quarantined content by the signatures in force. Failures: those of opening it, `scanner_unavailable`. */
export async function rescan(
  { folder, keys, scanner, allowTestSignatures, signal }: ReleaseDeps,
  item: KeptItem,
): Promise<Verdict> {
  const { sizeBytes } = item;
  const verdict = await scanner.scan(openCopy(folder, item.copy, keys), { sizeBytes, signal, patient: true });
  const knowsNothing = verdict.state === 'clean' && verdict.signatureSet === 'builtin-test';
  return knowsNothing && !allowTestSignatures
    ? { ...verdict, state: 'not_scanned', reason: 'stale_signatures' }
    : verdict;
}

/** Failure `still_infected` or `release_unscanned` unless the verdict is `clean`. */
export function requireClean({ state, signature, reason }: Verdict): void {
  if (state === 'infected') throw new Failure('still_infected', { signature: signature ?? 'unknown' });
  if (state !== 'clean') throw new Failure('release_unscanned', { reason: reason ?? 'unknown' });
}

/**
 * Gives a quarantined file back, by this verdict. What is detected all the same is an incident; where it goes back to its
 * original place it is first excepted, so that it is not quarantined at once again. It is never uploaded. Can be run again
 * after a crash at any point.
 */
export async function release(
  deps: ReleaseDeps,
  item: KeptItem,
  verdict: Verdict,
  wish: ReleaseWish,
  into: PlacingFolder,
): Promise<Released> {
  if (!wish.evenIfInfected) requireClean(verdict);
  const excepted = verdict.state === 'clean' ? undefined : (verdict.signature ?? item.signature);
  if (excepted !== undefined) await tellOfBypass(deps, item, verdict, wish, excepted);
  const content = openCopy(deps.folder, item.copy, deps.keys);
  const problems = await placeContent(into, nameOf(item.path), item, content);
  await end(deps, item, 'released', wish.reason, {
    verdict: verdict.state,
    engine: verdict.engine,
    signatures: verdict.signatureRevision,
    to: wish.toOriginal ? 'original place' : 'another folder',
  });
  return { verdict, excepted: wish.toOriginal ? excepted : undefined, problems };
}

/** Removes a quarantined file for good. */
export const deleteItem = (desk: QuarantineDesk, item: KeptItem, reason: string): Promise<void> =>
  end(desk, item, 'deleted', reason, {});

/** Lets the content be quarantined again. False where no exception stands. */
export async function revokeException(desk: QuarantineDesk, id: Id): Promise<boolean> {
  const item = await itemOf(desk.catalog, id);
  if (item?.exception === undefined || item.exception.revokedAt !== null) return false;
  const { signature } = item.exception;
  await desk.catalog.write({ events: [deskEvent(desk, item, { action: 'revoked', signature })] });
  await desk.catalog.rows(
    'update infection_exceptions set revoked_at = now(), revoked_by = $2 where id = $1 and revoked_at is null',
    [id, desk.actor],
  );
  return true;
}

async function tellOfBypass(
  deps: ReleaseDeps,
  item: KeptItem,
  { state, reason: unscanned }: Verdict,
  { reason, toOriginal }: ReleaseWish,
  signature: string,
): Promise<void> {
  const { catalog, ids, actor } = deps;
  const { id, sha512 } = item;
  const { incident, event } = openIncident(ids, {
    ...{ kind: 'policy_bypass', subject: id, run: deps.runId, host: deps.hostId },
    ...{ source: item.sourceId, version: item.versionId },
    facts: {
      ...{ action: 'released although detected', quarantine: id, signature, verdict: state },
      ...(unscanned === undefined ? {} : { notScanned: unscanned }),
    },
  });
  // A try that was cut off may have told of it already, as another run.
  const [told] = await catalog.rows('select 1 from incidents where id = $1', [incident.id]);
  const isExcepted = !toOriginal || (await itemOf(catalog, id))?.exception !== undefined;
  await catalog.write({
    ...(told === undefined ? { incident } : {}),
    ...(isExcepted ? {} : { infectionException: { id, sha512, signature, actor, reason } }),
    events: [
      ...(told === undefined ? [event] : []),
      ...(isExcepted ? [] : [deskEvent(deps, item, { action: 'excepted', signature, reason })]),
    ],
  });
}

/** Told first: what a crash then leaves lying there is swept. */
async function end(
  desk: QuarantineDesk,
  item: KeptItem,
  ended: 'released' | 'deleted',
  reason: string,
  facts: Readonly<Record<string, string>>,
): Promise<void> {
  const { id, signature } = item;
  await desk.catalog.write({
    quarantineEnd: { id, ended, actor: desk.actor, reason, runId: desk.runId },
    events: [deskEvent(desk, item, { action: ended, signature, reason, ...facts })],
  });
  await new Staging(desk.folder).drop(copyName(id, item.copy.sealedSha256));
}

function deskEvent(
  { ids, runId, hostId, actor }: QuarantineDesk,
  item: { id: Id; sourceId: Id; entryId: Id; versionId: Id },
  facts: Readonly<Record<string, string>> & { action: string },
) {
  return auditEvent(ids, {
    ...{
      subject: runId,
      step: 'quarantine',
      among: `${item.id}/${facts.action}`,
      run: runId,
      host: hostId,
      actor,
    },
    ...{ source: item.sourceId, entry: item.entryId, version: item.versionId },
    facts: { quarantine: item.id, ...facts },
  });
}
