import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject } from 'node:crypto';
import type { DecisionRow } from '../catalog/rows.ts';
import { canonical } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { AdmissionInput, Decision, Id, PolicyReason, ReleaseInput } from '../domain/records.ts';
import { expand, type SealingKey } from '../sealed/keys.ts';
import type { PipelineContext } from './context.ts';
import { keyIdOf } from './keys.ts';
import { publicRandom } from './random.ts';

/**
 * The row that proves a decision: what was asked, by hash and (encrypted) in full, who answered, and what.
 *
 * inputHash = SHA-256(RFC 8785 {facts, privateHash}), privateHash = hex SHA-256(16-byte salt ‖ RFC 8785 of the private
 * part), so that a proof can show the facts and withhold the path. The full input with its salt is AES-256-GCM under a
 * key expanded from the scope's key (info `holdfast/1/evidence`), stored as nonce ‖ ciphertext ‖ tag; on a write-only host a
 * signed message (docs/format.md section 8.4).
 */
export async function decisionRow(
  context: PipelineContext,
  about: {
    versionId: Id;
    gate: 'admission' | 'release';
    destination: string;
    scope: string;
    ordinal?: number;
  },
  input: AdmissionInput | ReleaseInput,
  decision: Decision<{ allow: boolean; reasons: readonly PolicyReason[] }>,
): Promise<DecisionRow> {
  const salt = publicRandom(16);
  const { versionId, gate, destination, scope, ordinal = 0 } = about;
  const id = context.ids.decision(versionId, gate, destination, decision.bundleRevision, ordinal);
  const seal = context.sealEvidence ?? keyedEvidence(context.keys);
  const { sealed, keyId } = await seal(id, scope, canonical({ input, salt: salt.toString('base64url') }));
  return {
    id,
    versionId: about.versionId,
    gate: about.gate,
    destination: about.destination,
    allow: decision.result.allow,
    reasons: decision.result.reasons,
    bundleRevision: decision.bundleRevision,
    decisionId: decision.decisionId,
    inputHash: inputHash(input, salt),
    inputSealed: sealed,
    keyId,
  };
}

/** What the audit trail says of a decision, so that it proves what was asked without the catalog. */
export function evidenceFacts({ id, inputHash }: Pick<DecisionRow, 'id' | 'inputHash'>) {
  return { decision: id, inputHash: inputHash.toString('hex') };
}

function inputHash(input: AdmissionInput | ReleaseInput, salt: Buffer): Buffer {
  return sha256(canonical(withoutNames(input, salt)));
}

/** What is hashed of a question: all but names, and a hash of these that says nothing without the salt. */
export function withoutNames({ entry, ...facts }: AdmissionInput | ReleaseInput, salt: Buffer) {
  return { facts, privateHash: sha256(salt, canonical(entry)).toString('hex') };
}

/**
 * What was asked, from the row that proves it. Undefined where this host cannot open it: its scope was shredded, or it was
 * sealed to others. Failure `tampered` where it is not what the row's hash tells of.
 */
export function openEvidence(
  keys: Pick<PipelineContext['keys'], 'byId'>,
  row: Pick<DecisionRow, 'inputHash' | 'inputSealed' | 'keyId'>,
): AdmissionInput | ReleaseInput | undefined {
  return openQuestion(keys, row)?.input;
}

/** The same with the salt of its private part, 16 bytes: what a proof shows or withholds. */
export function openQuestion(
  keys: Pick<PipelineContext['keys'], 'byId'>,
  row: Pick<DecisionRow, 'inputHash' | 'inputSealed' | 'keyId'>,
): { readonly input: AdmissionInput | ReleaseInput; readonly salt: Buffer } | undefined {
  const key = keys.byId(Buffer.from(row.keyId, 'hex'));
  if (key === undefined) return undefined;
  const { input, salt } = JSON.parse(decrypt(key, row.inputSealed).toString('utf8')) as {
    input: AdmissionInput | ReleaseInput;
    salt: string;
  };
  const saltBytes = Buffer.from(salt, 'base64url');
  if (!inputHash(input, saltBytes).equals(row.inputHash))
    throw new Failure('tampered', { detail: "a decision's question is not what its hash tells of" });
  return { input, salt: saltBytes };
}

/** Seals the full input of the decision with this id. */
export type EvidenceSealer = (
  decisionId: Id,
  scope: string,
  input: Buffer,
) => Promise<{ readonly sealed: Buffer; readonly keyId: Id }>;

function keyedEvidence(keys: PipelineContext['keys']): EvidenceSealer {
  return async (_, scope, input) => {
    const key = keys.sealingKey(scope);
    return { sealed: encrypt(key, input), keyId: keyIdOf(key) };
  };
}

const evidenceInfo = Buffer.from('holdfast/1/evidence', 'latin1');

const evidenceKeys = new WeakMap<SealingKey, KeyObject>();

function evidenceKey(key: SealingKey): KeyObject {
  let known = evidenceKeys.get(key);
  if (known === undefined) {
    known = createSecretKey(expand(key.secret, evidenceInfo, 32));
    evidenceKeys.set(key, known);
  }
  return known;
}

function encrypt(key: SealingKey, plain: Buffer): Buffer {
  const nonce = publicRandom(12);
  const cipher = createCipheriv('aes-256-gcm', evidenceKey(key), nonce);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Pick<SealingKey, 'secret'>, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(
    'aes-256-gcm',
    expand(key.secret, evidenceInfo, 32),
    sealed.subarray(0, 12),
    {
      authTagLength: 16,
    },
  );
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch (error) {
    throw new Failure('tampered', { detail: "a decision's question was changed" }, { cause: error });
  }
}

function sha256(...parts: Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
