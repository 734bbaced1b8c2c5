import { join } from 'node:path';
import { bytes, localTime, type Output, printable } from '../../src/cli/output.ts';
import type { FileRow } from '../../src/cli/rows.ts';
import { Failure } from '../../src/domain/failures.ts';
import { supervisorStatus } from '../../src/stack/control.ts';
import { runCommand } from '../../src/stack/run.ts';
import type { CliOptions } from './cli.ts';
import { compareTrees } from './compare.ts';
import { configure } from './config.ts';
import { type S3Facts, tryToDelete } from './delete-attempt.ts';
import type { Installation } from './installation.ts';
import { storyFile } from './planted.ts';
import { meanings, outcomeTable, plantedTable, Tally } from './tally.ts';

/** What every stop of the tour is given. */
export interface Tour {
  readonly output: Output;
  readonly installation: Installation;
  /** Runs a command of ours; gives its exit code. */
  readonly holdfast: (
    args: readonly string[],
    options?: Pick<CliOptions, 'onLine' | 'accept'>,
  ) => Promise<number>;
}

const lockDays = 1;

/** Configuration, keys and tools. `exclude`: patterns of what is left out of the given folder. */
export async function setUp(tour: Tour, exclude: readonly string[]): Promise<void> {
  const { output, installation } = tour;
  const { files, planted, paths, passwordFile, hasOwnPassword, isNew } = installation;
  output.line(`State folder    ${paths.home}`);
  output.line(`Your files      ${files.path}`);
  output.line(`                source "${files.name}": only read. Nothing is changed or moved there.`);
  if (exclude.length > 0) output.line(`                without ${exclude.join(' and ')}`);
  output.line(`Planted files   ${planted.path}`);
  output.line(`                source "${planted.name}": files made for this tour, one for each answer.`);
  output.line(
    hasOwnPassword
      ? `Password        made at random, in ${passwordFile} (only you can read it)`
      : `Password        yours, from ${passwordFile}`,
  );
  output.line(`Locks           GOVERNANCE, ${lockDays} day. What is uploaded now cannot be deleted before`);
  output.line(`                ${localTime(new Date(Date.now() + lockDays * 86_400_000))}.`);
  if (isNew) {
    const sources = [files, planted].flatMap(({ name, path }) => ['--source', `${name}=${path}`]);
    await tour.holdfast(
      ['init', ...sources, '--lock-days', String(lockDays), '--allow-test-signatures', '--yes', '--json'],
      // What it says is said above.
      { onLine: () => {} },
    );
  }
  configure(installation, exclude);
}

/** What of `status --json` is used here. */
interface Services {
  readonly temporal: { readonly ui: string };
  readonly clamd: { readonly signatureSet: string };
  readonly s3: S3Facts;
}

/** Starts all services; those that an earlier run left running are stopped first, because its folder may be another. */
export async function start(tour: Tour, { watch }: { readonly watch: boolean }): Promise<Services> {
  const { output, installation } = tour;
  if ((await supervisorStatus(installation.paths)) !== undefined) {
    output.line('The services still run from an earlier quickstart: they are started again.');
    await tour.holdfast(['down']);
  }
  await tour.holdfast(['up', '-d', ...(watch ? [] : ['--no-watch'])]);
  let services: Services | undefined;
  await tour.holdfast(['status', '--json'], {
    onLine: (line) => {
      services = (JSON.parse(line) as { services: Services }).services;
    },
  });
  if (services === undefined) throw new Error('status told nothing');
  if (services.clamd.signatureSet === 'builtin-test') {
    output.line();
    output.line(
      'WARNING: official virus signatures could not be fetched. The scanner knows nothing but the EICAR',
    );
    output.line('test file. REAL MALWARE IS NOT FOUND. Take this for a trial, not for protection.');
  }
  return services;
}

/** What `protect` told, and when it began. */
export interface Protected {
  readonly files: Tally;
  readonly planted: Tally;
  readonly beganAt: Date;
  /** Whether everything that was met has its place: no failure, nothing unreachable. */
  readonly isComplete: boolean;
}

/** Protects both folders and shows what became of every file. */
export async function protectAll(tour: Tour, webUi: string): Promise<Protected> {
  const { output, installation } = tour;
  const tallies = [new Tally(installation.files), new Tally(installation.planted)] as const;
  const [files, planted] = tallies;
  const beganAt = new Date();
  const exitCode = await tour.holdfast(
    ['--progress', 'protect', files.source.path, planted.source.path, '--wait', '--json'],
    {
      onLine: (line) => {
        const row = JSON.parse(line) as FileRow;
        tallies.find(({ source }) => source.name === row.source)?.add(row);
      },
      // 3: some files failed; they are named below, and the tour goes on.
      accept: [0, 3],
    },
  );
  output.line();
  output.line(outcomeTable(tallies));
  const unchanged = files.unchanged + planted.unchanged;
  if (unchanged > 0)
    output.line(`${unchanged} of them were protected already, by an earlier run or by the watcher.`);
  output.line();
  output.line('The planted files:');
  output.line(plantedTable(planted, installation.plantedFiles));
  for (const outcome of ['failed', 'quarantined'] as const) {
    if (files.count(outcome) === 0) continue;
    output.line();
    output.line(`${outcome} among your files (${meanings[outcome]}):`);
    for (const line of files.lines(outcome, 10)) output.line(`  ${line}`);
  }
  output.line();
  output.line(`Every file had a workflow of its own. Temporal Web UI: ${webUi}`);
  return { files, planted, beganAt, isComplete: exitCode === 0 };
}

/** The nine steps of one file, from the audit trail. */
export async function tellStory(tour: Tour): Promise<void> {
  await tour.holdfast(['show', `${tour.installation.planted.name}:${storyFile}`]);
}

/** What of the last line of `restore --json` is used here. */
interface Restored {
  readonly summary?: { readonly restored: number; readonly bytes: number };
}

/** Restores all that was protected into a new folder and compares it. Failure `restore_differs`. */
export async function restoreAll(tour: Tour, { files, planted, beganAt }: Protected): Promise<void> {
  const { output, installation } = tour;
  const folder = join(installation.paths.home, 'restored');
  // Not Node's own: what was restored may lie deeper than a path can say.
  await runCommand('rm', ['-rf', '--', folder]);
  for (const tally of [files, planted]) {
    const { name, path } = tally.source;
    const expected = tally.restorable();
    if (expected.size === 0) {
      output.line(`Nothing of "${name}" is in S3.`);
      continue;
    }
    await tour.holdfast(['--progress', 'restore', name, '--to', folder, '--json'], {
      onLine: (line) => {
        const { summary } = JSON.parse(line) as Restored;
        if (summary) output.line(`${summary.restored} entries restored, ${bytes(summary.bytes)}.`);
      },
    });
    const compared = await compareTrees(path, join(folder, name), expected, beganAt);
    const { equal, changedSince, older, differences } = compared;
    output.line(
      `Compared byte for byte: ${equal} of ${expected.size} entries of "${name}" are equal to the originals.`,
    );
    if (changedSince > 0) output.line(`Originals that changed meanwhile, so not compared: ${changedSince}.`);
    if (older > 0) output.line(`Restored from an earlier version, so not compared: ${older}.`);
    const [first] = differences;
    if (first !== undefined) {
      throw new Failure('restore_differs', {
        count: differences.length,
        path: printable(first.path.toString('utf8')),
        problem: first.problem,
      });
    }
  }
  output.line(`The restored files are in ${folder}.`);
}

/** Shows that not even the bucket's owner can delete what is locked. Failure `lock_not_enforced`. */
export async function tryDeletion(tour: Tour, { planted }: Protected, s3: S3Facts): Promise<void> {
  const { output } = tour;
  const { objectKey, placements } = planted.row(Buffer.from(storyFile)) ?? {};
  const versionId = placements?.[0]?.s3VersionId;
  if (!objectKey || !versionId) throw new Failure('lock_not_enforced');
  output.line(`As the bucket's owner: DELETE s3://${s3.bucket}/${objectKey}`);
  output.line(`                       version ${versionId}`);
  const refusal = await tryToDelete(s3, objectKey, versionId);
  output.line(`S3 refuses: ${refusal.answer}`);
  output.line(
    `The version is still there, locked in ${refusal.lockMode} mode until ${localTime(refusal.retainUntil)}.`,
  );
}
