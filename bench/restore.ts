import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { table } from '../src/cli/output.ts';
import { runCommand } from '../src/stack/run.ts';
import type { TestInstallation } from '../test/support/installation.ts';
import { halfCompressible } from './content.ts';
import { copySourceTree, treeOf } from './data.ts';
import { programOf } from './packages.ts';
import { peakMemoryBytes } from './processes.ts';
import { seed } from './seed.ts';
import { makeStack } from './stack.ts';
import { percentile } from './statistics.ts';

const program = fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url));
const rounds = 3;

interface Restored {
  readonly seconds: number;
  readonly peakMemoryBytes: number;
  readonly requests: number;
}

export interface Comparison {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  /** Medians of the rounds, which took turns. */
  readonly holdfast: Restored;
  readonly restic: Restored;
  /** Seconds of Holdfast by seconds of restic. */
  readonly ratio: number;
}

/** Restores of the same data from the same S3 server by Holdfast and by restic, in turns. */
export async function restoreComparisons({ quick }: { readonly quick: boolean }): Promise<Comparison[]> {
  const restic = await programOf('restic');
  const stack = await makeStack({
    sources: { small: undefined, large: undefined },
    folderName: 'holdfast-bench-restore-',
  });
  try {
    await stack.up('--no-watch');
    await copySourceTree(stack.path('small'), quick ? 2_000 : 16_000);
    for (const name of ['a', 'b', 'c']) {
      const blocks = [...halfCompressible((quick ? 40 : 150) * 1_000_000)];
      writeFileSync(stack.path('large', name), Buffer.concat(blocks));
    }
    return [
      await compare(stack, restic, 'small', 'small tree'),
      await compare(stack, restic, 'large', 'large files'),
    ];
  } finally {
    await stack.remove();
  }
}

export function comparisonText({ name, files, bytes, holdfast, restic, ratio }: Comparison): string {
  const row = (label: string, one: Restored): string[] => [
    label,
    one.seconds.toFixed(2),
    (files / one.seconds).toFixed(0),
    (bytes / 1e6 / one.seconds).toFixed(0),
    `${(one.peakMemoryBytes / 2 ** 20).toFixed(0)} MiB`,
    String(one.requests),
  ];
  const head = [
    `${name}: ${files} files, ${(bytes / 1e6).toFixed(0)} MB`,
    's',
    'files/s',
    'MB/s',
    'memory',
    'requests',
  ];
  const rows = [head, row('holdfast restore', holdfast), row('restic restore', restic)];
  return `${table(rows, [1, 2, 3, 4, 5])}\n${ratio.toFixed(2)} times restic's time (aim: at most 1)`;
}

async function compare(
  stack: TestInstallation,
  restic: string,
  source: string,
  name: string,
): Promise<Comparison> {
  const folder = stack.path(source);
  await seed(stack, source, folder);
  const { address, credentialsFile } = await stack.service('s3');
  const secret = (key: string): string =>
    new RegExp(`^${key} = (\\S+)$`, 'm').exec(readFileSync(String(credentialsFile), 'utf8'))?.[1] ?? '';
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: secret('aws_access_key_id'),
    AWS_SECRET_ACCESS_KEY: secret('aws_secret_access_key'),
    RESTIC_REPOSITORY: `s3:${address}/restic-${source}`,
    RESTIC_PASSWORD: 'a comparison',
    RESTIC_CACHE_DIR: path.join(stack.folder, 'restic-cache'),
  };
  for (const args of [['init'], ['backup', '.']]) {
    const { code, stderr } = await runCommand(restic, args, { cwd: folder, env });
    if (code !== 0) throw new Error(`restic ${args[0]} ended with ${code}: ${stderr}`);
  }
  const to = path.join(stack.folder, 'restored');
  const measured: { holdfast: Restored[]; restic: Restored[] } = { holdfast: [], restic: [] };
  for (let round = 0; round < rounds; round++) {
    const ours = [process.execPath, program, 'restore', source, '--to', to];
    measured.holdfast.push(await once(stack, ours, stack.env, folder, path.join(to, source)));
    rmSync(to, { recursive: true });
    measured.restic.push(await once(stack, [restic, 'restore', 'latest', '--target', to], env, folder, to));
    rmSync(to, { recursive: true });
  }
  const { files, bytes } = treeOf(folder);
  const [holdfast, theirs] = [median(measured.holdfast), median(measured.restic)];
  return { name, files, bytes, holdfast, restic: theirs, ratio: holdfast.seconds / theirs.seconds };
}

async function once(
  stack: TestInstallation,
  [command = '', ...args]: string[],
  env: NodeJS.ProcessEnv,
  original: string,
  restored: string,
): Promise<Restored> {
  const requestsBefore = stack.requests().length;
  const started = performance.now();
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  let peak = 0;
  let isRunning = true;
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  }).finally(() => {
    isRunning = false;
  });
  const watching = (async () => {
    for (; isRunning; await sleep(100)) {
      peak = Math.max(peak, peakMemoryBytes({ it: child.pid ?? 0 }).it ?? 0);
    }
  })();
  const code = await ended;
  const seconds = (performance.now() - started) / 1_000;
  await watching;
  if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}`);
  const compared = await runCommand('diff', ['-r', '--no-dereference', original, restored]);
  if (compared.code !== 0) throw new Error(`restored otherwise: ${compared.stdout.slice(0, 500)}`);
  return { seconds, peakMemoryBytes: peak, requests: stack.requests().length - requestsBefore };
}

function median(all: readonly Restored[]): Restored {
  const of = (pick: (one: Restored) => number): number => percentile(all.map(pick), 50);
  return {
    seconds: of((one) => one.seconds),
    peakMemoryBytes: of((one) => one.peakMemoryBytes),
    requests: of((one) => one.requests),
  };
}
