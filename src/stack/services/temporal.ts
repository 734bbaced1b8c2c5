import path from 'node:path';
import type { Connection } from '@temporalio/client';
import { serviceEnvironment } from '../environment.ts';
import { ensureServiceFolders } from '../folders.ts';
import type { Paths } from '../paths.ts';
import { choosePorts } from '../ports.ts';
import { serviceUser } from '../system-users.ts';
import type { Launch, ServiceSpec } from './service.ts';

const namespace = 'holdfast';
const retention = '3 days';

/**
 * Settings of the server for one machine under load (dynamicconfig/constants.go of the server): its default of 2,400
 * requests a second for a namespace is below what bulk work asks, and partitions of a queue only cost latency here.
 */
const dynamicConfig = {
  'frontend.namespaceRPS': 20_000,
  'frontend.rps': 20_000,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

/**
 * The Temporal development server with a file database and its Web UI, on loopback ports.
 *
 * `address` is the gRPC frontend, `extra.ui` the URL of the Web UI, `extra.metrics` that of Prometheus metrics.
 */
export function temporalService({
  paths,
  uid,
  tool,
}: {
  readonly paths: Paths;
  readonly uid: number;
  readonly tool: string;
}): ServiceSpec {
  return {
    name: 'temporal',
    dependsOn: [],
    stopSignal: 'SIGTERM',
    stopGraceMs: 20_000,
    startTimeoutMs: 60_000,

    async prepare() {
      const user = await serviceUser('temporal', uid);
      const { data } = ensureServiceFolders(paths, 'temporal', user);
      const ports = await choosePorts(paths, 'temporal', ['grpc', 'http', 'ui', 'metrics']);
      const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL', 'busy_timeout=10000'];
      return {
        command: tool,
        args: [
          'server',
          'start-dev',
          '--headless=false',
          `--db-filename=${path.join(data, 'temporal.db')}`,
          ...pragmas.map((pragma) => `--sqlite-pragma=${pragma}`),
          ...Object.entries(dynamicConfig).map(([key, value]) => `--dynamic-config-value=${key}=${value}`),
          `--namespace=${namespace}`,
          '--ip=127.0.0.1',
          '--ui-ip=127.0.0.1',
          `--port=${ports.grpc}`,
          `--http-port=${ports.http}`,
          `--ui-port=${ports.ui}`,
          `--metrics-port=${ports.metrics}`,
          '--log-level=warn',
          '--log-format=json',
        ],
        cwd: data,
        env: serviceEnvironment(data),
        user,
        address: `127.0.0.1:${ports.grpc}`,
        extra: {
          namespace,
          ui: `http://127.0.0.1:${ports.ui}`,
          metrics: `http://127.0.0.1:${ports.metrics}/metrics`,
        },
      };
    },

    health: (launch) =>
      withConnection(launch, async (connection) => {
        const { status } = await connection.healthService.check({
          service: 'temporal.api.workflowservice.v1.WorkflowService',
        });
        // HealthCheckResponse.ServingStatus.SERVING of grpc.health.v1.
        return status === 1;
      }),

    whenAnswering: (launch) =>
      withConnection(launch, async ({ workflowService }) => {
        const { msToTs } = await import('@temporalio/common/lib/time.js');
        const config = { workflowExecutionRetentionTtl: msToTs(retention) };
        await workflowService.updateNamespace({ namespace, config });
      }),
  };
}

async function withConnection<Result>(
  launch: Launch,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  // Loading the SDK takes a good part of a second, which commands that start no service need not pay.
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address: launch.address, connectTimeout: 4_000 });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
