import type { Client } from '@temporalio/client';
import type pg from 'pg';
import type { Catalog } from '../catalog/catalog.ts';
import { expelHost, type HostRow, hostRows } from '../catalog/host-query.ts';
import type { Installation } from '../installation.ts';
import type { Endpoints } from '../stack/endpoints.ts';
import { closeGateTo, untilCutOff } from '../stack/services/gate.ts';
import { writeS3Accounts } from '../stack/services/s3.ts';
import { removeHostCredentials, s3CredentialFiles } from '../stack/services/s3-roles.ts';
import { filesQueue, hostQueue, sweepScheduleId } from '../temporal/names.ts';
import { removeSchedule } from '../temporal/schedules.ts';
import { allowS3Roles } from './add-host.ts';

interface Revoking {
  readonly installation: Installation;
  readonly where: Endpoints;
  readonly catalog: Catalog;
  /** As the tables' owner. */
  readonly owner: pg.Pool;
  readonly client: Client;
  readonly uid: number;
}

/** What a revoked host leaves behind. */
export interface LeftBehind {
  /** Sources that no other host serves: nobody protects them any more. */
  readonly orphaned: readonly { readonly id: string; readonly name: string }[];
  /** Sources that other hosts of their group go on with. */
  readonly shared: readonly { readonly name: string }[];
  /** Queues that nobody polls any more. */
  readonly deadQueues: readonly string[];
}

/** What a host alone does, and what others do too. Changes nothing. */
export async function leftBehind(catalog: Catalog, host: HostRow): Promise<LeftBehind> {
  const others = (await hostRows(catalog)).filter(
    ({ id, revokedAt }) => id !== host.id && revokedAt === null,
  );
  const elsewhere = new Set(others.flatMap(({ sources }) => sources.map(({ id }) => id)));
  const groups = new Set(
    others.flatMap(({ group, sources }) => [group, ...sources.map((source) => source.group)]),
  );
  const own = new Set([host.group, ...host.sources.map(({ group }) => group)]);
  return {
    orphaned: host.sources.filter(({ id }) => !elsewhere.has(id)),
    shared: host.sources.filter(({ id }) => elsewhere.has(id)),
    deadQueues: [hostQueue(host.id), ...[...own].filter((group) => !groups.has(group)).map(filesQueue)],
  };
}

/**
 * Takes everything away from a host that lets it write: first its database role, then the gate, then the bucket. May run
 * again. Gives the number of workflows that were ended, because nobody would ever go on with them; by then the host's last connection
 * is cut. Failure `host_not_cut_off`.
 */
export async function revokeHost(
  { installation, where, owner, client, uid }: Revoking,
  host: HostRow,
  { orphaned, deadQueues }: LeftBehind,
  actor: string,
): Promise<number> {
  const { config, paths } = installation;
  await expelHost(owner, host, actor);
  await closeGateTo(paths, uid, host.id);
  if (config.services.s3.mode === 'embedded') {
    removeHostCredentials(s3CredentialFiles(paths.home), host.id);
    // The policy first: the server refuses one that names accounts it does not know.
    await allowS3Roles(config, where, installation);
    await writeS3Accounts(paths, uid);
  }
  for (const { id } of orphaned) await removeSchedule(client, sweepScheduleId(id));
  let ended = 0;
  for (const queue of deadQueues) ended += await endWorkflows(client, queue);
  await untilCutOff(paths, uid, host.id);
  return ended;
}

async function endWorkflows(client: Client, queue: string): Promise<number> {
  let ended = 0;
  const query = `ExecutionStatus = 'Running' AND TaskQueue = '${queue}'`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    await client.workflow
      .getHandle(workflowId, runId)
      .terminate('host revoked')
      .catch(() => {});
    ended += 1;
  }
  return ended;
}
