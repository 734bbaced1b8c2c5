import { InvalidArgumentError, Option } from 'commander';
import { outcomes } from '../../domain/records.ts';
import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';
import { addMessageKeyOptions } from '../message-keys.ts';
import { moment, momentHelp } from '../moment.ts';

/** Looking at what is protected, as it is and as it was. */
export function defineLookCommands({ command, run }: Cli): void {
  command('ls', say('help', 'ls'))
    .argument('<source[:path]>', say('help', 'ls_source_path'))
    .option('--at <time>', say('help', 'ls_at'), moment)
    .option('-R, --recursive', say('help', 'ls_recursive'))
    .option('-l, --long', say('help', 'ls_long'))
    .addHelpText(
      'after',
      `${examples(
        'holdfast ls documents',
        'holdfast ls documents:letters --at 2026-11-20 --long',
        'holdfast ls documents --recursive --json',
      )}
${say('help', 'ls_about')}
${momentHelp()}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/ls.ts')).runLs(session, target, options),
      ),
    );

  addMessageKeyOptions(
    command('cat', say('help', 'cat'))
      .argument('<source:path>', say('help', 'prove_source_path'))
      .option('--at <time>', say('help', 'ls_at'), moment)
      .option('--version <id>', say('help', 'cat_version'))
      .option('--include-infected', say('help', 'cat_include_infected')),
  )
    .addHelpText(
      'after',
      `${examples(
        'holdfast cat documents:letters/2026.odt > 2026.odt',
        'holdfast cat documents:accounts.csv --at 3d | less',
        'holdfast cat documents:accounts.csv --version 0123456789abcdef0123456789abcdef',
      )}
${say('help', 'cat_about')}
${momentHelp()}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/cat.ts')).runCat(session, target, options),
      ),
    );

  command('find', say('help', 'find'))
    .argument('<pattern>', say('help', 'find_pattern'))
    .option('--source <name>', say('help', 'files_source'))
    .option('--at <time>', say('help', 'ls_at'), moment)
    .addOption(new Option('--type <letter>', say('help', 'find_type')).choices(['f', 'd', 'l']))
    .option('--newer <time>', say('help', 'find_newer'), moment)
    .option('--larger <size>', say('help', 'find_larger'), size)
    .addOption(new Option('--outcome <outcome>', say('help', 'find_outcome')).choices(outcomes))
    .option('--versions', say('help', 'find_versions'))
    .addHelpText(
      'after',
      `${examples(
        "holdfast find '*.odt'",
        "holdfast find 'letters/**/*.odt' --source documents --versions",
        'holdfast find accounts.csv --outcome deleted',
        "holdfast find '*' --larger 1GiB --newer 7d --json",
      )}
${say('help', 'find_about')}
${momentHelp()}`,
    )
    .action(
      run(async (session, pattern, options) =>
        (await import('../commands/find.ts')).runFind(session, pattern, options),
      ),
    );

  command('diff', say('help', 'diff'))
    .argument('<from>', say('help', 'diff_from'), moment)
    .argument('<to>', say('help', 'diff_to'), moment)
    .argument('[target]', say('help', 'diff_target'))
    .addHelpText(
      'after',
      `${examples(
        'holdfast diff 2026-11-20 now',
        'holdfast diff 1d now documents:letters',
        "holdfast diff '2026-11-20 08:00' '2026-11-20 18:00' documents --json",
      )}
${say('help', 'diff_about')}
${momentHelp()}`,
    )
    .action(
      run(async (session, from, to, target) =>
        (await import('../commands/diff.ts')).runDiff(session, from, to, target),
      ),
    );
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

function size(text: string): number {
  const found = /^(?<count>\d{1,15})(?<unit>|B|KiB|MiB|GiB|TiB)$/.exec(text)?.groups;
  if (found === undefined) throw new InvalidArgumentError(say('help', 'diff_invalid'));
  return Number(found.count) * (unitBytes[found.unit ?? ''] ?? 1);
}
