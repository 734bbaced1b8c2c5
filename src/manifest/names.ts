import type { Id } from '../domain/records.ts';

/** Highest number a manifest can have: twelve digits. */
export const maxManifestNumber = 999_999_999_999;

/** Below this lie all manifests of a repository, without prefix. */
const manifestsFolder = 'manifests/';

/** Name of a manifest, without prefix. `number` is 1 to 999,999,999,999. */
export function manifestName(sourceId: Id, number: number): string {
  if (!Number.isInteger(number) || number < 1 || number > maxManifestNumber) {
    throw new RangeError('manifest number outside 1 to 999,999,999,999');
  }
  return `${manifestsFolder}${sourceId}/${String(number).padStart(12, '0')}`;
}

/** What a name without prefix says; undefined for one that is no manifest's. */
export function parseManifestName(name: string): { sourceId: Id; number: number } | undefined {
  const parts = /^manifests\/([0-9a-f]{32})\/([0-9]{12})$/.exec(name);
  const [, sourceId, digits] = parts ?? [];
  const number = Number(digits);
  return sourceId === undefined || !(number >= 1) ? undefined : { sourceId, number };
}
