import { type HostRow, hostRows } from '../../catalog/host-query.ts';
import { hostWarnings } from '../../hosts/standing.ts';
import { localTime, printable, table } from '../output.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';

/** Who is in the cluster, and how each is. */
export async function runHostList(session: Session): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog) => {
    const hosts = await hostRows(catalog);
    for (const host of hosts) output.value(hostJson(host));
    if (hosts.length === 0) output.line('No host has told of itself yet: the first `holdfast up` does.');
    const here = sessionConfig(session).host.id;
    output.line(
      table(
        hosts.map((host) => [
          printable(host.name) + (host.id === here ? ' (this one)' : ''),
          host.id,
          standing(host),
          `group ${printable(host.group)}`,
          host.sources.map(({ name }) => printable(name)).join(', '),
        ]),
      ),
    );
    for (const warning of hostWarnings(hosts, new Date())) output.line(`WARNING: ${warning}`);
  });
}

function standing({ revokedAt, lastSeenAt, addedAt }: HostRow): string {
  if (revokedAt !== null) return `revoked ${localTime(revokedAt)}`;
  return lastSeenAt === null
    ? `added ${localTime(addedAt)}, never seen`
    : `last seen ${localTime(lastSeenAt)}`;
}

function hostJson({ databaseRole, ...host }: HostRow): object {
  return { ...host, added: databaseRole !== null, revoked: host.revokedAt !== null };
}
