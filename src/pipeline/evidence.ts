import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { DecisionRow, EvidenceRow } from '../catalog/rows.ts';
import { canonical, canonicalText } from '../domain/canonical.ts';
import { Failure } from '../domain/failures.ts';
import type { AdmissionInput, Decision, Id, PolicyReason, ReleaseInput } from '../domain/records.ts';
import { expand, type SealingKey } from '../sealed/keys.ts';
import type { PipelineContext } from './context.ts';
import { keyIdOf } from './keys.ts';
import { publicRandom } from './random.ts';

/** A gate's answer about a version. */
export interface Decided {
  readonly versionId: Id;
  readonly gate: 'admission' | 'release';
  /** Of release; empty for admission. */
  readonly destination: string;
  /** Its key seals what was asked. */
  readonly scope: string;
  /** How often the gate was asked before about the version and the destination. */
  readonly ordinal: number;
  readonly input: AdmissionInput | ReleaseInput;
  readonly decision: Decision<{ readonly allow: boolean; readonly reasons: readonly PolicyReason[] }>;
}

/**
 * The rows that prove decisions: what was asked, by hash and (encrypted) in full, who answered, and what; in the order given.
 *
 * inputHash = SHA-256(RFC 8785 {facts, privateHash}), privateHash = hex SHA-256(16-byte salt ‖ RFC 8785 of the private
 * part), so that a proof can show the facts and withhold the path. All that is asked at a time under one scope is sealed
 * together, because it is mostly the same (docs/format.md section 11); on a write-only host as a signed message (section 8.4).
 */
export async function decisionRows(
  context: PipelineContext,
  decided: readonly Decided[],
): Promise<DecisionRow[]> {
  const rows: DecisionRow[] = [];
  const byScope = Map.groupBy(decided.entries(), ([, { scope }]) => scope);
  for (const [scope, group] of byScope) {
    const questions = group.map(([, { input }]) => question(input));
    const evidence = await sealedEvidence(context, scope, questions);
    for (const [position, { inputHash }] of questions.entries()) {
      const [index, { versionId, gate, destination, ordinal, decision }] = group[
        position
      ] as (typeof group)[0];
      const { result, bundleRevision, decisionId } = decision;
      rows[index] = {
        id: context.ids.decision(versionId, gate, destination, bundleRevision, ordinal),
        ...{ versionId, gate, destination, allow: result.allow, reasons: result.reasons },
        ...{ bundleRevision, decisionId, inputHash, evidence, position },
      };
    }
  }
  return rows;
}

/** What the audit trail says of a decision, so that it proves what was asked without the catalog. */
export function evidenceFacts({ id, inputHash }: Pick<DecisionRow, 'id' | 'inputHash'>) {
  return { decision: id, inputHash: inputHash.toString('hex') };
}

/** One question, as it is hashed and sealed: each part is put into its canonical form once. */
function question({ entry, ...facts }: AdmissionInput | ReleaseInput): { text: string; inputHash: Buffer } {
  const salt = publicRandom(16);
  const [factsText, privateText] = [canonicalText(facts), canonicalText(entry)];
  const privateHash = privateHashOf(salt, privateText);
  return {
    text: `{"facts":${factsText},"private":${privateText},"salt":"${salt.toString('base64url')}"}`,
    inputHash: hash('sha256', `{"facts":${factsText},"privateHash":"${privateHash}"}`, 'buffer'),
  };
}

async function sealedEvidence(
  context: PipelineContext,
  scope: string,
  questions: readonly { readonly text: string; readonly inputHash: Buffer }[],
): Promise<EvidenceRow> {
  const id = hash('sha256', Buffer.concat(questions.map(({ inputHash }) => inputHash)), 'hex').slice(0, 32);
  const content = zstdCompressSync(`[${questions.map(({ text }) => text).join()}]`, {
    params: { [constants.ZSTD_c_compressionLevel]: 3 },
  });
  const seal = context.sealEvidence ?? keyedEvidence(context.keys);
  return { id, ...(await seal(id, scope, content)) };
}

/** What is hashed of a question: all but names, and a hash of these that says nothing without the salt. */
export function withoutNames({ entry, ...facts }: AdmissionInput | ReleaseInput, salt: Buffer) {
  return { facts, privateHash: privateHashOf(salt, canonicalText(entry)) };
}

const privateHashOf = (salt: Buffer, privateText: string): string =>
  hash('sha256', Buffer.concat([salt, Buffer.from(privateText)]), 'hex');

/** One question with the salt of its private part, 16 bytes: what a proof shows or withholds. */
export interface Question {
  readonly input: AdmissionInput | ReleaseInput;
  readonly salt: Buffer;
}

/**
 * What was asked, from the row that proves it. Undefined where this host cannot open it: its scope was shredded, or it was
 * sealed to others. Failure `tampered` where it is not what the row's hash tells of.
 */
export function openQuestion(
  keys: Pick<PipelineContext['keys'], 'byId'>,
  row: Pick<DecisionRow, 'inputHash' | 'evidence' | 'position'>,
): Question | undefined {
  const questions = openEvidence(keys, row.evidence);
  return questions && questionAt(questions, row);
}

/** All that was sealed together, in the order of its positions; {@link questionAt} checks each. */
export function openEvidence(
  keys: Pick<PipelineContext['keys'], 'byId'>,
  { keyId, sealed }: Omit<EvidenceRow, 'id'>,
): readonly Question[] | undefined {
  const key = keys.byId(Buffer.from(keyId, 'hex'));
  if (key === undefined) return undefined;
  const content = zstdDecompressSync(decrypt(key, sealed), { maxOutputLength: longestContentBytes });
  const questions = JSON.parse(content.toString('utf8')) as {
    facts: Omit<AdmissionInput, 'entry'> | Omit<ReleaseInput, 'entry'>;
    private: AdmissionInput['entry'];
    salt: string;
  }[];
  return questions.map(({ facts, private: entry, salt }) => ({
    input: { ...facts, entry },
    salt: Buffer.from(salt, 'base64url'),
  }));
}

/** The question of one decision, among those it was sealed with. Failure `tampered` as in {@link openQuestion}. */
export function questionAt(
  questions: readonly Question[],
  { position, inputHash }: Pick<DecisionRow, 'inputHash' | 'position'>,
): Question {
  const found = questions[position];
  const told = found && hash('sha256', canonical(withoutNames(found.input, found.salt)), 'buffer');
  if (found === undefined || told === undefined || !told.equals(inputHash))
    throw new Failure('tampered', { detail: "a decision's question is not what its hash tells of" });
  return found;
}

/** Some 500 questions are half a megabyte. */
const longestContentBytes = 64 * 1024 * 1024;

/** Seals the content of the evidence with this id. */
export type EvidenceSealer = (
  evidenceId: Id,
  scope: string,
  content: Buffer,
) => Promise<Pick<EvidenceRow, 'sealed' | 'keyId'>>;

function keyedEvidence(keys: PipelineContext['keys']): EvidenceSealer {
  return async (_, scope, content) => {
    const key = keys.sealingKey(scope);
    return { sealed: encrypt(key, content), keyId: keyIdOf(key) };
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
