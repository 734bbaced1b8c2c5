import { hash } from 'node:crypto';
import type { AuditRow, SealingRow } from '../catalog/rows.ts';
import type { ReleaseInput } from '../domain/records.ts';
import { openpgpTerms, sealedV1Terms } from '../policy/engine.ts';
import type { SealingKey } from '../sealed/keys.ts';
import type { OpenedSealed } from '../sealed/open.ts';
import type { SealPlan } from '../sealed/seal.ts';
import { type PipelineContext, versionEvent } from './context.ts';
import { keyIdOf, newIv } from './keys.ts';
import type { AdmittedVersion } from './policy-input.ts';
import { recipientsOf } from './stored-as.ts';

const format = 'sealed-v1';

/** One sealing of a version: which key, which IV, and the row that makes the IV unique. */
export interface Sealing {
  readonly row: SealingRow;
  readonly key: SealingKey;
}

/**
 * The sealing of this generation. Its IV is in the catalog before the first byte is sealed, so whoever tries again seals
 * the same bytes, and no keystream ever covers two plaintexts.
 */
export async function drawSealing(
  context: PipelineContext,
  version: AdmittedVersion,
  generation: number,
): Promise<Sealing> {
  const key = context.keys.sealingKey(version.admission.scope);
  const keyId = keyIdOf(key);
  const id = context.ids.sealing(version.id, format, keyId, generation);
  const row = await context.catalog.drawSealing({
    id,
    versionId: version.id,
    format,
    keyId,
    generation,
    iv: newIv(),
  });
  return { row, key };
}

/** All that the sealed bytes depend on besides the content. */
export function sealPlan(version: AdmittedVersion, sealing: Sealing): SealPlan {
  return { ...unsealedPlan(version), key: sealing.key, iv: sealing.row.iv };
}

/** What of the plan is known before there is a key, and what the length of the sealed file depends on. */
export function unsealedPlan(version: AdmittedVersion): Omit<SealPlan, 'key' | 'iv'> {
  const { content, admission, entry } = version;
  return {
    purpose: 'content',
    path: entry.path,
    plaintextLength: content.sizeBytes,
    compression: admission.compression,
    metadata: {
      // In the order that they are written in.
      class: admission.retention.class,
      entry: entry.id,
      gid: Number(version.gid),
      ...(version.hardlink === undefined ? {} : { hardlink: version.hardlink }),
      kind: 'file',
      mode: version.mode,
      mtimeNs: String(version.mtimeNs),
      observation: version.observation,
      purpose: 'content',
      scope: admission.scope,
      sha256: content.sha256.toString('hex'),
      sha512: content.sha512.toString('hex'),
      size: content.sizeBytes,
      source: entry.sourceId,
      uid: Number(version.uid),
      v: 1,
      version: version.id,
      ...(version.xattrs === undefined ? {} : { xattrs: version.xattrs }),
      ...(version.xattrsDropped === undefined ? {} : { xattrsDropped: version.xattrsDropped }),
    },
  };
}

/**
 * What the independent reader found, in the words of the release policy. The reader has verified the footer, so cipher
 * and authentication are those of the format; `contentMatches` is its word on the content's hash.
 */
export function foundSealing(
  context: PipelineContext,
  version: AdmittedVersion,
  opened: Pick<OpenedSealed, 'keyId' | 'metadata'>,
  contentMatches: boolean,
): ReleaseInput['sealing'] {
  return {
    authentication: sealedV1Terms.authentication,
    basis: 'sealed-bytes',
    cipher: sealedV1Terms.cipher,
    contentMatches: contentMatches && opened.metadata.sha512 === version.content.sha512.toString('hex'),
    format: sealedV1Terms.format,
    keyId: opened.keyId.toString('hex'),
    keyScope: context.keys.scopeOf(opened.keyId) ?? '',
    scope: opened.metadata.scope,
  };
}

/** What is going to be sealed (large content), or was sealed and verified before (an existing object). */
export function statedSealing(
  context: PipelineContext,
  version: AdmittedVersion,
  basis: 'plan' | 'existing-object',
  keyId: string,
): ReleaseInput['sealing'] {
  if (version.admission.format === 'openpgp') return statedMessage(context, version, basis, keyId);
  return {
    basis,
    ...sealedV1Terms,
    keyId,
    scope: version.admission.scope,
    keyScope: context.keys.scopeOf(Buffer.from(keyId, 'hex')) ?? '',
    contentMatches: true,
  };
}

/** A message to the configured recipients. */
function statedMessage(
  context: PipelineContext,
  version: AdmittedVersion,
  basis: 'plan' | 'existing-object',
  keyId: string,
): ReleaseInput['sealing'] {
  const { id, names } = recipientsOf(context);
  return messageSealing(version, {
    basis,
    keyId,
    recipients: keyId === id ? names : [],
    contentMatches: true,
  });
}

/** An OpenPGP message in the words of the release policy. Whoever has a recipient's key opens it, whatever the key scope. */
export function messageSealing(
  { admission }: AdmittedVersion,
  found: Pick<ReleaseInput['sealing'], 'basis' | 'keyId' | 'contentMatches'> & {
    recipients: readonly string[];
  },
): ReleaseInput['sealing'] {
  return { ...openpgpTerms, ...found, scope: admission.scope, keyScope: admission.scope };
}

export function sealEvent(
  context: PipelineContext,
  version: AdmittedVersion,
  row: SealingRow,
  facts: Record<string, unknown>,
): AuditRow {
  return versionEvent(context, version, {
    step: 'seal',
    ordinal: row.generation,
    facts: {
      format: row.format,
      generation: row.generation,
      iv: row.iv.toString('hex'),
      key: row.keyId,
      ...facts,
    },
  });
}

export const sha256 = (bytes: Buffer): Buffer => hash('sha256', bytes, 'buffer');
export const sha512 = (bytes: Buffer): Buffer => hash('sha512', bytes, 'buffer');
