import { recordBeginning } from '../../audit/beginning.ts';
import { auditEvent } from '../../audit/event.ts';
import { auditSigners } from '../../audit/keys.ts';
import type { Catalog, RunResult } from '../../catalog/catalog.ts';
import { openPool } from '../../catalog/database.ts';
import { migrate } from '../../catalog/migrate.ts';
import type { Config, DestinationConfig } from '../../config.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import type { Id } from '../../domain/records.ts';
import { type KeyringDocument, keyFacts, keyringDocuments, writeDocument } from '../../keys/keyring-files.ts';
import type { Bucket } from '../../recovery/bucket.ts';
import { notedHeads } from '../../recovery/heads.ts';
import { isIncomplete } from '../../recovery/judge.ts';
import { missingDocuments } from '../../recovery/missing-documents.ts';
import { abandonWorkflows, openWorkflows } from '../../recovery/open-workflows.ts';
import { type RepositoryRead, readRepository } from '../../recovery/read-repository.ts';
import { type Rebuilt, rebuildCatalog } from '../../recovery/rebuild-catalog.ts';
import { recordFoundSources } from '../../recovery/rebuild-sources.ts';
import { beginRebuild, endRebuild, requireRebuildable } from '../../recovery/rebuild-state.ts';
import { withScratch } from '../../recovery/scratch.ts';
import { defaultRetryPausesMs } from '../../restore/retry.ts';
import { supervisorStatus } from '../../stack/control.ts';
import { type Endpoints, writerPasswordFile } from '../../stack/endpoints.ts';
import { ensureSecret } from '../../stack/secrets.ts';
import { openS3Store } from '../../storage/s3-store.ts';
import { connectClient } from '../../temporal/connect.ts';
import { say } from '../../text/voice.ts';
import { confirm } from '../confirm.ts';
import { type MessageKeyOptions, messageKeys } from '../message-keys.ts';
import { readPassword } from '../password.ts';
import { progressText, readingJson, readingLines, rollbackWarnings } from '../recovery-text.ts';
import { locate, type Session, sessionConfig, withCatalog } from '../session.ts';
import { openPlaces } from '../stores.ts';

export interface RebuildOptions extends MessageKeyOptions {
  /** The destination to read; the first one when missing. */
  readonly destination?: string;
  readonly dryRun?: boolean;
  readonly abandon?: boolean;
  readonly yes?: boolean;
}

/**
 * Fills an empty catalog from the bucket, so that what lies there is known and nothing is uploaded again. A rebuild that was
 * stopped goes on. Exit code 0; 4 when the bucket lacks something that was there once.
 */
export async function runCatalogRebuild(session: Session, options: RebuildOptions): Promise<number> {
  const config = sessionConfig(session);
  await requireRest(session);
  const where = await locate(session);
  await prepareSchema(session, config, where);
  const destination = chosenDestination(config, options.destination);
  const store = await openS3Store(where.s3(destination, 'agent'));
  const { prefix } = destination;
  const bucket: Bucket = { store, prefix, signal: session.signal, retryPausesMs: defaultRetryPausesMs };
  try {
    return await withCatalog(session, (catalog) =>
      rebuildFrom(bucket, { session, options, config, destination, where, catalog }),
    );
  } finally {
    store.close();
  }
}

/** Failure `destination_unknown`. */
function chosenDestination({ destinations }: Config, wanted: string | undefined): DestinationConfig {
  const found = destinations.find(({ name }) => wanted === undefined || name === wanted);
  if (found === undefined) throw new Failure('destination_unknown', { destination: wanted ?? '' });
  return found;
}

interface Rebuilding {
  readonly session: Session;
  readonly options: RebuildOptions;
  readonly config: Config;
  readonly destination: DestinationConfig;
  readonly where: Endpoints;
  readonly catalog: Catalog;
}

async function rebuildFrom(bucket: Bucket, rebuilding: Rebuilding): Promise<number> {
  const { session, options, config, destination, where, catalog } = rebuilding;
  const { output, paths } = session;
  await requireRebuildable(catalog);
  return withScratch(undefined, async (db) => {
    const localDocuments = await documentsIfAny(paths.home);
    const read = await readRepository(db, {
      bucket,
      bucketName: destination.bucket,
      repositoryId: config.repository,
      password: await readPassword(session, config.passwordFile),
      messageKeys: await messageKeys(session, options, config.openpgp?.passphraseFile),
      localDocuments,
      expectedHeads: new Map(),
      notedHeads: await notedHeads(paths.home),
      onProgress: (progress) => output.progress(progressText(progress)),
    });
    output.value({ reading: readingJson(read, read.sources) });
    for (const line of readingLines(read, read.sources)) output.line(line);
    for (const warning of rollbackWarnings(read.sources)) output.note(warning);
    await settleWorkflows(read, where, options);
    if (!options.dryRun) {
      await requireConfirmation(options);
      const rebuilt = await recorded(rebuilding, read, async (run) => {
        const missing = missingDocuments(read.documents, localDocuments, read.keyring);
        // A write-only host keeps no keyring, however it was helped out of this.
        if (!config.writeOnly) for (const document of missing) await writeDocument(paths.home, document);
        await catalog.recordKeys(keyFacts(await keyringDocuments(paths.home)));
        await recordFoundSources(catalog, read.sources, { config, ids: read.ids });
        return rebuildCatalog({
          db,
          bucket,
          catalog,
          ids: read.ids,
          run,
          destination: destination.name,
          onProgress: ({ what, done, total }) =>
            output.progress(say('restore', 'recording', { what, done, of: total })),
        });
      });
      output.value({ rebuilt });
      output.line(
        say('restore', 'knows_again', {
          entries: rebuilt.entries,
          versions: rebuilt.versions,
          objects: rebuilt.objects,
        }),
      );
      output.line(say('restore', 'next_down_up'));
    }
    return read.sources.some(isIncomplete) ? 4 : 0;
  });
}

/** Nothing may write into the catalog meanwhile. Failure `rebuild_needs_rest`. */
async function requireRest({ paths }: Session): Promise<void> {
  const services = (await supervisorStatus(paths))?.services ?? {};
  const service = ['worker', 'watcher'].find((name) => (services[name]?.pid ?? 0) > 0);
  if (service !== undefined) throw new Failure('rebuild_needs_rest', { service });
}

/** The database may be as new as its server. */
async function prepareSchema({ paths }: Session, config: Config, where: Endpoints): Promise<void> {
  if (config.services.postgres.mode === 'embedded') ensureSecret(writerPasswordFile(paths));
  const owner = await openPool({ ...where.catalogOwner, maxConnections: 1 });
  try {
    await migrate(owner, where.writerPassword);
  } finally {
    await owner.end();
  }
}

async function documentsIfAny(home: string): Promise<KeyringDocument[]> {
  try {
    return await keyringDocuments(home);
  } catch (error) {
    if (isFailure(error, 'keyring_missing')) return [];
    throw error;
  }
}

/** Workflows of the lost catalog would go on with entries as they remember them. Failure `workflows_open`. */
async function settleWorkflows(
  { keyring }: RepositoryRead,
  where: Endpoints,
  { abandon, dryRun }: RebuildOptions,
): Promise<void> {
  const client = await connectClient(where.temporal, keyring.root.payload);
  try {
    const open = await openWorkflows(client);
    if (open.length === 0 || dryRun) return;
    if (!abandon) throw new Failure('workflows_open', { count: open.length });
    await abandonWorkflows(client, open);
  } finally {
    await client.connection.close();
  }
}

async function requireConfirmation({ yes }: RebuildOptions): Promise<void> {
  const isAgreed = yes || (await confirm(say('restore', 'ask_rebuild'), 'rebuild'));
  if (!isAgreed) throw new Failure('not_confirmed', { flag: '--yes' });
}

/** The rebuild with its row in the run log and its audit event; a run that was stopped is gone on with. */
async function recorded(
  { session: { actor }, config, catalog, where }: Rebuilding,
  { ids, sources, adoption, keyring }: RepositoryRead,
  rebuild: (run: Id) => Promise<Rebuilt>,
): Promise<Rebuilt> {
  const { run } = await beginRebuild(catalog);
  const hostId = config.host.id;
  await catalog.startRun({ id: run, kind: 'catalog rebuild', hostId, actor });
  try {
    const rebuilt = await rebuild(run);
    const result: RunResult = sources.some(isIncomplete) ? 'complete with warnings' : 'complete';
    const auditBegins = await beginTrail(run);
    const facts = { what: 'catalog rebuild', ...rebuilt, adopted: adoption.adopted, result, ...auditBegins };
    const event = auditEvent(ids, { subject: run, step: 'run', run, host: hostId, actor, facts });
    await catalog.write({ events: [event] });
    await catalog.endRun(run, result, { ...rebuilt });
    await endRebuild(catalog, run);
    return rebuilt;
  } catch (error) {
    const result = isFailure(error, 'interrupted') ? 'interrupted' : 'failed';
    // What stopped it says more than that it could not be noted down.
    await catalog.endRun(run, result, {}).catch(() => {});
    throw error;
  }

  /** The trail went with the catalog: it goes on behind its anchors. A write-only host has no key to sign that with. */
  async function beginTrail(run: Id): Promise<{ auditBegins?: number }> {
    const keys = auditSigners(keyring.root);
    const signer = keys.at(-1);
    if (signer === undefined) return {};
    const { repository } = config;
    const places = [...(await openPlaces(config, where)).values()];
    try {
      const anchors = places.map((place) => ({ ...place, repository, keys }));
      return { auditBegins: (await recordBeginning(catalog, signer, anchors, { repository, run })).begin };
    } finally {
      for (const { store } of places) store.close();
    }
  }
}
