import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { projectRoot } from '../../src/stack/project.ts';
import { builtGoPrograms } from './go-program.ts';

import { freePort } from './prometheus.ts';
import { until } from './until.ts';

/** A real Loki with the project's own configuration, on loopback. */
export interface RunningLoki {
  readonly url: string;
  /** Runs a LogQL query over the last hour: each line's labels and text. Throws what Loki says is wrong with it. */
  query(logql: string): Promise<{ labels: Readonly<Record<string, string>>; text: string }[]>;
  /** What Loki says is wrong with an expression; undefined where it understands it. */
  objection(logql: string): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** Builds Loki on first use (about seven minutes on two processors) and starts it with an empty folder. */
export async function startLoki(): Promise<RunningLoki> {
  const programs = await builtGoPrograms('loki', ['github.com/grafana/loki/v3/cmd/loki']);
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-loki-'));
  const [http, grpc] = [await freePort(), await freePort()];
  // The folder of its container, and ports that are free here, are all that is different.
  const text = readFileSync(path.join(projectRoot, 'ops/loki/loki.yaml'), 'utf8').replaceAll(
    ': /loki',
    `: ${folder}`,
  );
  const config = parse(text) as { server: object };
  config.server = {
    ...config.server,
    http_listen_address: '127.0.0.1',
    http_listen_port: http,
    grpc_listen_port: grpc,
  };
  const configFile = path.join(folder, 'loki.yaml');
  writeFileSync(configFile, stringify(config));
  const logFile = path.join(folder, 'loki.log');
  const log = openSync(logFile, 'a');
  const loki: ChildProcess = spawn(path.join(programs, 'loki'), [`-config.file=${configFile}`], {
    cwd: folder,
    stdio: ['ignore', log, log],
  });
  const url = `http://127.0.0.1:${http}`;
  await until(
    'Loki is ready',
    async () => {
      if (loki.exitCode !== null) throw new Error(readFileSync(logFile, 'utf8').slice(-2_000));
      return fetch(`${url}/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    },
    90_000,
  );
  const get = (logql: string, more: Record<string, string> = {}) => {
    const end = Date.now();
    const range = { start: `${end - 3_600_000}000000`, end: `${end + 60_000}000000`, step: '60' };
    return fetch(
      `${url}/loki/api/v1/query_range?${new URLSearchParams({ query: logql, ...range, ...more })}`,
    );
  };
  return {
    url,
    async query(logql) {
      const response = await get(logql, { limit: '5000' });
      if (!response.ok) throw new Error(await response.text());
      const { data } = (await response.json()) as {
        data: { result: { stream: Record<string, string>; values: [string, string][] }[] };
      };
      return data.result.flatMap(({ stream, values }) =>
        values.map(([, text]) => ({ labels: stream, text })),
      );
    },
    async objection(logql) {
      const response = await get(logql);
      const said = await response.text();
      return response.ok ? undefined : said;
    },
    async stop() {
      const ended = once(loki, 'exit');
      loki.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
