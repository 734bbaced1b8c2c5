import type { IntentRow, PackMemberRow } from '../catalog/rows.ts';
import type { DestinationConfig } from '../config.ts';
import type { PipelineContext } from '../pipeline/context.ts';
import { newIv } from '../pipeline/keys.ts';
import type { AdmittedVersion } from '../pipeline/policy-input.ts';
import { sha256 } from '../pipeline/sealing.ts';
import { lockTowards } from '../pipeline/several.ts';
import { prefixed } from '../sealed/names.ts';
import { writeContentPack } from '../sealed/write-content-pack.ts';
import { destinationsOf } from './release.ts';
import type { SealedFile } from './seal.ts';

/** The bytes of one object, announced for each of its destinations, with what lies where in it. */
export interface Shipment {
  readonly body: Buffer;
  readonly sha256: Buffer;
  readonly intents: readonly IntentRow[];
  /** None for an object of one sealed file. */
  readonly packMembers: readonly PackMemberRow[];
  readonly files: readonly (SealedFile & { readonly offset: number })[];
}

export interface PackingRules {
  readonly packs: boolean;
  /** Retention classes whose content can be deleted alone: never packed. */
  readonly erasable: ReadonlySet<string>;
}

/**
 * Lays sealed files into objects: those that share destinations, scope, retention class and lock into packs, the others
 * into objects of their own.
 */
export function layOut(
  context: PipelineContext,
  sealed: readonly SealedFile[],
  { packs, erasable }: PackingRules,
): Shipment[] {
  const mayBePacked = ({ file }: SealedFile): boolean =>
    packs && !erasable.has(file.version.admission.retention.class);
  const alone = sealed.filter((one) => !mayBePacked(one));
  const groups = Map.groupBy(sealed.filter(mayBePacked), ({ file: { version } }) => togetherIn(version));
  return [
    ...alone.map((one) => single(context, one)),
    ...[...groups.values()]
      .flatMap(fitting(context))
      .map((group) => (group.length === 1 ? single(context, group[0] as SealedFile) : pack(context, group))),
  ];
}

/** The index and its length, at most 300 bytes a member. */
const indexBytes = (members: number): number => 1024 + members * 300;

/** Parts of a group of sealed files that each fit into one object of every destination. */
function fitting(context: PipelineContext) {
  return (group: readonly SealedFile[]): SealedFile[][] => {
    const [first] = group;
    if (first === undefined) return [];
    const most = Math.min(
      ...destinationsOf(context, first.file.version).map(({ config }) => config.maxObjectSize),
    );
    const parts: SealedFile[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const one of group) {
      const part = parts.at(-1);
      bytes += one.bytes.length;
      if (part !== undefined && bytes + indexBytes(part.length + 1) <= most) part.push(one);
      else {
        parts.push([one]);
        bytes = one.bytes.length;
      }
    }
    return parts;
  };
}

/** Equal for versions whose sealed files may lie in one object. */
function togetherIn({ admission: { destinations, scope, retention } }: AdmittedVersion): string {
  return JSON.stringify([destinations, scope, retention.class, retention.mode, retention.days]);
}

function single(context: PipelineContext, one: SealedFile): Shipment {
  const { file, row, bytes } = one;
  const { version } = file;
  const { scope } = version.admission;
  const intents = destinationsOf(context, version).map(({ config }) => ({
    ...announced(version, config, { body: bytes, sha256: one.sha256 }),
    id: context.ids.intent(row.id, config.name),
    sealingId: row.id,
    packId: null,
    destination: config.name,
    objectKey: context.keys.objectKey({
      prefix: config.prefix,
      scope,
      sha512: version.content.sha512,
      iv: row.iv,
    }),
  }));
  return { body: bytes, sha256: one.sha256, intents, packMembers: [], files: [{ ...one, offset: 0 }] };
}

function pack(context: PipelineContext, group: readonly SealedFile[]): Shipment {
  const { version } = (group[0] as SealedFile).file;
  const { scope } = version.admission;
  const name = context.keys.packName(
    scope,
    group.map(({ row }) => row.iv),
  );
  const { bytes: body, members } = writeContentPack(
    name,
    group.map(({ bytes, row, file }) => ({
      bytes,
      keyId: row.keyId,
      source: file.version.entry.sourceId,
      entry: file.version.entry.id,
      version: file.version.id,
    })),
    { scope, key: context.keys.sealingKey(scope), iv: newIv() },
  );
  const packId = context.ids.pack(name);
  const sha = sha256(body);
  const intents = destinationsOf(context, version).map(({ config }) => ({
    ...announced(version, config, { body, sha256: sha }),
    id: context.ids.intent(packId, config.name),
    sealingId: null,
    packId,
    destination: config.name,
    objectKey: prefixed(config.prefix, name),
  }));
  const files = group.map((one, position) => ({ ...one, offset: members[position]?.offset ?? 0 }));
  const packMembers = files.map(({ file, row, bytes, offset, sha256 }, position) => ({
    packId,
    position,
    sealingId: row.id,
    sha512: file.version.content.sha512,
    byteOffset: offset,
    length: bytes.length,
    sha256,
  }));
  return { body, sha256: sha, intents, packMembers, files };
}

function announced(
  { admission: { retention } }: AdmittedVersion,
  config: DestinationConfig,
  { body, sha256 }: { readonly body: Buffer; readonly sha256: Buffer },
) {
  const { mode, days } = lockTowards(retention, config);
  return {
    state: 'open' as const,
    sealedLength: body.length,
    sealedSha256: sha256,
    lockMode: mode,
    lockDays: days,
    metadata: null,
    sealerId: null,
    uploadId: null,
    partSize: null,
  };
}
