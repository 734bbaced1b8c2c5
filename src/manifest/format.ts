import { isFailure } from '../domain/failures.ts';
import type { SealingKey } from '../sealed/keys.ts';
import { type OpenedManifest, openManifest } from './decode.ts';
import { keySealer, type ManifestSections, sealManifest } from './encode.ts';
import type { ManifestHead } from './records.ts';

/** How a host writes manifests, and what it can make of those that are there. */
export interface ManifestFormat {
  /** Whether rows can be sealed for this scope. */
  covers(scope: string): boolean;
  seal(head: ManifestHead, sections: ManifestSections): Promise<Buffer>;
  /** Undefined for bytes that are not the manifest of that name: anyone who may write to the bucket can put them there. */
  open(bytes: Buffer, objectName: string): Promise<OpenedManifest | undefined>;
}

export interface ManifestKeys {
  /** The key that seals rows of a scope, also of one that is being shredded. Throws a Failure where there is none. */
  manifestKey(scope: string): SealingKey;
  /** A key by its id; undefined where it is not known. */
  byId(id: Buffer): SealingKey | undefined;
}

/** Manifests under the repository's own keys. */
export function keyedManifests(keys: ManifestKeys): ManifestFormat {
  const seal = keySealer({ sealingKey: (scope) => keys.manifestKey(scope) });
  return {
    covers(scope) {
      try {
        keys.manifestKey(scope);
        return true;
      } catch (error) {
        if (isFailure(error)) return false;
        throw error;
      }
    },
    seal: (head, sections) => sealManifest({ head, sections, seal }),
    async open(bytes, objectName) {
      try {
        return await openManifest(bytes, { objectName, keyById: (id) => keys.byId(id) });
      } catch (error) {
        if (isFailure(error)) return undefined;
        throw error;
      }
    },
  };
}
