import type { AdmissionInput, ReleaseInput } from '../../src/domain/records.ts';
import type { PolicyConfig } from '../../src/policy/config.ts';
import { sealedV1Terms } from '../../src/policy/engine.ts';

const source = { id: '0123456789abcdef0123456789abcdef', name: 'home' };
const entry = { path: 'docs/plan.odt', name: 'plan.odt', extension: 'odt' };
const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export const config: PolicyConfig = {
  lock: { mode: 'GOVERNANCE', days: 1 },
  allow_test_signatures: false,
  format: 'sealed-v1',
  openpgp_recipients: [],
  sources: { home: { admission: { deny_names: ['*.nope'] }, release: { deny_names: ['*.stay'] } } },
  destinations: { local: { jurisdiction: 'local', classifications: ['public', 'internal', 'confidential'] } },
};

/** An ordinary file, which the default policy admits. */
export const admission: AdmissionInput = {
  gate: 'admission',
  source,
  entry,
  content: { sizeBytes: 1234, mediaType: 'text/plain', sha256 },
};

/** Properly sealed bytes for a properly locked bucket, which the default policy releases. */
export const release: ReleaseInput = {
  gate: 'release',
  source,
  entry,
  classification: 'internal',
  content: { sizeBytes: 1234, sha256 },
  sealing: {
    basis: 'sealed-bytes',
    ...sealedV1Terms,
    keyId: '00112233445566778899aabbccddeeff',
    scope: 'default',
    keyScope: 'default',
    contentMatches: true,
  },
  destination: {
    name: 'local',
    jurisdiction: 'local',
    region: 'us-east-1',
    tls: false,
    loopback: true,
    versioning: true,
    objectLock: true,
  },
  lock: { mode: 'GOVERNANCE', days: 1, requiredMode: 'GOVERNANCE', requiredDays: 1 },
  verdict: { state: 'clean', signatureSet: 'official' },
  at: '2026-06-01T12:00:00.000Z',
};
