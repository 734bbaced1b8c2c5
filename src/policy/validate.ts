import { Failure, isFailure } from '../domain/failures.ts';
import type { AdmissionInput, Decision, PolicyReason, ReleaseInput } from '../domain/records.ts';
import type { Bundle } from './bundle.ts';
import { undefinedAnswer } from './engine.ts';
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
  const problems = await withPrivateOpa(tool, bundle, signature, findProblems);
  if (problems.length > 0) throw new Failure('policy_invalid', { detail: problems.join('; ') });
}

async function findProblems(engine: OpaEngine): Promise<string[]> {
  const asked: [rule: string, answer: () => Promise<Decision<unknown> | undefined>][] = [
    ['batch.admissions', () => engine.admit(question)],
    ['batch.releases', () => engine.release(sealedQuestion)],
    ['retention.classes', () => engine.retentionClasses()],
    ['approval.terms', () => engine.approvalTerms()],
  ];
  const problems: string[] = [];
  for (const [rule, answer] of asked) {
    if (!(await isInForm(answer))) problems.push(`holdfast.${rule} gives no answer in form`);
  }
  return [...problems, ...(await engine.findings())];
}

/** Here what cannot be answered is a fault of the rules: this OPA has nothing else to do. */
async function isInForm(answer: () => Promise<Decision<unknown> | undefined>): Promise<boolean> {
  try {
    const { reasons = [] } = ((await answer())?.result ?? {}) as { reasons?: readonly PolicyReason[] };
    return !reasons.some(({ id }) => id === undefinedAnswer);
  } catch (error) {
    if (isFailure(error, 'policy_unavailable')) return false;
    throw error;
  }
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
