import { type HostRow, hostRows } from '../../catalog/host-query.ts';
import { Failure } from '../../domain/failures.ts';
import { type LeftBehind, leftBehind, revokeHost } from '../../hosts/revoke-host.ts';
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
    if (host.id === config.host.id)
      throw new Failure('usage', { detail: 'This is the host that runs the cluster: it cannot be revoked.' });
    const left = await leftBehind(catalog, host);
    const { id } = host;
    const orphaned = left.orphaned.map((source) => source.name);
    const shared = left.shared.map((source) => source.name);
    if (!yes) {
      output.value({ dryRun: true, id, name: host.name, orphaned, shared });
      output.line(`Would take from ${printable(host.name)} all that lets it write. ${consequences(left)}`);
      output.line('Nothing was changed. To do it: the same with --yes');
      return;
    }
    const ended = await withTemporal(installation, where, (client) =>
      revokeHost({ installation, where, catalog, owner, client, uid }, host, left, actor),
    );
    await record('revoke', { host: id, workflowsEnded: ended, orphanedSources: orphaned.length });
    output.value({ id, name: host.name, orphaned, shared, workflowsEnded: ended });
    output.line(`The host ${printable(host.name)} can write nothing any more. ${consequences(left)}`);
    for (const line of remains(host, config.services.s3.mode === 'external')) output.line(line);
  });
}

function consequences({ orphaned, shared }: LeftBehind): string {
  const names = (sources: readonly { readonly name: string }[]) =>
    sources.map(({ name }) => printable(name)).join(', ');
  return [
    orphaned.length === 0
      ? ''
      : `Nobody protects these sources then; what is stored of them stays: ${names(orphaned)}.`,
    shared.length === 0 ? '' : `Other hosts go on with: ${names(shared)}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** What a command here cannot take away. */
function remains({ name }: HostRow, isS3External: boolean): string[] {
  return [
    ...(isS3External
      ? [`Delete the S3 user of ${printable(name)} at its provider too: that cannot be done from here.`]
      : []),
    'If it fell into wrong hands: it had the keyring, and whoever knows the password reads what was stored until now.',
    'Then change the password (holdfast key change-password) and draw new keys (holdfast key rotate --master --payload).',
    'What it held back for approval lies in its own staging folder: `holdfast hold list`, then `holdfast hold reseal`',
    'on a host that has the files.',
  ];
}
