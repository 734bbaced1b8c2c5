import type { Catalog } from '../catalog/catalog.ts';
import { lastingConditions } from '../catalog/condition-query.ts';
import { digestFacts, lastDigestTo } from '../catalog/digest-query.ts';
import type { Ids } from '../domain/ids.ts';
import { spanIn } from '../text/time.ts';
import type { ChannelName } from './channels.ts';
import type { Digest } from './digest-text.ts';
import { tell } from './tell.ts';

export interface DigestDeps {
  readonly catalog: Catalog;
  readonly ids: Ids;
  readonly channels: readonly ChannelName[];
  readonly language: string;
  readonly notifyWithinMs: number;
}

/** A digest never reaches further back. */
const longestMs = 31 * 86_400_000;

/** Has the digest of what happened since the last one told; the first one tells of a day. */
export async function writeDigest(deps: DigestDeps, runId: string, now: Date): Promise<void> {
  const { catalog, language, notifyWithinMs } = deps;
  const last = (await lastDigestTo(catalog)) ?? new Date(now.getTime() - 86_400_000);
  const from = new Date(Math.max(last.getTime(), now.getTime() - longestMs));
  const lasting = (await lastingConditions(catalog)).map(({ kind, facts }) => {
    const { sinceMs, ...others } = facts as Record<string, string | number>;
    const span = typeof sinceMs === 'number' ? { span: spanIn(language, sinceMs) } : {};
    return { kind, facts: { ...others, ...span } };
  });
  const digest: Digest = {
    ...(await digestFacts(catalog, from, now, notifyWithinMs)),
    ...{ from: from.toISOString(), to: now.toISOString(), lasting },
  };
  await tell(deps, { topic: 'digest', subject: runId, facts: { ...digest } });
}
