import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { hostRows } from '../../catalog/host-query.ts';
import { Failure } from '../../domain/failures.ts';
import { addHost } from '../../hosts/add-host.ts';
import { writeJoinFile } from '../../hosts/join-file.ts';
import { say } from '../../text/voice.ts';
import { readHostKeys } from '../../write-only/host-keys.ts';
import { withHostDesk } from '../host-desk.ts';
import { printable } from '../output.ts';
import type { Session } from '../session.ts';

export interface HostAddOptions {
  readonly output: string;
  readonly group?: string;
  /** Key file of a write-only host. */
  readonly writeOnly?: string;
  /** `destination=file`. */
  readonly credentials?: readonly string[];
  readonly dryRun?: boolean;
}

const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Makes a further machine's credentials, and the file that it joins with. */
export async function runHostAdd(session: Session, name: string, options: HostAddOptions): Promise<void> {
  const { output, actor, configPath, uid } = session;
  const { group, dryRun = false } = options;
  for (const given of [name, group ?? name])
    if (!nameForm.test(given))
      throw new Failure('usage', {
        detail: say('hosts', 'no_name', { given }),
      });
  if (existsSync(options.output))
    throw new Failure('usage', { detail: say('hosts', 'file_exists', { file: options.output }) });
  const keys = options.writeOnly === undefined ? undefined : readHostKeys(options.writeOnly);
  const credentials = new Map((options.credentials ?? []).map(destinationFile));
  await withHostDesk(session, async ({ installation, catalog, where, owner, record }) => {
    const taken = (await hostRows(catalog)).find(
      (host) => host.id === keys?.host.id || (host.name === name && host.revokedAt === null),
    );
    if (taken !== undefined)
      throw new Failure('usage', { detail: say('hosts', 'host_taken', { name: taken.name }) });
    const id = keys?.host.id ?? randomBytes(16).toString('hex');
    if (dryRun) {
      output.result({ dryRun: true, name, group: group ?? null, writeOnly: keys !== undefined }, () =>
        say('hosts', 'would_add', { name: printable(name), file: options.output }),
      );
      return;
    }
    const host = { id, name, group, writeOnly: keys !== undefined, credentials, actor };
    const join = await addHost({ installation, configPath, where, owner, uid }, host);
    await record('add', { host: id, writeOnly: host.writeOnly, group: group ?? id });
    writeJoinFile(options.output, join);
    const file = resolve(options.output);
    output.result({ id, name, group: group ?? null, writeOnly: host.writeOnly, file }, () =>
      [
        say('hosts', 'may_join', { name: printable(name), file }),
        say('hosts', 'carry_file'),
        keys === undefined
          ? '  holdfast init --join FILE --source name=/path'
          : '  holdfast init --join FILE --write-only --keys KEYS --recipient PUBLIC.asc --source name=/path',
        '  holdfast up -d',
        say('hosts', 'delete_file'),
      ].join('\n'),
    );
  });
}

function destinationFile(text: string): [string, string] {
  const [, destination, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (destination === undefined || file === undefined)
    throw new Failure('usage', { detail: say('hosts', 'credentials_takes', { given: text }) });
  return [destination, file];
}
