import { createHash } from 'node:crypto';
import { eventsBetween } from '../catalog/audit-query.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { canonical, canonicalText } from '../domain/canonical.ts';
import type { Id } from '../domain/records.ts';
import type { AuditSigner } from './keys.ts';

export interface ExportRequest {
  readonly repository: Id;
  readonly from: Date;
  readonly to: Date;
  readonly signal: AbortSignal;
}

/**
 * The events told between two moments, both included, as signed JSON lines (docs/audit.md section 6), in the order of
 * their numbers. Each piece is one line with its end.
 */
export async function* exportAudit(
  catalog: Catalog,
  signer: AuditSigner,
  { repository, from, to, signal }: ExportRequest,
): AsyncGenerator<string> {
  const digest = createHash('sha256');
  const line = (value: unknown): string => {
    const text = `${canonicalText(value)}\n`;
    digest.update(text);
    return text;
  };
  yield line({ v: 1, export: 'audit', repository, from: from.toISOString(), to: to.toISOString() });
  let events = 0;
  for await (const { number, event } of eventsBetween(catalog, from, to)) {
    signal.throwIfAborted();
    events += 1;
    yield line({ number, event });
  }
  const end = { events, sha256: digest.digest('hex'), key: signer.id };
  const signature = signer.sign('holdfast/1/audit export', canonical(end)).toString('base64url');
  yield `${canonicalText({ ...end, signature })}\n`;
}
