import type pg from 'pg';
import { auditEvent } from '../audit/event.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openPool } from '../catalog/database.ts';
import { newRunId } from '../domain/ids.ts';
import type { Installation } from '../installation.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import { requireReader, type Session, sessionConfig, unlock, withCatalog } from './session.ts';

/** What commands that let hosts in and out work with. */
export interface HostDesk {
  readonly session: Session;
  readonly installation: Installation;
  readonly catalog: Catalog;
  readonly where: Endpoints;
  /** As the tables' owner. */
  readonly owner: pg.Pool;
  /** Puts what was done on the audit trail. */
  record(action: string, facts: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Failures `joined_host` on a host that was added itself, `write_only_host`, and those of the catalog. */
export async function withHostDesk<T>(session: Session, work: (desk: HostDesk) => Promise<T>): Promise<T> {
  requireReader(sessionConfig(session));
  const installation = await unlock(session);
  return withCatalog(session, async (catalog, where) => {
    const owner = await openPool({ ...where.catalogOwner, maxConnections: 1 });
    const record: HostDesk['record'] = (action, facts) =>
      recordChange({ session, installation, catalog }, action, facts);
    try {
      return await work({ session, installation, catalog, where, owner, record });
    } finally {
      await owner.end();
    }
  });
}

async function recordChange(
  {
    session: { actor },
    installation: { ids, config },
    catalog,
  }: Pick<HostDesk, 'session' | 'installation' | 'catalog'>,
  action: string,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  const run = newRunId();
  const host = config.host.id;
  await catalog.startRun({ id: run, kind: `host ${action}`, hostId: host, actor });
  const event = auditEvent(ids, {
    ...{ subject: run, step: 'configuration', run, host, actor },
    facts: { action: `host-${action}`, ...facts },
  });
  await catalog.write({ events: [event] });
  await catalog.endRun(run, 'complete', {});
}
