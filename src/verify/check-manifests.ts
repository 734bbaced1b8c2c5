import { hash } from 'node:crypto';
import {
  type CheckResult,
  manifestCoverage,
  manifestsToCheck,
  type PromisedManifest,
  recordManifestCheck,
} from '../catalog/verify-query.ts';
import { isFailure } from '../domain/failures.ts';
import { openManifest } from '../manifest/decode.ts';
import { mapUnordered } from '../restore/map-unordered.ts';
import { isSignedMessage } from '../write-only/signed-message.ts';
import { type CheckedDestination, tell } from './check-objects.ts';
import type { Finding } from './finding.ts';
import { judge } from './judge.ts';
import type { VerifyRun } from './run.ts';

const pageManifests = 200;

/** Looks at a share of a destination's manifests, those of longest ago first; each is read and opened. */
export async function checkManifests(run: VerifyRun, destination: CheckedDestination): Promise<void> {
  const { catalog } = run.deps;
  const { scope, sample } = run.request;
  const { since: before } = run;
  const { live, checkedSince } = await manifestCoverage(catalog, destination.name, before, scope);
  const count = Math.max(0, Math.ceil(sample * live) - checkedSince);
  run.toCheck += count;
  for (let left = count; left > 0; ) {
    const limit = Math.min(left, pageManifests);
    const page = await manifestsToCheck(catalog, destination.name, { before, limit }, scope);
    const results = mapUnordered(
      begun(run, page),
      // A manifest of many rows is some megabytes, opened.
      Math.min(run.request.jobs, 4),
      (manifest) => checkManifest(run, destination, manifest),
      () => {},
    );
    for await (const _ of results) {
      run.manifests++;
      run.progress();
    }
    left -= page.length;
    if (page.length < limit || !run.complete) return;
  }
}

async function* begun(run: VerifyRun, page: readonly PromisedManifest[]): AsyncGenerator<PromisedManifest> {
  for (const manifest of page) {
    if (run.isOver()) return;
    yield manifest;
  }
}

async function checkManifest(
  run: VerifyRun,
  destination: CheckedDestination,
  manifest: PromisedManifest,
): Promise<void> {
  const { key, s3VersionId, kind: form } = manifest;
  const result = await look(run, destination, manifest);
  const isLost = result === 'missing' || result === 'tampered';
  const relist = isLost && form === 'journal' && run.request.repair && destination.isOurs;
  if (result !== 'ok') {
    const finding: Finding = {
      kind: result,
      subject: 'manifest',
      destination: destination.name,
      key,
      s3VersionId,
      ...(relist ? { remedy: 'list anew' } : {}),
    };
    await tell(run, finding);
  }
  await recordManifestCheck(run.deps.catalog, destination.name, manifest, result, relist);
}

async function look(
  run: VerifyRun,
  { name, store, now }: CheckedDestination,
  manifest: PromisedManifest,
): Promise<CheckResult> {
  const { key, s3VersionId: versionId, lengthBytes, lock, sha256 } = manifest;
  const facts = await run.retrying(() => store.head({ key, versionId }));
  const seen = judge(facts, { lengthBytes, lock }, now);
  if (seen === 'missing' || seen === 'tampered') return seen;
  const bytes = await run.retrying(() => store.get({ key, versionId }));
  run.addBytes(bytes.length);
  if (!hash('sha256', bytes, 'buffer').equals(sha256)) return 'tampered';
  // Only its recipients can open it; that its bytes are the recorded ones is all that can be known here.
  if (isSignedMessage(bytes)) return seen;
  try {
    const { prefix } = run.destination(name);
    const objectName = prefix === '' ? key : key.slice(prefix.length + 1);
    await openManifest(bytes, { objectName, keyById: (id) => run.deps.keys.byId(id) });
    return seen;
  } catch (error) {
    if (isFailure(error, 'unknown_key')) return 'unreadable';
    if (isFailure(error, 'tampered') || isFailure(error, 'unsupported_format')) return 'tampered';
    throw error;
  }
}
