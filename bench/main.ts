import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { aimsOf, type Row } from './aims.ts';
import { chart } from './chart.ts';
import { compareTools } from './compare.ts';
import { comparedAimsText, comparedRowText } from './compared-text.ts';
import { largeFile } from './large-file.ts';
import { machine, machineText } from './machine.ts';
import type { Measured } from './measure.ts';
import { type MemoryRow, measureMemory } from './memory.ts';
import { openpgpComparison, openpgpText } from './openpgp.ts';
import { aims, aimsText, rowText } from './report.ts';
import { comparisonText, restoreComparisons } from './restore.ts';
import { burst, oneByOne, warmUp } from './small-files.ts';
import { makeStack } from './stack.ts';
import { aimsTable, performanceTables, type Results, withMeasured } from './tables.ts';

/**
 * `npm run bench [-- --quick] [--only compare|memory|protect|restore|openpgp]`: sweeps and restores side by side with restic,
 * rclone and clamdscan on this machine, every service included, what memory they take, and how fast single files are.
 * `--quick` compares sweeps alone, on less. Ways to make OpenPGP messages are compared only when asked for. What comparison and
 * memory find goes into `results/latest.json`, the picture beside it, README.md and docs/performance.md; the rows of the one that
 * was not measured stay.
 */
const { quick, only } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
}).values;

const root = fileURLToPath(new URL('..', import.meta.url));
const results = `${root}/bench/results`;
mkdirSync(results, { recursive: true });
if (only === 'openpgp') save('openpgp', await comparingOpenpgp());
else {
  if (only === undefined || only === 'compare') await comparing();
  if (only === 'memory' || (only === undefined && !quick)) await measuringMemory();
  if (only === 'protect' || (only === undefined && !quick)) save('protect', await protecting());
  if (only === 'restore' || (only === undefined && !quick)) save('restore', await restoring());
}

async function comparing(): Promise<void> {
  const size = quick
    ? { rounds: 3, files: 5_000, bulkFiles: 2_000, arrivals: 100 }
    : { rounds: 3, files: 16_400, bulkFiles: 10_000, arrivals: 400 };
  const facts = machine(results, 'builtin-test');
  print(machineText(facts));
  const rows = await compareTools(size, (row) => process.stdout.write(`${comparedRowText(row)}\n`));
  keep({ quick, machine: facts }, [...rows, ...earlier().rows.filter((row) => row.case === 'memory')]);
}

async function measuringMemory(): Promise<void> {
  const sizes = { files: [10_000, 100_000, 1_000_000], sparseBytes: 20 * 2 ** 30 };
  // Each row is kept as it comes: the last comes an hour after the first.
  await measureMemory(sizes, (found) => {
    const row = memoryRow(found);
    process.stdout.write(`${comparedRowText(row)}\n`);
    const others = earlier().rows.filter((other) => !isSameMemory(other, row));
    keep({ quick: earlier().quick, machine: machine(results, 'builtin-test') }, [...others, row]);
  });
}

function isSameMemory(one: Row, other: Row): boolean {
  return one.case === 'memory' && one.what === other.what && one.files === other.files;
}

function earlier(): Results {
  return JSON.parse(readFileSync(`${results}/latest.json`, 'utf8')) as Results;
}

function keep(how: Pick<Results, 'quick' | 'machine'>, rows: readonly Row[]): void {
  const aims = aimsOf(rows);
  print(`\n${comparedAimsText(aims)}`);
  const found: Results = { ...how, aims, rows };
  save('latest', found);
  writeFileSync(`${results}/latest.svg`, chart(aims));
  write('README.md', aimsTable(found));
  write('docs/performance.md', performanceTables(found));
}

function memoryRow({ what, files, bytes, seconds, doubts, ...row }: MemoryRow): Row {
  return {
    ...{ case: 'memory', tool: 'holdfast', round: 1, what, files, seconds },
    filesPerSecond: files / seconds,
    mbPerSecond: bytes / 1e6 / seconds,
    cpuSeconds: Object.values(row.cpuSeconds).reduce((sum, one) => sum + one, 0),
    cpuByProcess: row.cpuSeconds,
    peakMemoryMb: row.ourPeakMemoryMb,
    requests: row.requests,
    bytesStored: row.bytesStored,
    ...(doubts.length === 0 ? {} : { void: doubts.join('; ') }),
  };
}

/** Replaces what a text says of measurements. */
function write(file: string, measured: string): void {
  const path = `${root}/${file}`;
  writeFileSync(path, withMeasured(readFileSync(path, 'utf8'), measured));
}

async function protecting(): Promise<object> {
  const size = quick
    ? { singles: 8, burst: 200, largeBytes: 128_000_000 }
    : { singles: 30, burst: 2_000, largeBytes: 1_000_000_000 };
  const stack = await makeStack({
    sources: { singles: undefined, burst: undefined, large: undefined },
    folderName: 'holdfast-bench-',
  });
  try {
    await stack.up();
    const { signatureSet } = await stack.service('clamd');
    const facts = machine(stack.folder, String(signatureSet));
    print(machineText(facts));
    await warmUp(stack);
    const rows = {
      singles: printed(await oneByOne(stack, size.singles)),
      burst: printed(await burst(stack, size.burst)),
      large: printed(await largeFile(stack, size.largeBytes)),
    };
    const judged = aims(rows);
    print(aimsText(judged));
    return { quick, machine: facts, aims: judged, rows: Object.values(rows) };
  } finally {
    await stack.remove();
  }
}

async function restoring(): Promise<object> {
  const comparisons = await restoreComparisons({ quick });
  for (const comparison of comparisons) print(comparisonText(comparison));
  return { quick, comparisons };
}

async function comparingOpenpgp(): Promise<object> {
  const rows = await openpgpComparison();
  print(openpgpText(rows));
  return { rows };
}

function save(name: string, result: object): void {
  writeFileSync(`${results}/${name}.json`, `${JSON.stringify(result, undefined, 1)}\n`);
}

function printed(row: Measured): Measured {
  print(rowText(row));
  return row;
}

function print(text: string): void {
  process.stdout.write(`${text}\n\n\n`);
}
