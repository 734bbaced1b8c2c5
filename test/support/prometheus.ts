import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { until } from './until.ts';

/** One series of an answer: its labels, and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A program of Prometheus: from `HOLDFAST_TEST_PROMETHEUS`, else the newest in the tool cache. */
export function prometheusProgram(name: 'prometheus' | 'promtool'): string {
  const given = process.env.HOLDFAST_TEST_PROMETHEUS;
  if (given !== undefined) return path.join(given, name);
  const tools = '/var/cache/holdfast/tools';
  const [newest] = readdirSync(tools)
    .filter((folder) => folder.startsWith('prometheus-') && !folder.includes('.part-'))
    .map((folder) => path.join(tools, folder, 'usr/bin', name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (newest === undefined) throw new Error('no Prometheus: set HOLDFAST_TEST_PROMETHEUS');
  return newest;
}

/** A real Prometheus that scrapes every second, with its data in a temporary folder. */
export class Prometheus {
  readonly url: string;
  private readonly child: ChildProcess;
  private readonly folder: string;

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.child = child;
    this.folder = folder;
  }

  /**
   * Starts one and waits until it answers. The caller calls `stop` in the end.
   *
   * @param targets URLs of metrics, by the name of their job
   */
  static async start(targets: Readonly<Record<string, string>>): Promise<Prometheus> {
    const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-prometheus-'));
    const config = path.join(folder, 'prometheus.yml');
    const jobs = Object.entries(targets).map(([job, url]) => {
      const { host, pathname, protocol } = new URL(url);
      return {
        ...{ job_name: job, metrics_path: pathname, scheme: protocol.slice(0, -1) },
        static_configs: [{ targets: [host] }],
      };
    });
    writeFileSync(
      config,
      stringify({ global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs }),
    );
    const port = await freePort();
    const child = spawn(
      prometheusProgram('prometheus'),
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${path.join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const started = new Prometheus(`http://127.0.0.1:${port}`, child, folder);
    await until('Prometheus to be ready', async () => {
      if (child.exitCode !== null) throw new Error(`Prometheus ended with code ${child.exitCode}`);
      const answer = await fetch(`${started.url}/-/ready`).catch(() => undefined);
      return answer?.ok === true;
    });
    return started;
  }

  /** What the expression gives now. Throws the server's words for one that it does not understand. */
  async query(expression: string): Promise<Sample[]> {
    const body = new URLSearchParams({ query: expression });
    const answer = await fetch(`${this.url}/api/v1/query`, { method: 'POST', body });
    const { status, data, error } = (await answer.json()) as {
      status: string;
      error?: string;
      data?: { resultType: string; result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    if (status !== 'success' || data === undefined) throw new Error(`${expression}: ${error}`);
    if (data.resultType === 'scalar') return [{ metric: {}, value: Number((data.result as unknown[])[1]) }];
    return data.result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  /** Waits until every target was scraped after this call, twice: what they told before is there then. */
  async scraped(): Promise<void> {
    const since = Date.now();
    await until('every target to be scraped', async () => {
      const answer = await fetch(`${this.url}/api/v1/targets?state=active`);
      const { data } = (await answer.json()) as {
        data: { activeTargets: { health: string; lastScrape: string }[] };
      };
      // None is active before the configuration was taken over.
      return (
        data.activeTargets.length > 0 &&
        data.activeTargets.every(
          ({ health, lastScrape }) => health === 'up' && Date.parse(lastScrape) > since + 1_000,
        )
      );
    });
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await Promise.race([ended, sleep(5_000).then(() => this.child.kill('SIGKILL'))]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A port of loopback that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.close();
  await once(server, 'close');
  return port;
}
