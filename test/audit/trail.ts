import { randomBytes } from 'node:crypto';
import pg from 'pg';
import pino from 'pino';
import { onTestFinished } from 'vitest';
import { AnchorWriter } from '../../src/audit/anchors.ts';
import { auditEvent } from '../../src/audit/event.ts';
import { numberAfterAnchors } from '../../src/audit/found-anchors.ts';
import { auditSigners } from '../../src/audit/keys.ts';
import { type SequencerDeps, sequenceAudit } from '../../src/audit/sequencer.ts';
import {
  type AuditFinding,
  type AuditSummary,
  type AuditVerifyRequest,
  verifyAudit,
} from '../../src/audit/verify.ts';
import { Catalog } from '../../src/catalog/catalog.ts';
import { openPool } from '../../src/catalog/database.ts';
import type { AuditRow } from '../../src/catalog/rows.ts';
import { Ids, newRunId } from '../../src/domain/ids.ts';

import { drawSecrets } from '../../src/sealed/keyring.ts';
import { MemoryStore } from '../../src/storage/memory-store.ts';
import type { TestPostgres } from '../support/postgres.ts';

export const repository = 'ab'.repeat(16);
const ids = new Ids(randomBytes(64));

/** Events of one new run. */
export function newEvents(count: number): AuditRow[] {
  const run = newRunId();
  return Array.from({ length: count }, (_, ordinal) =>
    auditEvent(ids, { subject: run, step: 'run', run, host: 'h', ordinal, facts: { ordinal } }),
  );
}

/** Events about versions of one workflow, which share a row if they are many enough and are written together. */
export function newSteps(count: number, facts: Readonly<Record<string, unknown>> = {}): AuditRow[] {
  const run = newRunId();
  return Array.from({ length: count }, () => {
    const subject = newRunId();
    const about = { subject, version: subject, run, host: 'h', workflow: `batch:${run}` };
    return auditEvent(ids, { ...about, step: 'admission', facts: { allow: true, ...facts } });
  });
}

/** An audit trail in a real database, with one destination in memory. */
export interface Trail extends SequencerDeps {
  readonly store: MemoryStore;
  readonly anchors: AnchorWriter;
  /** As the tables' owner. */
  readonly owner: pg.Pool;
  /** Writes events and puts them under a head. */
  add(count: number): Promise<void>;
  verify(request?: Partial<AuditVerifyRequest>): Promise<{ findings: AuditFinding[]; summary: AuditSummary }>;
}

export async function openTrail(postgres: TestPostgres): Promise<Trail> {
  const { ownerUri, writerUri } = await postgres.database();
  const catalog = new Catalog(await openPool({ uri: writerUri }));
  const owner = new pg.Pool({ connectionString: ownerUri, max: 2 });
  onTestFinished(async () => {
    await catalog.close();
    await owner.end();
  });
  const [signer] = auditSigners(drawSecrets());
  if (signer === undefined) throw new Error('unreachable');
  const store = new MemoryStore({ name: 'here', now: () => new Date() });
  const place = { store, prefix: 'p' };
  const keys = [signer];
  const deps: SequencerDeps = {
    ...{ catalog, repository, signer, keys },
    firstNumber: () => numberAfterAnchors([{ ...place, repository, keys }]),
  };
  const config = { prefix: 'p', lock: { mode: 'GOVERNANCE' as const, days: 30 } };
  const anchors = new AnchorWriter({
    ...{ catalog, repository, keys },
    destinations: new Map([['here', { store, config: config as never }]]),
    everyMs: 300_000,
    failPoints: { reach: () => {} },
    log: pino({ level: 'silent' }),
  });
  return {
    ...{ ...deps, store, anchors, owner },
    async add(count) {
      await catalog.write({ events: newEvents(count) });
      await sequenceAudit(deps);
    },
    async verify(request) {
      const findings: AuditFinding[] = [];
      const verifying = verifyAudit(
        { catalog, repository, keys, destinations: new Map([['here', place]]) },
        { begin: 1, signal: new AbortController().signal, ...request },
      );
      for (;;) {
        const { value, done } = await verifying.next();
        if (done) return { findings, summary: value };
        findings.push(value);
      }
    },
  };
}
