import { Catalog } from '../catalog/catalog.ts';
import { openPool } from '../catalog/database.ts';
import { migrate, requireSchema } from '../catalog/migrate.ts';
import type { Config } from '../config.ts';
import type { Installation } from '../installation.ts';
import { hostDocuments, type KeyringDocument, keyringDocuments } from '../keys/keyring-files.ts';
import { documentsToKeep } from '../keys/publish.ts';
import { shreddingScopes } from '../keys/shreddings.ts';
import { installedSignature, prepareBundle } from '../policy/installed.ts';
import { requireWholeCatalog } from '../recovery/rebuild-state.ts';
import { endpoints, writerPasswordFile } from './endpoints.ts';
import { checkExternal } from './external.ts';
import { nodeService } from './our-services.ts';
import { workerSocket } from './paths.ts';
import { prepareDestinations } from './prepare-destination.ts';
import { ensureSecret } from './secrets.ts';
import { clamdService } from './services/clamd.ts';
import { gatedServices, gateService } from './services/gate.ts';
import { opaService } from './services/opa.ts';
import { postgresService } from './services/postgres.ts';
import { s3Service } from './services/s3.ts';
import type { RunningServices, ServiceSpec } from './services/service.ts';
import { temporalService } from './services/temporal.ts';
import { type Progress, toolchain } from './toolchain.ts';
import { ensureWorkflowBundle } from './workflow-bundle.ts';

/** The services of `status`, in the order they start. */
export const serviceNames = [
  'temporal',
  'postgres',
  'opa',
  's3',
  'clamd',
  'worker',
  'watcher',
  'gate',
] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface ComposeOptions {
  readonly installation: Installation;
  readonly configPath: string;
  /** What the worker and the watcher open the keyring with, asked for at each of their starts. */
  readonly password: () => Buffer;
  /** Which services to run; those that are external are left out by themselves. */
  readonly wanted: ReadonlySet<ServiceName>;
  readonly uid: number;
  readonly searchPath: string;
  readonly onProgress: Progress;
  readonly onWarning: (message: string) => void;
}

/** The services this installation runs itself, ready for the supervisor. */
export async function composeServices(options: ComposeOptions): Promise<ServiceSpec[]> {
  const { installation, wanted, uid, onProgress } = options;
  const { config, paths } = installation;
  const runs = (name: ServiceName): boolean => wanted.has(name) && isOurs(config, name);
  const tools = toolchain(paths, { uid, searchPath: options.searchPath, onProgress });
  const base = { paths, uid };
  const services: ServiceSpec[] = [];
  if (runs('temporal')) services.push(temporalService({ ...base, tool: await tools.temporal() }));
  if (runs('postgres')) services.push(postgresService({ ...base, tool: await tools.postgres() }));
  if (runs('opa')) {
    const tool = await tools.opa();
    const policyBundle = await prepareBundle(installation, tool, options.onWarning);
    services.push(opaService({ ...base, tool, policyBundle, signature: installedSignature(installation) }));
  }
  if (runs('s3')) services.push(s3Service({ ...base, tool: await tools.versitygw() }));
  if (runs('clamd')) {
    services.push(
      clamdService({
        ...base,
        tool: await tools.clamd(),
        updateSignatures: true,
        onWarning: options.onWarning,
      }),
    );
  }
  const dependsOn = services.map((service) => service.name);
  const ours = {
    ...{ paths, configPath: options.configPath, password: options.password },
    metrics: config.metrics,
  };
  if (runs('worker')) {
    const onAway = (name: string) =>
      options.onWarning(`The destination ${name} does not answer: it is prepared, and filled, when it does.`);
    const before = (running: RunningServices) => prepareRepository(installation, running, onAway);
    const more = ['--workflow-bundle', await ensureWorkflowBundle(paths), '--socket', workerSocket(paths)];
    services.push(nodeService({ ...ours, name: 'worker', script: 'src/worker', dependsOn, before, more }));
  }
  if (runs('watcher')) {
    services.push(
      nodeService({
        ...ours,
        name: 'watcher',
        script: 'src/watcher/main',
        dependsOn: runs('worker') ? ['worker'] : dependsOn,
      }),
    );
  }
  if (runs('gate') && config.listen !== undefined) {
    const dependsOn = gatedServices.filter((name) => runs(name));
    services.push(gateService({ ...base, listen: config.listen, dependsOn }));
  }
  return services;
}

/** Whether this installation runs the service itself. */
export function isOurs(config: Config, name: ServiceName): boolean {
  if (name === 'worker' || name === 'watcher') return true;
  return name === 'gate' ? config.listen !== undefined : config.services[name].mode === 'embedded';
}

/**
 * What has to be there before the first file: the schema, the bucket with Object Lock, the keyring in it. All of it may run again at every start. Failures: `bucket_without_lock` and the services' own.
 */
async function prepareRepository(
  installation: Installation,
  running: RunningServices,
  onAway: (destination: string) => void,
): Promise<void> {
  const { config, paths } = installation;
  if (config.services.postgres.mode === 'embedded') ensureSecret(writerPasswordFile(paths));
  const where = endpoints(config, paths, (name) => running.get(name));
  await checkExternal(installation, where);
  const { postgres } = config.services;
  // A host that joined has no rights over the schema: it asks whether it is the one it knows.
  const isOwner = postgres.mode === 'embedded' || postgres.ownerUriFile !== undefined;
  const pool = await openPool({
    ...(isOwner ? where.catalogOwner : where.catalogWriter),
    maxConnections: 1,
  });
  let kept: readonly KeyringDocument[];
  try {
    await (isOwner ? migrate(pool, where.writerPassword) : requireSchema(pool));
    await requireWholeCatalog(new Catalog(pool), paths.home);
    // Read anew, because a command may have changed the keyring since the supervisor began.
    const shredding = await shreddingScopes(new Catalog(pool));
    const documents = documentsToKeep(await keyringDocuments(paths.home), shredding);
    kept = [...documents, ...(await hostDocuments(paths.home))];
  } finally {
    await pool.end();
  }
  await prepareDestinations({ installation, where, keyring: kept }, onAway);
}
