import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Overwrite } from '../restore/occupant.ts';
import type { RestoreRequest } from '../restore/restore.ts';
import { say } from '../text/voice.ts';
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
      new Option('--overwrite <when>', say('help', 'restore_options_overwrite'))
        .choices(['never', 'if-newer', 'always'])
        .default('never'),
    )
    .option('--include <pattern>', say('help', 'restore_options_include'), collect)
    .option('--exclude <pattern>', say('help', 'restore_options_exclude'), collect)
    .option('--jobs <n>', say('help', 'restore_options_jobs'), wholeJobs)
    .option('--owner', say('help', 'restore_options_owner'))
    .option('--no-xattrs', say('help', 'restore_options_no_xattrs'))
    .option('--include-infected', say('help', 'cat_include_infected'));
}

export const restoreChoicesHelp = (): string => `
${say('help', 'restoreChoicesHelp')}
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
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64)
    throw new InvalidArgumentError(say('help', 'inspect_invalid_2'));
  return jobs;
}
