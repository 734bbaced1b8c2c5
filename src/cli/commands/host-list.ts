import { type HostRow, hostRows } from '../../catalog/host-query.ts';
import { hostWarnings } from '../../hosts/standing.ts';
import { say } from '../../text/voice.ts';
import { localTime, printable, table } from '../output.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';

/** Who is in the cluster, and how each is. */
export async function runHostList(session: Session): Promise<void> {
  const { output } = session;
  await withCatalog(session, async (catalog) => {
    const hosts = await hostRows(catalog);
    for (const host of hosts) output.value(hostJson(host));
    if (hosts.length === 0) output.line(say('hosts', 'none_yet'));
    const here = sessionConfig(session).host.id;
    output.line(
      table(
        hosts.map((host) => [
          printable(host.name) + (host.id === here ? ` ${say('hosts', 'this_one')}` : ''),
          host.id,
          standing(host),
          say('hosts', 'group', { name: printable(host.group) }),
          host.sources.map(({ name }) => printable(name)).join(', '),
        ]),
      ),
    );
    for (const warning of hostWarnings(hosts, new Date()))
      output.line(say('hosts', 'warning', { text: warning }));
  });
}

function standing({ revokedAt, lastSeenAt, addedAt }: HostRow): string {
  if (revokedAt !== null) return say('hosts', 'revoked_at', { at: localTime(revokedAt) });
  return lastSeenAt === null
    ? say('hosts', 'never_seen', { at: localTime(addedAt) })
    : say('hosts', 'last_seen', { at: localTime(lastSeenAt) });
}

function hostJson({ databaseRole, ...host }: HostRow): object {
  return { ...host, added: databaseRole !== null, revoked: host.revokedAt !== null };
}
