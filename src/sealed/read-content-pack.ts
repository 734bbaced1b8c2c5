/** Reading a content pack: docs/format.md section 5.4. */
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import type { Id } from '../domain/records.ts';
import { hex, name, whole } from './fields.ts';
import type { ByteSource, SealedFacts } from './open.ts';
import { type PackKeys, type PackMember, readPackIndex } from './pack.ts';
import { damaged, leastSealedBytes } from './read-frame.ts';

const maxMembers = 4_096;

/** One small file's sealed file, as the index names it. */
export interface ContentMember extends PackMember {
  readonly source: Id;
  readonly entry: Id;
  readonly version: Id;
}

export interface ContentPack {
  /** In the order they lie in. */
  readonly members: readonly ContentMember[];
  /** Scope name that all of it is sealed under. */
  readonly scope: string;
  /** Bytes of all members: the index begins here. */
  readonly membersLength: number;
}

const any = Number.MAX_SAFE_INTEGER;

const contentIndex = z.strictObject({
  v: z.literal(1),
  kind: z.literal('content'),
  members: z
    .array(
      z.strictObject({
        offset: whole(0, any),
        length: whole(leastSealedBytes, any),
        scope: name,
        keyId: hex(16),
        source: hex(16),
        entry: hex(16),
        version: hex(16),
      }),
    )
    .min(1)
    .max(maxMembers),
});

/**
 * Opens the index of a content pack by its tail, and reads no member. `objectName` without prefix; undefined where it is
 * not known. Throws like {@link readPackIndex}.
 */
export async function readContentPack(
  source: ByteSource,
  options: PackKeys & { readonly objectName: string | undefined },
): Promise<ContentPack> {
  const { index, scope } = await readPackIndex(source, options);
  const parsed = contentIndex.safeParse(index);
  if (!parsed.success) {
    throw new Failure('unsupported_format', { detail: 'its index is not that of a content pack' });
  }
  const { members } = parsed.data;
  if (members.some((member) => member.scope !== scope)) throw damaged('a member is of another scope');
  if (new Set(members.map(({ version }) => version)).size < members.length) {
    throw damaged('two of its members are of one version');
  }
  const membersLength = members.reduce((sum, { length }) => sum + length, 0);
  return { members, scope, membersLength };
}

/** Holds what a member says of itself against the index. Failure `tampered`. */
export function checkMember(member: ContentMember, { keyId, metadata }: SealedFacts): void {
  const isNamed =
    keyId.toString('hex') === member.keyId &&
    metadata.scope === member.scope &&
    metadata.source === member.source &&
    metadata.entry === member.entry &&
    metadata.version === member.version;
  if (!isNamed) throw damaged('a member is not the one its index names');
}
