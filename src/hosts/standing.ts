import type { HostRow } from '../catalog/host-query.ts';
import { say } from '../text/voice.ts';

/** A worker tells of itself every minute; after so long without a word something is wrong, or the machine is off. */
const silentAfterMs = 15 * 60_000;

/** Hosts that are in the cluster and told nothing for a while. */
function silentHosts(hosts: readonly HostRow[], now: Date): HostRow[] {
  return hosts.filter(
    ({ revokedAt, lastSeenAt }) =>
      revokedAt === null && lastSeenAt !== null && now.getTime() - lastSeenAt.getTime() > silentAfterMs,
  );
}

/** What somebody has to know about the hosts of the cluster; nothing where all is well. */
export function hostWarnings(hosts: readonly HostRow[], now: Date): string[] {
  const silent = silentHosts(hosts, now);
  const living = hosts.filter(
    (host) => host.revokedAt === null && host.lastSeenAt !== null && !silent.includes(host),
  );
  const rules = new Set(living.flatMap(({ rulesRevision }) => rulesRevision ?? []));
  return [
    ...silent.map(({ name }) => say('warnings', 'host_silent', { name })),
    ...(rules.size > 1 ? [say('warnings', 'hosts_differ')] : []),
  ];
}
