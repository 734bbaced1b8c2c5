import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Overwrite } from '../restore/occupant.ts';
import type { RestoreRequest } from '../restore/restore.ts';
import { collect } from './define.ts';
import { addMessageKeyOptions, type MessageKeyOptions } from './message-keys.ts';

/** What commands that restore let their user choose. */
export interface RestoreChoices extends MessageKeyOptions {
  readonly at?: Date;
  readonly overwrite?: Overwrite;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly jobs?: number;
  readonly owner?: boolean;
  readonly xattrs?: boolean;
  readonly dryRun?: boolean;
  readonly includeInfected?: boolean;
}

/** Adds those of the options that every command that restores has, except `--at` and `--dry-run`. */
export function addRestoreChoices(command: Command): Command {
  return addMessageKeyOptions(command)
    .addOption(
      new Option('--overwrite <when>', 'replace a different file or link that has the name')
        .choices(['never', 'if-newer', 'always'])
        .default('never'),
    )
    .option(
      '--include <pattern>',
      'only what matches (gitignore syntax); may be given several times',
      collect,
    )
    .option('--exclude <pattern>', 'leave out what matches; may be given several times', collect)
    .option('--jobs <n>', 'files restored at once, 1 to 64 (default: 8)', wholeJobs)
    .option('--owner', 'give back owner and group by number, and what goes with them')
    .option('--no-xattrs', 'leave out extended attributes')
    .option('--include-infected', 'also what was found infected after it was stored');
}

export const restoreChoicesHelp = `
What has an entry's name already: a file with equal content is done, and gets its metadata again. Anything else is never
touched, and the entry is restored beside it as "name (1)"; with --overwrite always a different file or link is replaced,
with if-newer when the entry's modification time is later. Folders are never replaced.
Patterns are relative to the source: "*.odt" matches at any depth, "/letters" only at the top; an excluded folder excludes
all below it.
Set-uid, set-gid, capabilities and access lists lend the rights of an owner, so they come back only with --owner, which needs
root to give files away. What could not be set is counted as a warning; the content is whole all the same.
What newer signatures found infected in the bucket is left out and named (code 3); --include-infected restores it too.
Restoring can be stopped at any moment: the same command goes on where it stopped. Until it is through, the folder holds
".holdfast-restore-<id>", and beside large files ".holdfast-<version>.partial".
`;

/** As a request has them. */
export function requestChoices(choices: RestoreChoices): Partial<RestoreRequest> {
  const { at, overwrite, include, exclude, jobs, owner, xattrs, dryRun, includeInfected } = choices;
  return {
    ...(at === undefined ? {} : { at }),
    ...(overwrite === undefined ? {} : { overwrite }),
    ...(include === undefined ? {} : { include }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(owner === undefined ? {} : { owner }),
    ...(xattrs === undefined ? {} : { xattrs }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(includeInfected === undefined ? {} : { includeInfected }),
  };
}

function wholeJobs(text: string): number {
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) throw new InvalidArgumentError('1 to 64.');
  return jobs;
}
