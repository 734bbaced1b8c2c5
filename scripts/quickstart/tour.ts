import { join } from 'node:path';
import { bytes, localTime, type Output, printable, table } from '../../src/cli/output.ts';
import type { FileRow } from '../../src/cli/rows.ts';
import { word } from '../../src/cli/words.ts';
import { Failure } from '../../src/domain/failures.ts';
import { supervisorStatus } from '../../src/stack/control.ts';
import { runCommand } from '../../src/stack/run.ts';
import { say } from '../../src/text/voice.ts';
import type { CliOptions } from './cli.ts';
import { compareTrees } from './compare.ts';
import { configure } from './config.ts';
import { type S3Facts, tryToDelete } from './delete-attempt.ts';
import type { Installation } from './installation.ts';
import { storyFile } from './planted.ts';
import { outcomeTable, plantedTable, Tally } from './tally.ts';

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
  const lines: [string, string][] = [
    [say('tour', 'state_folder'), paths.home],
    [say('tour', 'your_files'), files.path],
    ['', say('tour', 'only_read', { name: files.name })],
    ...(exclude.length > 0
      ? [['', say('tour', 'without', { names: exclude.join(', ') })] satisfies [string, string]]
      : []),
    [say('tour', 'planted_files'), planted.path],
    ['', say('tour', 'for_this_tour', { name: planted.name })],
    [
      say('tour', 'password'),
      say('tour', hasOwnPassword ? 'password_made' : 'password_yours', { file: passwordFile }),
    ],
    [say('tour', 'locks'), say('tour', 'lock_days', { days: lockDays })],
    ['', `${localTime(new Date(Date.now() + lockDays * 86_400_000))}.`],
  ];
  output.line(table(lines));
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
    output.line(say('tour', 'still_run'));
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
    output.line(say('tour', 'no_signatures'));
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
  if (unchanged > 0) output.line(say('tour', 'already', { count: unchanged }));
  output.line();
  output.line(say('tour', 'planted_were'));
  output.line(plantedTable(planted, installation.plantedFiles));
  for (const outcome of ['failed', 'quarantined'] as const) {
    if (files.count(outcome) === 0) continue;
    output.line();
    output.line(
      say('tour', 'among_yours', { outcome: word(outcome), means: say('tour', `means_${outcome}`) }),
    );
    for (const line of files.lines(outcome, 10)) output.line(`  ${line}`);
  }
  output.line();
  output.line(say('tour', 'web_ui', { address: webUi }));
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
      output.line(say('tour', 'nothing_in_s3', { name }));
      continue;
    }
    await tour.holdfast(['--progress', 'restore', name, '--to', folder, '--json'], {
      onLine: (line) => {
        const { summary } = JSON.parse(line) as Restored;
        if (summary)
          output.line(say('tour', 'restored', { entries: summary.restored, bytes: bytes(summary.bytes) }));
      },
    });
    const compared = await compareTrees(path, join(folder, name), expected, beganAt);
    const { equal, changedSince, older, differences } = compared;
    output.line(say('tour', 'compared', { equal, of: expected.size, name }));
    if (changedSince > 0) output.line(say('tour', 'changed_since', { count: changedSince }));
    if (older > 0) output.line(say('tour', 'older', { count: older }));
    const [first] = differences;
    if (first !== undefined) {
      throw new Failure('restore_differs', {
        count: differences.length,
        path: printable(first.path.toString('utf8')),
        problem: first.problem,
      });
    }
  }
  output.line(say('tour', 'restored_in', { folder }));
}

/** Shows that not even the bucket's owner can delete what is locked. Failure `lock_not_enforced`. */
export async function tryDeletion(tour: Tour, { planted }: Protected, s3: S3Facts): Promise<void> {
  const { output } = tour;
  const { objectKey, placements } = planted.row(Buffer.from(storyFile)) ?? {};
  const versionId = placements?.[0]?.s3VersionId;
  if (!objectKey || !versionId) throw new Failure('lock_not_enforced');
  output.line(say('tour', 'as_owner', { object: `s3://${s3.bucket}/${objectKey}`, version: versionId }));
  const refusal = await tryToDelete(s3, objectKey, versionId);
  output.line(say('tour', 'refused', { answer: refusal.answer }));
  output.line(
    say('tour', 'still_there', { mode: String(refusal.lockMode), until: localTime(refusal.retainUntil) }),
  );
}
