import type { LateDetections } from '../catalog/rescan-query.ts';

/** One sentence for what was found infected after it was stored, with what to do; none where nothing was. */
export function lateWarnings({ openIncidents, versions }: LateDetections): string[] {
  if (versions > 0) {
    return [
      `newer signatures found ${versions} stored versions infected: \`holdfast files --infected\` lists their files. Nothing was deleted; restore leaves them out. Their originals are looked at again by the next sweep.`,
    ];
  }
  if (openIncidents === 0) return [];
  return [
    `${openIncidents} incidents tell of stored content that was found infected and is not any more: look into the audit trail (\`holdfast runs\`), then close them.`,
  ];
}
