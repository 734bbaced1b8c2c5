import { expect, test } from 'vitest';
import { auditEvent, joinedSteps } from '../../src/audit/event.ts';
import { canonicalText } from '../../src/domain/canonical.ts';
import { Ids } from '../../src/domain/ids.ts';
import { admissionInput, releaseInput, type ScannedVersion } from '../../src/pipeline/policy-input.ts';
import { unsealedPlan } from '../../src/pipeline/sealing.ts';
import { openpgpTerms, sealedV1Terms } from '../../src/policy/engine.ts';

const id = 'a'.repeat(32);
const verdict = {
  ...{ state: 'not_scanned', reason: 'too_large', engine: 'ClamAV', signatureRevision: 'r' },
  ...{ signaturesAt: '2026-01-01T00:00:00.000Z', signatureSet: 'custom' },
} as const;
const version = {
  ...{
    id,
    kind: 'file',
    sizeBytes: 5,
    mode: 0o644,
    uid: 1n,
    gid: 2n,
    mtimeNs: 3n,
    observation: 1,
    runId: id,
  },
  ...{ entry: { id, sourceId: id, path: Buffer.from('a/b.txt') }, sourceName: 'home', verdict },
  ...{ hardlink: id, xattrs: { 'user.a': 'AA==' }, xattrsDropped: 1 },
  content: { sha512: Buffer.alloc(64), sha256: Buffer.alloc(32), sizeBytes: 5, mediaType: 'text/plain' },
  admission: {
    ...{
      classification: 'internal',
      scope: 'default',
      retention: { class: 'standard', mode: 'GOVERNANCE', days: 1 },
    },
    ...{ compression: { algorithm: 'zstd', level: 3 }, format: 'sealed-v1', destinations: ['local'] },
  },
  held: { holdId: id, approvals: [] },
} as unknown as ScannedVersion;
const facts = {
  jurisdiction: 'local',
  region: '',
  tls: true,
  loopback: true,
  versioning: true,
  objectLock: true,
};
const sealing = {
  ...{ authentication: 'a', basis: 'sealed-bytes' as const, cipher: 'c', contentMatches: true },
  ...{ format: 'f', keyId: id, keyScope: 's', scope: 's' },
};
const step = (name: 'seal' | 'upload') =>
  auditEvent(new Ids(Buffer.alloc(64)), {
    ...{
      subject: id,
      step: name,
      run: id,
      host: id,
      workflow: 'batch:1',
      source: id,
      entry: id,
      version: id,
    },
    ...{ destination: 'local', facts: { a: 1, b: 2 } },
  });

/** Of each file some four kilobytes are hashed as canonical JSON; putting members in order is most of the work. */
test.each([
  ['a question to admission', admissionInput(version)],
  [
    'a question to release',
    releaseInput(version, { name: 'local', facts: facts as never }, sealing, new Date(0)),
  ],
  ['what a sealed file says of itself', unsealedPlan(version).metadata],
  ['terms of sealing', [sealedV1Terms, openpgpTerms]],
  ['an event', step('seal').event],
  ['steps that are told together', joinedSteps([step('seal'), step('upload')])[0]?.event],
])('%s is made with its members in the order they are hashed in', (_, made) => {
  expect(JSON.stringify(made)).toBe(canonicalText(made));
});
