/** A real Temporal dev server for tests, from the tool cache, with the project's workflows and activities a test makes up. */
import { globSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, type WorkflowHandle } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { failureConverterPath } from '../../src/temporal/failure-converter-path.ts';
import { registerSearchAttributes } from '../../src/temporal/register-search-attributes.ts';

export interface TestTemporal {
  readonly env: TestWorkflowEnvironment;
  /** The workflows, with every timer firing at once. */
  readonly fast: WorkflowBundleWithSourceMap;
  /** The workflows as they are. */
  readonly real: WorkflowBundleWithSourceMap;
  /** The workflows in a time that tests skip with `skipSignal`. */
  readonly skipping: () => Promise<WorkflowBundleWithSourceMap>;
}

/** The server of this test file; call once, at the top. */
export function useTemporal(): () => TestTemporal {
  let temporal: TestTemporal | undefined;
  beforeAll(async () => {
    temporal = await startTemporal();
  });
  afterAll(async () => {
    await temporal?.env.teardown();
  });
  return () => {
    if (temporal === undefined) throw new Error('Temporal is not started yet');
    return temporal;
  };
}

export async function startTemporal(): Promise<TestTemporal> {
  const env = await startTemporalServer();
  await registerSearchAttributes(env.connection, env.namespace ?? 'default');
  let skipping: Promise<WorkflowBundleWithSourceMap> | undefined;
  return {
    env,
    fast: await bundle(['fast-timers.ts']),
    real: await bundle([]),
    skipping: () => {
      skipping ??= bundle(['skipped-time.ts']);
      return skipping;
    },
  };
}

/** The server alone, without anything of ours in it. */
export async function startTemporalServer(): Promise<TestWorkflowEnvironment> {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    },
  });
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: temporalPath() },
      log: { level: 'error', format: 'json' },
    },
  });
}

/** The program in HOLDFAST_TEST_TEMPORAL, else the newest in the tool cache. */
function temporalPath(): string {
  const named = process.env.HOLDFAST_TEST_TEMPORAL;
  if (named) return named;
  const userCache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const found = ['/var/cache', userCache]
    .flatMap((cache) => globSync(join(cache, 'holdfast/tools/temporal-*/temporal')))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (found === undefined)
    throw new Error('temporal is not built yet; or set HOLDFAST_TEST_TEMPORAL to its path');
  return found;
}

/** The workflows with interceptors of this folder. */
export async function bundle(interceptors: readonly string[]): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    workflowInterceptorModules: interceptors.map((name) => fileURLToPath(new URL(name, import.meta.url))),
    failureConverterPath,
    logger: new DefaultLogger('ERROR'),
  });
}

interface WorkerChoices {
  readonly bundle?: WorkflowBundleWithSourceMap;
  readonly dataConverter?: DataConverter;
  /** 0: each workflow task begins with a replay of all that was before. */
  readonly maxCachedWorkflows?: number;
}

/** A worker that runs until the test is over. */
export async function runWorker(
  temporal: TestTemporal,
  taskQueue: string,
  activities: object,
  choices: WorkerChoices = {},
): Promise<void> {
  onTestFinished(await startWorker(temporal, taskQueue, activities, choices));
}

/** A worker that runs until the function given back is called. */
export async function startWorker(
  { env, fast }: TestTemporal,
  taskQueue: string,
  activities: object,
  { bundle = fast, dataConverter, ...choices }: WorkerChoices = {},
): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection: env.nativeConnection,
    // The default would name this machine in recorded histories.
    identity: 'test',
    taskQueue,
    workflowBundle: bundle,
    activities,
    shutdownGraceTime: '1s',
    shutdownForceTime: '2s',
    ...choices,
    ...(dataConverter === undefined ? {} : { dataConverter }),
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running.catch(() => {});
  };
}

export function clientOf({ env }: TestTemporal, dataConverter?: DataConverter): Client {
  return new Client({
    connection: env.connection,
    identity: 'test',
    ...(dataConverter === undefined ? {} : { dataConverter }),
  });
}

/** Types of the events in a workflow's history, e.g. `EVENT_TYPE_MARKER_RECORDED`. */
export async function activityNames(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const name = event.activityTaskScheduledEventAttributes?.activityType?.name;
    return name ? [name] : [];
  });
}

/** By what a workflow can be found, by name. Once it is closed, all that it will ever be found by. */
export async function attributesOf(handle: WorkflowHandle): Promise<Record<string, unknown>> {
  const { typedSearchAttributes } = await handle.describe();
  return Object.fromEntries(
    typedSearchAttributes.getAll().flatMap(({ key, value }) =>
      // The server adds its own.
      key.name.startsWith('Holdfast') ? [[key.name.slice('Holdfast'.length), value]] : [],
    ),
  );
}
