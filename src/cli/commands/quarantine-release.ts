import { closeSync, constants, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import type { Id, Verdict } from '../../domain/records.ts';
import { errorCode } from '../../files/error-code.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { openSourceFolder } from '../../files/open.ts';
import { parentOf } from '../../files/paths.ts';
import { groupOf, type Installation } from '../../installation.ts';
import { type KeptItem, type QuarantineItem, requireKept } from '../../quarantine/items.ts';
import {
  type ReleaseDeps,
  type Released,
  release,
  requireClean,
  rescan,
  revokeException,
} from '../../quarantine/release.ts';
import { descriptorPath } from '../../restore/descriptor.ts';
import { openScanner } from '../../scanner/open-scanner.ts';
import { servedSources } from '../../sources.ts';
import type { Endpoints } from '../../stack/endpoints.ts';
import { filesQueue } from '../../temporal/names.ts';
import { say } from '../../text/voice.ts';
import { Dispatcher } from '../../watcher/dispatcher.ts';
import { confirm } from '../confirm.ts';
import { type MessageKeyOptions, messageKeys } from '../message-keys.ts';
import { printable } from '../output.ts';
import { findItem, withDesk } from '../quarantine-desk.ts';
import { type Session, unlock, withCatalog, withTemporal } from '../session.ts';
import { itemJson } from './quarantine.ts';

export interface ReleaseOptions extends MessageKeyOptions {
  readonly reason: string;
  readonly to?: string;
  readonly evenIfInfected?: boolean;
  readonly yes?: boolean;
}

/** Scans a quarantined file again and gives it back. */
export async function runQuarantineRelease(
  session: Session,
  text: string,
  options: ReleaseOptions,
): Promise<void> {
  const { output, signal } = session;
  if (options.reason.trim() === '')
    throw new Failure('usage', { detail: say('quarantine', 'reason_needed') });
  const installation = await unlock(session);
  const { config, keys } = installation;
  const found = await messageKeys(session, options, config.openpgp?.passphraseFile);
  await withCatalog(session, async (catalog, where) => {
    const item = requireKept(await findItem(catalog, text), config.host.id);
    const scanner = openScanner(where, config);
    try {
      await withDesk(session, installation, catalog, 'release', async (desk) => {
        const deps: ReleaseDeps = {
          ...desk,
          ...{ scanner, allowTestSignatures: config.policy.allowTestSignatures, signal },
          keys: { byId: (id) => keys.byId(id), messageKeys: found },
        };
        output.progress(say('quarantine', 'scanning'));
        const verdict = await rescan(deps, item);
        if (!options.evenIfInfected) requireClean(verdict);
        if (verdict.state !== 'clean') await agree(session, item, verdict, options);
        const folder = await openFolder(installation, catalog, item, options.to);
        try {
          const wish = {
            ...{ reason: options.reason, evenIfInfected: options.evenIfInfected ?? false },
            toOriginal: options.to === undefined,
          };
          const released = await release(deps, item, verdict, wish, folder);
          if (wish.toOriginal) await lookAtIt(session, installation, catalog, where, item, desk.runId);
          tell(session, item, released, options);
        } finally {
          folder.close();
        }
      });
    } finally {
      scanner.close();
    }
  });
}

async function agree(
  { output }: Session,
  item: KeptItem,
  verdict: Verdict,
  options: ReleaseOptions,
): Promise<void> {
  const what =
    verdict.state === 'infected'
      ? say('quarantine', 'still_finds', { signature: printable(verdict.signature ?? '') })
      : say('quarantine', 'cannot_say');
  output.line(
    say('quarantine', 'scanner_says', {
      what,
      path: printable(`${item.source}:${item.path.toString('utf8')}`),
    }),
  );
  if (options.to === undefined) output.line(say('quarantine', 'left_alone_now'));
  if (options.yes || (await confirm(say('quarantine', 'type_release'), 'release'))) return;
  throw new Failure('not_confirmed', { flag: '--yes' });
}

interface OpenTarget {
  readonly path: Buffer;
  close(): void;
}

/** The folder it goes to, opened. Failure `release_folder_gone`. */
async function openFolder(
  { config, ids }: Installation,
  catalog: Catalog,
  item: KeptItem,
  to: string | undefined,
): Promise<OpenTarget> {
  const gone = (detail: string, cause?: unknown): Failure =>
    new Failure('release_folder_gone', { detail }, { cause });
  if (to !== undefined) {
    try {
      const folder = resolve(to);
      makeFolder(folder);
      const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
      return { path: descriptorPath(descriptor), close: () => closeSync(descriptor) };
    } catch (error) {
      throw gone(errorCode(error) ?? 'unusable', error);
    }
  }
  const source = servedSources(config, ids, catalog).get(item.sourceId);
  if (source === undefined) throw gone(say('quarantine', 'source_unconfigured'));
  const root = await source.root().catch((error: unknown) => {
    throw isFailure(error, 'source_unavailable') ? gone(say('quarantine', 'source_gone'), error) : error;
  });
  const folder = openSourceFolder(root, parentOf(item.path));
  if (folder.kind === 'folder') return folder;
  throw gone(folder.kind === 'unreadable' ? folder.code : say('quarantine', 'not_there'));
}

function tell(session: Session, item: KeptItem, released: Released, { to }: ReleaseOptions): void {
  const { output } = session;
  const { verdict, excepted, problems } = released;
  output.value({
    ...itemJson({ ...item, state: 'released' }),
    to: to === undefined ? null : resolve(to),
    verdict: verdict.state,
    excepted: excepted ?? null,
    problems,
  });
  const name = printable(`${item.source}:${item.path.toString('utf8')}`);
  output.line(
    to === undefined
      ? say('quarantine', 'is_back', { name })
      : say('quarantine', 'released_to', { name, to: printable(resolve(to)) }),
  );
  if (problems.length > 0) output.line(say('quarantine', 'not_set', { problems: problems.join(', ') }));
  if (excepted !== undefined) {
    output.line(say('quarantine', 'excepted', { signature: printable(excepted) }));
    output.line(say('quarantine', 'end_exception', { id: item.id }));
  } else if (to === undefined) {
    output.line(say('quarantine', 'being_protected'));
  }
}

/** Has the file at the original place looked at now, also where no watcher runs and nothing in its stat has changed. */
async function lookAtIt(
  session: Session,
  installation: Installation,
  catalog: Catalog,
  where: Endpoints,
  { entryId, sourceId, path }: QuarantineItem,
  runId: Id,
): Promise<void> {
  try {
    const { config, ids } = installation;
    const source = config.sources.find(({ name }) => ids.source(name) === sourceId);
    const queue = () => filesQueue(groupOf(config, source?.name));
    await withTemporal(installation, where, (client) =>
      new Dispatcher(catalog, client, config, queue).dispatch([{ id: entryId, sourceId, path }], runId),
    );
  } catch (error) {
    if (!isFailure(error)) throw error;
    session.output.note(say('quarantine', 'next_sweep', { message: error.message }));
  }
}

/** Ends an exception. */
export async function runQuarantineRevoke(session: Session, text: string): Promise<void> {
  const { output } = session;
  const installation = await unlock(session);
  await withCatalog(session, async (catalog, where) => {
    const item = await findItem(catalog, text);
    await withDesk(session, installation, catalog, 'revoke', async (desk) => {
      if (!(await revokeException(desk, item.id))) throw new Failure('exception_unknown', { item: text });
      await lookAtIt(session, installation, catalog, where, item, desk.runId);
    });
    output.result({ id: item.id, exception: 'revoked' }, () => say('quarantine', 'not_left_alone'));
  });
}
