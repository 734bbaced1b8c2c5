import { setTimeout as sleep } from 'node:timers/promises';
import { Catalog } from '../catalog/catalog.ts';
import { openPool } from '../catalog/database.ts';
import { newRunId } from '../domain/ids.ts';
import { groupOf } from '../installation.ts';
import { createLog, logWhatEndsIt } from '../observability/log.ts';
import { serveMetrics } from '../observability/metrics/serve.ts';
import { observeWatching } from '../observability/metrics/watching.ts';
import { processRegistry } from '../observability/metrics.ts';
import { openProcess } from '../process.ts';
import { announceReady, untilStopped } from '../supervised.ts';
import { startSweep } from '../sweep/start.ts';
import { connectClient } from '../temporal/connect.ts';
import { filesQueue } from '../temporal/names.ts';
import { Dispatcher } from './dispatcher.ts';
import { ProblemBoard } from './problem-board.ts';
import { SourceAgent } from './source-agent.ts';

/** The watcher process: watches every source of this host, and starts a workflow for each change. */
const log = createLog('watcher');
logWhatEndsIt(log);
const { installation, endpoints, metricsPort } = await openProcess('watcher', process.argv);
const { config, ids, keyring, paths } = installation;
log.level = config.logs.level;
const registry = processRegistry();
serveMetrics(registry, { host: config.metrics.address, port: metricsPort });
const catalog = new Catalog(await openPool({ ...endpoints.catalogWriter, maxConnections: 4 }));
const client = await connectClient(endpoints.temporal, keyring.root.payload);
const runId = newRunId();
await catalog.startRun({ id: runId, kind: 'watch', hostId: config.host.id, actor: 'holdfast' });

const board = new ProblemBoard(paths.home);
const stopping = new AbortController();
const agents = config.sources.map(
  (source) =>
    new SourceAgent({
      ...{ installation, catalog, log, source, home: paths.home, ids, runId, board },
      dispatcher: new Dispatcher(catalog, client, config, () => filesQueue(groupOf(config, source.name))),
      startSweep: (id) =>
        startSweep(
          client,
          config,
          { id, name: source.name },
          { actor: 'holdfast', confirmsDeletions: false },
        ),
    }),
);
observeWatching(
  registry,
  agents.map(({ totals }, place) => ({ source: config.sources[place]?.name ?? '', totals })),
  (source) => board.has(source),
);
const working = agents.map((agent) => agent.run(stopping.signal));
announceReady();
log.info({ sources: agents.length }, 'watcher is ready');

await untilStopped(async () => stopping.abort());
// The pause is not what this process waits for in the end.
const patience = new AbortController();
await Promise.race([Promise.all(working), sleep(10_000, undefined, { signal: patience.signal })]);
patience.abort();
await catalog
  .endRun(runId, 'complete', Object.assign({}, ...agents.map((agent) => agent.totals)))
  .catch(() => {});
await client.connection.close();
await catalog.close();
log.info('watcher has stopped');
