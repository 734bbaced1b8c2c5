import { type HostRow, hostRows } from '../../catalog/host-query.ts';
import { Failure } from '../../domain/failures.ts';
import { type LeftBehind, leftBehind, revokeHost } from '../../hosts/revoke-host.ts';
import { say } from '../../text/voice.ts';
import { withHostDesk } from '../host-desk.ts';
import { printable } from '../output.ts';
import { type Session, withTemporal } from '../session.ts';

/** Takes a host's rights away. Without `--yes` it only says what that means. */
export async function runHostRevoke(
  session: Session,
  name: string,
  { yes = false }: { readonly yes?: boolean },
): Promise<void> {
  const { output, actor, uid } = session;
  await withHostDesk(session, async ({ installation, catalog, where, owner, record }) => {
    const host = (await hostRows(catalog)).find(
      (row) => row.revokedAt === null && (row.name === name || row.id === name),
    );
    if (host === undefined) throw new Failure('host_unknown', { host: name });
    const { config } = installation;
    if (host.id === config.host.id) throw new Failure('usage', { detail: say('hosts', 'runs_cluster') });
    const left = await leftBehind(catalog, host);
    const { id } = host;
    const orphaned = left.orphaned.map((source) => source.name);
    const shared = left.shared.map((source) => source.name);
    if (!yes) {
      output.value({ dryRun: true, id, name: host.name, orphaned, shared });
      output.line(
        say('hosts', 'would_revoke', { name: printable(host.name), consequences: consequences(left) }),
      );
      output.line(say('hosts', 'nothing_changed'));
      return;
    }
    const ended = await withTemporal(installation, where, (client) =>
      revokeHost({ installation, where, catalog, owner, client, uid }, host, left, actor),
    );
    await record('revoke', { host: id, workflowsEnded: ended, orphanedSources: orphaned.length });
    output.value({ id, name: host.name, orphaned, shared, workflowsEnded: ended });
    output.line(say('hosts', 'revoked', { name: printable(host.name), consequences: consequences(left) }));
    for (const line of remains(host, config.services.s3.mode === 'external')) output.line(line);
  });
}

function consequences({ orphaned, shared }: LeftBehind): string {
  const names = (sources: readonly { readonly name: string }[]) =>
    sources.map(({ name }) => printable(name)).join(', ');
  return [
    orphaned.length === 0 ? '' : say('hosts', 'orphaned', { names: names(orphaned) }),
    shared.length === 0 ? '' : say('hosts', 'others_go_on', { names: names(shared) }),
  ]
    .filter(Boolean)
    .join(' ');
}

/** What a command here cannot take away. */
function remains({ name }: HostRow, isS3External: boolean): string[] {
  return [
    ...(isS3External ? [say('hosts', 'delete_s3_user', { name: printable(name) })] : []),
    say('hosts', 'wrong_hands'),
    say('hosts', 'then_change'),
    say('hosts', 'held_back'),
    say('hosts', 'on_host_with_files'),
  ];
}
