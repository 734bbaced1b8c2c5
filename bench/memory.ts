import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestInstallation } from '../test/support/installation.ts';
import { writeManyFiles } from './many-files.ts';
import { cpuSeconds, peakMemoryBytes, resetPeakMemory } from './processes.ts';
import { doubtsAbout } from './proof.ts';
import { makeStack, stackServices } from './stack.ts';
import { storedBytes } from './stored.ts';

/** What one command took, of every process of the stack. */
export interface MemoryRow {
  /** `first` and `unchanged` sweeps of many files; `sparse`: one file, of which next to nothing is on disk. */
  readonly what: 'first' | 'unchanged' | 'sparse';
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
  /** By process; `cli` is the command that waited. Children count with their parents. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Of the largest process of each. MB. */
  readonly peakMemoryMb: Readonly<Record<string, number>>;
  /** The largest of the processes that are this program: what the aim is about. MB. */
  readonly ourPeakMemoryMb: number;
  readonly requests: number;
  readonly bytesStored: number;
  /** What speaks against it that all was protected. */
  readonly doubts: readonly string[];
}

/** Postgres, clamd and the others are as large as they are set up to be; these are ours. */
const ours = ['worker', 'watcher', 'supervisor', 'cli'];
const sampleMs = 100;

/** Protects trees of so many files, and then one file of so many bytes, each in a stack of its own. */
export async function measureMemory(
  sizes: { readonly files: readonly number[]; readonly sparseBytes: number },
  onRow: (row: MemoryRow) => void,
): Promise<void> {
  for (const files of sizes.files)
    await inStack(async (stack) => {
      writeManyFiles(stack.path('docs'), files);
      // Without the watcher, which would begin the sweep before it is measured; it finds everything known at its start.
      await stack.up('--no-watch');
      const sweep = ['sweep', 'docs', '--wait'];
      onRow(await measured(stack, { what: 'first', files, bytes: 0 }, sweep));
      await stack.down();
      await stack.up();
      onRow(await measured(stack, { what: 'unchanged', files, bytes: 0 }, sweep));
    });
  if (sizes.sparseBytes > 0)
    await inStack(async (stack) => {
      await stack.up('--no-watch');
      const file = stack.path('docs', 'sparse');
      const handle = openSync(file, 'w');
      ftruncateSync(handle, sizes.sparseBytes);
      closeSync(handle);
      onRow(
        await measured(stack, { what: 'sparse', files: 1, bytes: sizes.sparseBytes }, [
          'protect',
          file,
          '--wait',
        ]),
      );
    });
}

async function inStack(work: (stack: TestInstallation) => Promise<void>): Promise<void> {
  const stack = await makeStack({ sources: { docs: undefined }, folderName: 'holdfast-memory-' });
  try {
    await work(stack);
  } finally {
    await stack.remove();
  }
}

async function measured(
  stack: TestInstallation,
  what: Pick<MemoryRow, 'what' | 'files' | 'bytes'>,
  command: readonly string[],
): Promise<MemoryRow> {
  const { bench: _, ...services } = stackServices(stack);
  const requestsBefore = stack.requests().length;
  const storedBefore = await storedBytes(stack);
  resetPeakMemory(services);
  const cpuBefore = cpuSeconds(services);
  const began = performance.now();
  const cli = spawn(
    process.execPath,
    [fileURLToPath(new URL('../bin/holdfast.mjs', import.meta.url)), ...command],
    {
      env: stack.env,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const ended = new Promise<number>((resolve) => cli.once('close', (code) => resolve(code ?? -1)));
  const cliPeak = { bytes: 0, cpuSeconds: 0 };
  while (cli.exitCode === null && cli.signalCode === null) {
    cliPeak.bytes = Math.max(cliPeak.bytes, peakMemoryBytes({ cli: cli.pid ?? 0 }).cli ?? 0);
    cliPeak.cpuSeconds = Math.max(cliPeak.cpuSeconds, cpuSeconds({ cli: cli.pid ?? 0 }).cli ?? 0);
    await Promise.race([ended, sleep(sampleMs)]);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
  const seconds = (performance.now() - began) / 1_000;
  const cpu = { ...cpuSeconds(services), cli: cliPeak.cpuSeconds };
  const used = Object.entries(cpu).filter(([name]) => name !== 'elsewhere');
  const peak = { ...peakMemoryBytes(services), cli: cliPeak.bytes };
  const inMb = Object.fromEntries(
    Object.entries(peak).map(([name, bytes]) => [name, Math.round(bytes / 1e6)]),
  );
  return {
    ...what,
    seconds,
    cpuSeconds: Object.fromEntries(used.map(([name, now]) => [name, now - (cpuBefore[name] ?? 0)])),
    peakMemoryMb: inMb,
    ourPeakMemoryMb: Math.max(...ours.map((name) => inMb[name] ?? 0)),
    requests: stack.requests().length - requestsBefore,
    bytesStored: (await storedBytes(stack)) - storedBefore,
    doubts: await doubtsAbout(stack, 'docs'),
  };
}
