import { setTimeout as sleep } from 'node:timers/promises';
import { Catalog } from '../catalog/catalog.ts';
import { openPool } from '../catalog/database.ts';
import { newRunId } from '../domain/ids.ts';
import type { Id } from '../domain/records.ts';
import { createLog } from '../observability/log.ts';
import { Metrics } from '../observability/metrics.ts';
import { announceReady, openProcess, untilStopped } from '../process.ts';
import { startSweep } from '../sweep/start.ts';
import { connectClient } from '../temporal/connect.ts';
import { Dispatcher } from './dispatcher.ts';
import { ProblemBoard } from './problem-board.ts';
import { SourceAgent } from './source-agent.ts';

/** The watcher process: watches every source of this host, and starts a workflow for each change. */
const { installation, endpoints, metricsPort } = await openProcess(process.argv);
const { config, ids, keyring, paths } = installation;
const log = createLog('watcher');
new Metrics().serve(metricsPort);
const catalog = new Catalog(await openPool({ ...endpoints.catalogWriter, maxConnections: 4 }));
const client = await connectClient(endpoints.temporal, keyring.root.payload);
const dispatcher = new Dispatcher(catalog, client, config);
const runId = newRunId();
await catalog.startRun({ id: runId, kind: 'watch', hostId: config.host.id, actor: 'holdfast' });

const board = new ProblemBoard(paths.home);
const stopping = new AbortController();
const startedSweep = (sourceId: Id): Promise<boolean> =>
  startSweep(client, config, sourceId, { actor: 'holdfast', confirmsDeletions: false });
const agents = config.sources.map(
  (source) =>
    new SourceAgent({
      ...{ installation, catalog, dispatcher, log, source, home: paths.home, ids, runId, board },
      startSweep: startedSweep,
    }),
);
const working = agents.map((agent) => agent.run(stopping.signal));
announceReady();
log.info({ sources: agents.length }, 'watcher is ready');

await untilStopped(async () => stopping.abort());
await Promise.race([Promise.all(working), sleep(10_000)]);
await catalog
  .endRun(runId, 'complete', Object.assign({}, ...agents.map((agent) => agent.totals)))
  .catch(() => {});
await client.connection.close();
await catalog.close();
log.info('watcher has stopped');
