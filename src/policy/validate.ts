import { Failure, isFailure } from '../domain/failures.ts';
import type { AdmissionInput, PolicyReason, ReleaseInput } from '../domain/records.ts';
import type { Bundle } from './bundle.ts';
import type { OpaEngine } from './opa-engine.ts';
import { withPrivateOpa } from './private-opa.ts';
import type { BundleSignature } from './signature.ts';

/**
 * Loads the bundle into an OPA of its own and asks it all that the program will: each must be answered in form, whatever
 * the answer is, and the data must be without findings. Failure `policy_invalid`.
 */
export async function validateBundle(
  tool: string,
  bundle: Bundle,
  signature: BundleSignature | undefined,
): Promise<void> {
  const problems = await withPrivateOpa(tool, bundle, signature, findProblems).catch((error: unknown) => {
    // What it is asked here it would be asked later: an answer out of form is a fault of the rules.
    if (isFailure(error, 'policy_unavailable'))
      throw new Failure('policy_invalid', { detail: String(error.facts.detail) }, { cause: error });
    throw error;
  });
  if (problems.length > 0) throw new Failure('policy_invalid', { detail: problems.join('; ') });
}

async function findProblems(engine: OpaEngine): Promise<string[]> {
  await engine.ping();
  const admission = await engine.admit(question);
  const release = await engine.release(sealedQuestion);
  const [admissions] = await engine.admitMany([question]);
  const [releases] = await engine.releaseMany([sealedQuestion]);
  const answers = { admission, release, 'batch.admissions': admissions, 'batch.releases': releases };
  const undefinedOnes = Object.entries(answers).filter(([, answer]) =>
    answer?.result.reasons.some(({ id }: PolicyReason) => id === 'policy_undefined'),
  );
  await engine.retentionClasses();
  await engine.approvalTerms();
  return [
    ...undefinedOnes.map(([rule]) => `the rules give no decision in form: holdfast.${rule}`),
    ...(await engine.findings()),
  ];
}

const entry = { path: 'a.txt', name: 'a.txt', extension: 'txt' };
const source = { id: '0'.repeat(32), name: 'a source' };

const question: AdmissionInput = {
  gate: 'admission',
  source,
  entry,
  content: { sizeBytes: 1, mediaType: 'text/plain', sha256: '0'.repeat(64) },
};

const sealedQuestion: ReleaseInput = {
  gate: 'release',
  source,
  entry,
  classification: 'public',
  content: { sizeBytes: 1, sha256: '0'.repeat(64) },
  sealing: {
    basis: 'plan',
    format: 'none',
    cipher: 'none',
    authentication: 'none',
    keyId: '0'.repeat(32),
    scope: 'default',
    keyScope: 'default',
    contentMatches: false,
  },
  destination: {
    name: 'a destination',
    jurisdiction: 'none',
    region: 'none',
    tls: false,
    loopback: false,
    versioning: false,
    objectLock: false,
  },
  lock: { mode: 'GOVERNANCE', days: 1, requiredMode: 'GOVERNANCE', requiredDays: 1 },
  verdict: { state: 'infected' },
  at: '2026-01-01T00:00:00.000Z',
};
