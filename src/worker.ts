import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { activityInfo } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { createAuditActivities } from '../activities/audit.ts';
import { createBatchActivities } from '../activities/batch.ts';
import { createHoldActivities, hostHoldActivities } from '../activities/holds.ts';
import { createIncidentActivities } from '../activities/incidents.ts';
import { createActivities } from '../activities/index.ts';
import { createNotifyActivities } from '../activities/notify.ts';
import { createReplicateActivities } from '../activities/replicate.ts';
import { createRescanActivities } from '../activities/rescan.ts';
import { createRetentionActivities } from '../activities/retention.ts';
import { createVerifyActivities } from '../activities/verify.ts';
import type { VerifySampleInput } from '../workflows/verify-sample.ts';
import { AnchorWriter } from './audit/anchors.ts';
import { tellConfiguration } from './audit/configuration.ts';
import { tellDeeds } from './audit/deeds.ts';
import { auditEvent } from './audit/event.ts';
import { numberAfterAnchors } from './audit/found-anchors.ts';
import { auditSigners } from './audit/keys.ts';
import type { RecordedAuditDeps } from './audit/recorded-run.ts';
import { refusalOf } from './audit/refusals.ts';
import { RefusedAccess } from './audit/refused-access.ts';
import { sequenceAudit } from './audit/sequencer.ts';
import { Catalog } from './catalog/catalog.ts';
import { openPool } from './catalog/database.ts';
import { allSources, tellOfHost } from './catalog/host-query.ts';
import { revisionsAlike } from './catalog/policy-query.ts';
import type { DestinationConfig } from './config.ts';
import { Failure } from './domain/failures.ts';
import { newRunId } from './domain/ids.ts';
import type { Id } from './domain/records.ts';
import type { Dependency } from './domain/steps.ts';
import { systemCalls } from './files/system-calls.ts';
import type { HoldDeps } from './holds/deps.ts';
import { heldBytesOf } from './holds/held.ts';
import { keepWaiting } from './holds/keep-waiting.ts';
import { ClusterSemaphore } from './hosts/cluster-semaphore.ts';
import type { IncidentDeps } from './incidents/look-at-incident.ts';
import { groupOf, type Installation } from './installation.ts';
import { keepKeyring } from './keys/keep-keyring.ts';
import { keyFacts } from './keys/keyring-files.ts';
import { documentsToKeep } from './keys/publish.ts';
import { shreddingScopes, shreddings } from './keys/shreddings.ts';
import { keyedManifests, type ManifestFormat } from './manifest/format.ts';
import { headsFolder } from './manifest/heads.ts';
import { ManifestWriter } from './manifest/journal.ts';
import { shareChannels, sharedChannels } from './notify/channels.ts';
import { scheduleDigest } from './notify/schedule.ts';
import { roundMs, Watch, type WatchDeps } from './notify/watch.ts';
import { hostAndPort } from './observability/host-and-port.ts';
import { createLog, logWhatEndsIt } from './observability/log.ts';
import { standingLook } from './observability/metrics/look.ts';
import { observeResources } from './observability/metrics/resources.ts';
import { serveMetrics } from './observability/metrics/serve.ts';
import { StandingMetrics } from './observability/metrics/standing.ts';
import { Metrics } from './observability/metrics.ts';
import { configuredRecipients } from './openpgp/configured.ts';
import type { Destination, PipelineContext } from './pipeline/context.ts';
import { chosenFailPoints } from './pipeline/fail-points.ts';
import { Gates } from './pipeline/gates.ts';
import { liveFacts } from './pipeline/live-facts.ts';
import { PartBuffers } from './pipeline/part-buffers.ts';
import { reconcile } from './pipeline/reconcile.ts';
import { rejudgeSource } from './pipeline/rejudge.ts';
import { Semaphore } from './pipeline/semaphore.ts';
import { anyAnswers } from './pipeline/several.ts';
import { Staging } from './pipeline/staging.ts';
import { sweepStaging } from './pipeline/sweep-staging.ts';
import { PolicyEpoch } from './policy/epoch.ts';
import { installedTerms, policyStanding } from './policy/installed.ts';
import { OpaEngine } from './policy/opa-engine.ts';
import { openProcess } from './process.ts';
import { quarantineFolder, sweepCopies } from './quarantine/copies.ts';
import { copyStates } from './quarantine/query.ts';
import { repeat } from './repeat.ts';
import { startFilling } from './replicate/start.ts';
import { defaultRescanRate, type RescanDeps, slowDeadlineMs } from './rescan/rescan.ts';
import { scheduleRescans } from './rescan/schedule.ts';
import { agreeingClocks } from './retention/clocks.ts';
import type { RetentionContext } from './retention/context.ts';
import { openDeleting } from './retention/open.ts';
import { startRetention } from './retention/start.ts';
import { openScanner } from './scanner/open-scanner.ts';
import { openSource, servedSources } from './sources.ts';
import type { Endpoints } from './stack/endpoints.ts';
import { prepareDestination, preparedFirst } from './stack/prepare-destination.ts';
import { gateDeedsHome } from './stack/services/gate.ts';
import { openS3Store } from './storage/s3-store.ts';
import { announceReady, untilStopped } from './supervised.ts';
import { scheduleSweeps } from './sweep/schedule.ts';
import { serveSweepRequests } from './sweep/serve-requests.ts';
import type { SweepContext } from './sweep/sweep.ts';
import { dataConverter } from './temporal/connect.ts';
import { connectWorker } from './temporal/connect-worker.ts';
import { logSteps } from './temporal/log-steps.ts';
import { controlQueue, filesQueue, hostQueue, verifyAuditId, verifySampleId } from './temporal/names.ts';
import { registerSearchAttributes } from './temporal/register-search-attributes.ts';
import { ensureSchedule } from './temporal/schedules.ts';
import { summaryOfScheduled } from './temporal/summaries.ts';
import { readOverride } from './throttle/state.ts';
import { TokenBucket } from './throttle/token-bucket.ts';
import { UploadLimit } from './throttle/upload-limit.ts';
import type { VerifyDeps } from './verify/run.ts';
import { Dispatcher } from './watcher/dispatcher.ts';
import { signedEvidence } from './write-only/evidence.ts';
import { writeOnlyManifests } from './write-only/manifests.ts';
import { sealSigned } from './write-only/signed-message.ts';

/** How soon a changed limit counts. */
const limitPollMs = 2_000;

/** Any constant of ours: what is gone is counted and recorded by one host of the cluster at a time. */
const tombstoneLock = 7_203_117;

/** What all large uploads of this process fill and send at once. Bytes. */
const partMemoryBytes = 64 * 1024 * 1024;

/** A sample that takes longer ends there; the next one goes on. */
const verifySliceMs = 2 * 60 * 60 * 1_000;

/** How soon a switch of the policy is noticed. */
const policyPollMs = 2_000;

/** The agent worker: the one place where everything the pipeline uses is made and wired. */
const log = createLog('worker');
logWhatEndsIt(log);
const { installation, endpoints, metricsPort, argument } = await openProcess('worker', process.argv);
const { config, keyring } = installation;
log.level = config.logs.level;
const destinationNames = config.destinations.map(({ name }) => name);
const metrics = new Metrics(destinationNames);
serveMetrics(metrics.registry, { host: config.metrics.address, port: metricsPort });

const pool = await openPool({ ...endpoints.catalogWriter, maxConnections: 12 });
const catalog = new Catalog(pool, (change) => metrics.pipeline.written(change));
const refused = new RefusedAccess(installation.paths.home, 'worker');
await tellOthers().catch((error: unknown) => {
  noteRefusal(error);
  throw error;
});
await tellConfiguration(catalog, installation);
if (config.keeper) await shareChannels(catalog, config.notifications.channels);
await noteShreddings();
const uploadLimit = new UploadLimit(config.limits.upload);
const limiting = repeat(limitPollMs, noteLimit);
const context = await pipelineContext(installation, endpoints, catalog);
const probes: Readonly<Record<Exclude<Dependency, `${string}:${string}`>, () => Promise<unknown>>> = {
  postgres: () => catalog.ping(),
  opa: () => context.policy.ping(),
  clamd: () => context.scanner.ping(),
};
const gates = new Gates((dependency) => {
  if (dependency in probes) return probes[dependency as keyof typeof probes];
  // Without names, from before destinations were told apart.
  if (/^s3(:|$)/.test(dependency))
    return () => anyAnswers(context.destinations, dependency.slice('s3:'.length));
  const source = context.sources.get(dependency.replace('source:', ''));
  return async () =>
    source === undefined
      ? Promise.reject(new Failure('source_unavailable', { detail: 'not served by this host' }))
      : source.root();
});

/** The SDK's own messages, without their metadata where a path could be: code and message only. */
const sdkLog = new DefaultLogger('WARN', ({ level, message }) =>
  log[level === 'ERROR' ? 'error' : 'warn']({ sdk: true }, message),
);
Runtime.install({
  logger: sdkLog,
  shutdownSignals: [],
  telemetryOptions: {
    logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    metrics: {
      prometheus: {
        bindAddress: hostAndPort(config.metrics.address, Number(argument('--sdk-metrics-port'))),
        // Off by default, and times would be in milliseconds.
        ...{ countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
      },
    },
  },
});
const connection = await connectWorker(endpoints.temporal);
const { namespace } = endpoints.temporal;
await registerSearchAttributes(connection, namespace);
const converter = dataConverter(keyring.root.payload);
const client = new Client({ connection, namespace, dataConverter: converter });
// What a step hands on stays with the group whose queue it came from.
const dispatcher = new Dispatcher(catalog, client, config, () => activityInfo().taskQueue);
const holdActivities = createHoldActivities(holding());
const activities = {
  ...holdActivities,
  ...createActivities(context, sweeping(), gates, metrics.pipeline),
  ...createBatchActivities(context, { packs: config.packs === 'on', dispatcher }, metrics.pipeline),
  ...createVerifyActivities(verifying(installation, context), metrics.upkeep, log),
  ...createReplicateActivities(context),
  // A write-only host has no key that the trail is signed with: another one of the group has.
  ...(config.writeOnly ? {} : createAuditActivities(auditVerifying(context), log)),
  // A write-only host could read none of it: another one of the group may.
  ...(config.writeOnly ? {} : createRescanActivities(rescanning(context), metrics.upkeep)),
  ...createRetentionActivities(retaining(context)),
};
const shared = {
  connection,
  namespace,
  dataConverter: converter,
  interceptors: { activity: [logSteps(log)] },
  shutdownGraceTime: '10s',
  shutdownForceTime: '20s',
} satisfies Partial<WorkerOptions>;
/** This host's own group, and those it shares a tree with. */
const groups = new Set([groupOf(config), ...config.sources.map(({ name }) => groupOf(config, name))]);
// For heaps that are made from now on: workflows, and threads that hash, have little garbage.
setFlagsFromString('--max-semi-space-size=2');
const filesWorker = (group: string) =>
  Worker.create({
    ...shared,
    taskQueue: filesQueue(group),
    workflowBundle: { codePath: argument('--workflow-bundle') },
    activities,
    // The server's queue does the waiting: work in flight stays within what this process can do at once.
    maxConcurrentWorkflowTaskExecutions: 16,
    // A poll holds a place while it waits. Most files are done within their first task, so most polls are for new ones.
    maxConcurrentWorkflowTaskPolls: 10,
    nonStickyToStickyPollRatio: 0.8,
    maxConcurrentLocalActivityExecutions: 16,
    maxConcurrentActivityTaskExecutions: 200,
    maxCachedWorkflows: 100,
    workflowThreadPoolSize: 1,
  });
const workers = await Promise.all([
  ...[...groups].map(filesWorker),
  // What only this host can do. Workflows need no queue of the host's own: they only wait.
  Worker.create({
    ...shared,
    taskQueue: hostQueue(config.host.id),
    activities: hostHoldActivities(holdActivities),
    maxConcurrentActivityTaskExecutions: 4,
  }),
  ...(config.keeper
    ? [
        Worker.create({
          ...shared,
          taskQueue: controlQueue,
          activities: {
            ...createIncidentActivities(watchingIncidents(), log),
            ...createNotifyActivities({
              catalog,
              config,
              ids: installation.ids,
              hostId: config.host.id,
              log,
            }),
          },
          maxConcurrentActivityTaskExecutions: 8,
        }),
      ]
    : []),
]);
const running = workers.map((worker) => worker.run());
void housekeeping(settleLeftovers);
void housekeeping(
  () => scheduleSweeps(client, config, installation.ids),
  ...(config.keeper
    ? [
        scheduleSamples,
        scheduleAuditVerification,
        () => scheduleRescans(client, config),
        startRetentions,
        () => scheduleDigest(client, config),
      ]
    : []),
);
const daily = setInterval(
  () =>
    void housekeeping(
      settleLeftovers,
      ...(config.keeper ? [maintainKeyring] : []),
      keepCheckpoints,
      keepHoldsWaiting,
    ),
  86_400_000,
);
const noting = setInterval(() => {
  noteShreddings().catch((error: unknown) => log.warn({ err: error }, 'shreddings are not known anew'));
}, 60_000);
const manifests = new ManifestWriter({
  catalog,
  destinations: context.destinations,
  format: manifestFormat(installation, context),
  headsFolder: headsFolder(installation.paths.home),
  failPoints: context.failPoints,
  log,
});
const journaling = repeat(5_000, () => writeManifests('due'));
const filling = repeat(5_000, fillDestinations);
void housekeeping(keepCheckpoints);
void housekeeping(keepHoldsWaiting);
// Asking is what makes a switch of the policy noticed, also while there is nothing to judge.
const watchingPolicy = repeat(policyPollMs, async () => {
  await context.policy.ping().catch(noteRefusal);
});
const signTrail = await auditTrail();
const sequencing = repeat(5_000, () => signTrail('due'));
const resources = observeResources(metrics.registry, {
  ...{ semaphores: context.semaphores, partBuffers: context.partBuffers, home: installation.paths.home },
  database: {
    get occupancy() {
      const { totalCount, idleCount, waitingCount: waiting, options } = pool;
      return { places: options.max ?? 0, inUse: totalCount - idleCount, waiting };
    },
  },
  stagingLimitBytes: config.staging.quota,
});
const measure = measuring();
const measurements = repeat(15_000, measure);
void measure();
const watch = new Watch(watching());
const notifying = repeat(roundMs, () => watch.next());
const telling = repeat(60_000, async () => {
  await tellOthers().catch((error: unknown) => {
    noteRefusal(error);
    log.warn({ err: error }, 'the other hosts are not told of this one');
  });
  if (config.keeper) await housekeeping(startRetentions);
});
const requests = await serveSweepRequests(argument('--socket'), {
  ...{ catalog, client, config, ids: installation.ids, sources: context.sources },
  onError: (error) => log.warn({ err: error }, 'a sweep that was asked for is left to the command'),
});
announceReady();
if (systemCalls() === undefined) {
  log.warn('extended attributes are not recorded: koffi has no build for this platform');
}
log.info({ sources: config.sources.length }, 'worker is ready');

await Promise.race([
  untilStopped(async () => {
    for (const worker of workers) worker.shutdown();
  }),
  ...running,
]);
await Promise.all(running);
requests.close();
clearInterval(daily);
clearInterval(noting);
await watchingPolicy.stop();
await filling.stop();
await limiting.stop();
await journaling.stop();
await measurements.stop();
await telling.stop();
await notifying.stop();
await sequencing.stop();
// Bounded, because a destination may hang: what is not written then is written at the next start.
await Promise.race([writeManifests('all'), sleep(8_000, undefined, { ref: false })]);
await Promise.race([signTrail('all'), sleep(8_000, undefined, { ref: false })]);
await connection.close();
await catalog.close();
for (const destination of context.destinations.values()) destination.store.close();
log.info('worker has stopped');

async function housekeeping(...chores: (() => Promise<void>)[]): Promise<void> {
  try {
    for (const chore of chores) await chore();
  } catch (error) {
    log.error({ err: error }, 'housekeeping failed; it is tried again tomorrow and at the next start');
  }
}

/** Settles what crashes left behind. */
async function settleLeftovers(): Promise<void> {
  await reconcile(context);
  await sweepStaging(context);
  await sweepCopies(context.quarantineDir, (ids) => copyStates(catalog, ids));
  await catalog.recordKeys(keyFacts(installation.keyringDocuments));
}

/** What sweeps work with: they hand entries over as the watcher does. */
function sweeping(): SweepContext {
  const { ids, paths } = installation;
  const sources = new Map(config.sources.map(({ name }) => [ids.source(name), name]));
  return {
    catalog,
    ids,
    hostId: config.host.id,
    massChange: config.massChange,
    dispatcher,
    // Messages are sealed one by one: nothing of theirs goes in batches.
    batches: config.format === 'sealed-v1' && !config.writeOnly,
    rejudge: (step, run) => rejudgeSource(context, step, run),
    openSource: (sourceId) => openSource(config, ids, catalog, sources.get(sourceId) ?? '', paths.home),
  };
}

/** Retention works for every source of the repository, also for one that no host serves any more. */
async function startRetentions(): Promise<void> {
  const own = config.sources.map(({ name }) => ({ id: installation.ids.source(name), name }));
  const names = new Map([...own, ...(await allSources(catalog))].map(({ id, name }) => [id, name]));
  for (const [id, name] of names) await startRetention(client, config, { id, name });
}

/** Puts on record that this process was refused what it came for. */
function noteRefusal(error: unknown): void {
  refused.note(refusalOf(error));
}

/** Tells the other hosts that this one is there, and what it serves. */
async function tellOthers(): Promise<void> {
  const { ids, paths } = installation;
  await tellOfHost(catalog, {
    id: config.host.id,
    name: hostname(),
    group: groupOf(config),
    rulesRevision: policyStanding(paths.home)?.rulesRevision ?? null,
    sources: config.sources.map(({ name }) => ({ id: ids.source(name), group: groupOf(config, name) })),
  });
}

/** The sources of this host and, where it keeps the repository, those that no host serves any more. */
async function keptSources(): Promise<{ id: Id; name: string }[]> {
  const { ids } = installation;
  const own = config.sources.map(({ name }) => ({ id: ids.source(name), name }));
  if (!config.keeper || config.writeOnly) return own;
  return [...own, ...(await allSources(catalog)).filter(({ served }) => !served)];
}

/** What retention works with: it deletes as a role of its own. */
function retaining({
  catalog,
  ids,
  hostId,
  policy,
  destinations,
  failPoints,
}: PipelineContext): RetentionContext {
  const retained = [...destinations].map(
    ([name, { store, config: destination }]) => [name, { store, lockDays: destination.lock.days }] as const,
  );
  return {
    ...{ catalog, ids, hostId, policy, failPoints, log },
    destinations: new Map(retained),
    openDeleting: () => openDeleting(config, endpoints, noteRefusal),
    noteRefusal: (refusal) => refused.note(refusal),
  };
}

/** Has a sample of what is stored verified, again and again. */
async function scheduleSamples(): Promise<void> {
  const { every, sample, readData } = config.verify;
  const input: VerifySampleInput = { sample, readSample: readData, sliceMs: Math.min(every, verifySliceMs) };
  await ensureSchedule(client, {
    id: verifySampleId,
    workflowType: 'verifySample',
    summary: summaryOfScheduled.samples,
    taskQueue: filesQueue(groupOf(config)),
    args: [input],
    recurrence: { everyMs: every, jitterMs: Math.round(every / 24) },
  });
}

/** Has the audit trail verified, again and again. */
async function scheduleAuditVerification(): Promise<void> {
  if (config.writeOnly) return;
  const everyMs = config.audit.verifyEvery;
  await ensureSchedule(client, {
    id: verifyAuditId,
    workflowType: 'verifyAudit',
    summary: summaryOfScheduled.auditTrail,
    taskQueue: filesQueue(groupOf(config)),
    args: [],
    recurrence: { everyMs, jitterMs: Math.round(everyMs / 24) },
  });
}

/** What the audit trail is verified with. */
function auditVerifying({ catalog, ids, hostId, destinations }: PipelineContext): RecordedAuditDeps {
  return {
    ...{ catalog, ids, hostId, repository: config.repository },
    keys: auditSigners(keyring.root),
    destinations: placesOf(destinations),
  };
}

/** Lists in the bucket what was settled since. */
async function writeManifests(which: 'due' | 'all'): Promise<void> {
  try {
    await manifests.writeWaiting(await keptSources(), which);
  } catch (error) {
    log.warn({ err: error }, 'manifests wait for the catalog');
  }
}

/** Puts audit events under signed heads, and these where the database's owner cannot reach them; a write-only host has no key to sign with. */
async function auditTrail(): Promise<(which: 'due' | 'all') => Promise<void>> {
  const keys = auditSigners(keyring.root);
  const signer = keys.at(-1);
  if (signer === undefined) return async () => {};
  const { repository, audit } = config;
  const { destinations, failPoints } = context;
  const places = [...placesOf(destinations).values()].map((place) => ({ ...place, repository, keys }));
  const sequencer = { catalog, repository, signer, keys, firstNumber: () => numberAfterAnchors(places) };
  const everyMs = audit.anchorEvery;
  const { ids, paths } = installation;
  const uid = process.getuid?.() ?? 0;
  const telling = {
    ...{ catalog, ids, hostId: config.host.id, home: paths.home },
    limit: { count: audit.refusals.count, withinMs: audit.refusals.within },
    ...(config.listen === undefined ? {} : { gateFolder: await gateDeedsHome(paths, uid) }),
  };
  const anchors = new AnchorWriter({ catalog, repository, keys, destinations, everyMs, failPoints, log });
  return async (which) => {
    try {
      refused.tell(which);
      await tellDeeds(telling);
      await sequenceAudit(sequencer);
      await anchors.write(which);
    } catch (error) {
      log.warn({ err: error }, 'audit events wait to be signed');
    }
  };
}

/** Has what single destinations lack copied there; one that was away is prepared as soon as it answers. */
async function fillDestinations(): Promise<void> {
  const { destinations } = context;
  if (destinations.size < 2) return;
  try {
    await Promise.allSettled([...destinations.values()].map(({ facts }) => facts()));
    await startFilling({ catalog, client }, destinations.keys(), filesQueue(groupOf(config)));
  } catch (error) {
    log.warn({ err: error }, 'copies wait to be begun');
  }
}

async function keepCheckpoints(): Promise<void> {
  for (const source of await keptSources()) await manifests.keepCheckpoint(source);
}

/** Renews the locks of the keyring, and deletes what was shredded or replaced when its own have ended. */
async function maintainKeyring(): Promise<void> {
  await agreeingClocks(catalog, context.destinations);
  const places = await Promise.all(
    [...context.destinations.values()].map(async ({ config: destination, store }) => ({
      prefix: destination.prefix,
      lock: destination.lock,
      store,
      deleting: await openS3Store(endpoints.s3(destination, 'retention')),
    })),
  );
  try {
    const { retired, shredded } = await keepKeyring({ catalog, home: installation.paths.home, places });
    const done = shredded.filter(({ isDone }) => isDone);
    const run = newRunId();
    const events = done.map(({ scope: _, ...facts }) =>
      auditEvent(installation.ids, {
        subject: run,
        step: 'keyring',
        among: facts.scopeId,
        run,
        host: config.host.id,
        facts: { action: 'shred-due', ...facts },
      }),
    );
    await catalog.write({ events });
    log.info({ retired, shredded: done.length }, 'the keyring is kept up');
  } finally {
    for (const { deleting } of places) deleting.close();
  }
  await noteShreddings();
}

/** Commands may change what uploads may take at any time; while the catalog is away the last one counts. */
async function noteLimit(): Promise<void> {
  try {
    uploadLimit.override = await readOverride(catalog);
  } catch (error) {
    log.warn({ err: error }, 'limits are not known anew');
  }
}

/** Commands, here and on other hosts, may begin to shred a scope or take it back at any time. */
async function noteShreddings(): Promise<void> {
  installation.keys.refuseSealing(new Set((await shreddings(catalog)).map(({ scope }) => scope)));
}

/** A write-only host seals manifests to the recipients too. */
function manifestFormat(
  { keys, signingHost }: Installation,
  { recipients }: PipelineContext,
): ManifestFormat {
  if (signingHost === undefined || recipients === undefined) return keyedManifests(keys);
  return writeOnlyManifests((name, content) => sealSigned(signingHost, recipients, name, content));
}

async function pipelineContext(
  { config, ids, keyring, keys, paths, signingHost }: Installation,
  endpoints: Endpoints,
  catalog: Catalog,
): Promise<PipelineContext> {
  const opa = { socketPath: endpoints.opaSocket, timeoutMs: 3_000 };
  const { revision } = await new OpaEngine(opa).ping();
  // Decisions of another bundle than the epoch's do not count: a worker serves one epoch at a time.
  const epoch = await PolicyEpoch.begin(
    { catalog, ids, hostId: config.host.id, termsOf: (of) => installedTerms(paths.home, of, ids) },
    revision,
  );
  const policy = new OpaEngine({ ...opa, epoch });
  const recipients = await configuredRecipients(config, keyring.root.naming);
  const scanner = openScanner(endpoints, config, {
    copies: join(paths.home, 'scan'),
    onProof: ({ problems, ...takes }) => {
      if (problems.length > 0)
        log.error({ problems }, 'the scanner says OK of what it did not look into: nothing is clean');
      else log.info(takes, 'the scanner was put to the proof');
    },
  });
  return {
    hostId: config.host.id,
    catalog,
    ids,
    keys,
    policy,
    get bundleRevision() {
      return epoch.revision;
    },
    judgedAlike: (sourceId) => revisionsAlike(catalog, sourceId, epoch.revision),
    scanner,
    destinations: await openDestinations(installation, endpoints, catalog),
    sources: servedSources(config, ids, catalog),
    staging: new Staging(join(paths.home, 'staging'), config.staging.quota),
    recipients,
    sealEvidence: signingHost && recipients && signedEvidence(signingHost, recipients),
    quarantineDir: quarantineFolder(paths.home),
    semaphores: {
      disk: new Semaphore(4),
      scanner: new Semaphore(4),
      upload: new Semaphore(8),
      tombstone: new ClusterSemaphore(catalog, tombstoneLock),
      hardlink: new Semaphore(1),
    },
    partBuffers: new PartBuffers(partMemoryBytes),
    failPoints: chosenFailPoints(join(paths.home, 'run', 'fail-point')),
    log,
  };
}

/** Held files are reminded of, expire and are released by their workflows, also where the cluster was lost. */
async function keepHoldsWaiting(): Promise<void> {
  for (const { name } of await keptSources())
    await keepWaiting(catalog, client, filesQueue(groupOf(config, name)), [name]);
}

/** What the gauges are read by: every service is asked, every destination once a minute, and the catalog by who keeps the repository. */
function measuring(): () => Promise<void> {
  const { policy, scanner, destinations } = context;
  const stand = config.keeper
    ? standingLook(
        { catalog, log, destinations: destinationNames },
        new StandingMetrics(metrics.registry, {
          destinations: destinationNames,
          sources: config.sources.map(({ name }) => name),
        }),
      )
    : async () => {};
  let rounds = 0;
  return async () => {
    await metrics.dependencies.ask({
      postgres: async () => resources.held(await heldBytesOf(catalog, config.host.id)),
      opa: () => policy.ping(),
      clamd: async () => {
        const facts = await scanner.facts();
        metrics.dependencies.signatures(facts, scanner.isStale(facts));
      },
    });
    // What it answers is counted where it is asked.
    if (rounds++ % 4 === 0) await Promise.allSettled([...destinations.values()].map(({ facts }) => facts()));
    await stand();
  };
}

/** What the clocks of incidents work with. */
function watchingIncidents(): IncidentDeps {
  const { notifyWithin, warnBefore } = config.breaches;
  return {
    ...{ catalog, ids: installation.ids, channels: () => sharedChannels(catalog) },
    terms: { notifyWithinMs: notifyWithin, warnBeforeMs: warnBefore },
  };
}

/** What people are told of this host and, where it keeps the repository, of the whole of it. */
function watching(): WatchDeps {
  const { notifications, staging, sources, keeper } = config;
  const unswept = new Set(sources.filter(({ sweep }) => sweep === 'off').map(({ name }) => name));
  return {
    ids: installation.ids,
    host: {
      ...{ catalog, hostId: config.host.id, host: hostname(), home: installation.paths.home },
      ...{ stagingQuotaBytes: staging.quota, diskAbove: notifications.diskAbove, scanner: context.scanner },
    },
    repository: keeper
      ? { client, taskQueue: filesQueue(groupOf(config)), sweepWithinMs: notifications.sweepWithin, unswept }
      : undefined,
    repeatEveryMs: notifications.repeatEvery,
    log,
  };
}

/** What looking after holds works with. */
function holding(): HoldDeps {
  const { expires, remindEvery } = config.staging;
  return {
    context,
    repository: config.repository,
    expiresMs: expires,
    remindEveryMs: remindEvery,
    metrics: metrics.upkeep,
  };
}

/** Where the objects of each destination lie. */
function placesOf(destinations: PipelineContext['destinations']) {
  return new Map(
    [...destinations].map(([name, { store, config }]) => [name, { store, prefix: config.prefix }]),
  );
}

/** What the samples are verified with. */
function verifying(installation: Installation, context: PipelineContext): VerifyDeps {
  const { catalog, ids, hostId, keys } = context;
  const destinations = placesOf(context.destinations);
  const keyring = [...installation.keyringDocuments, ...installation.hostDocuments];
  return { catalog, ids, hostId, keys, destinations, keyring };
}

/** What stored content is scanned again with: a scanner that has patience with content that comes slowly. */
function rescanning({ catalog, ids, hostId, keys, destinations }: PipelineContext): RescanDeps {
  const rate = config.rescan === 'off' ? defaultRescanRate : config.rescan.rate;
  const stores = new Map([...destinations].map(([name, { store }]) => [name, store]));
  const scanner = openScanner(endpoints, config, { deadlineMs: slowDeadlineMs });
  return { catalog, ids, hostId, keys, stores, scanner, throttle: new TokenBucket(() => rate), log };
}

async function openDestinations(
  installation: Installation,
  endpoints: Endpoints,
  catalog: Catalog,
): Promise<Map<string, Destination>> {
  const { config, keyringDocuments, hostDocuments } = installation;
  const prepare = async (destination: DestinationConfig): Promise<void> => {
    const keyring = [...documentsToKeep(keyringDocuments, await shreddingScopes(catalog)), ...hostDocuments];
    await prepareDestination({ installation, where: endpoints, keyring }, destination);
  };
  const opened = new Map<string, Destination>();
  for (const destination of config.destinations) {
    const options = endpoints.s3(destination, 'agent');
    const store = await openS3Store({ ...options, pace: uploadLimit, onFailure: noteRefusal });
    const observed = metrics.stores.observed(store);
    const facts = liveFacts(observed);
    opened.set(destination.name, {
      config: destination,
      store: observed,
      // With a single one the worker would not have been started.
      facts: config.destinations.length === 1 ? facts : preparedFirst(() => prepare(destination), facts),
    });
  }
  return opened;
}
