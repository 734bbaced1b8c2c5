import { Option } from 'commander';
import { say } from '../../text/voice.ts';
import { type Cli, examples, wholeCount } from '../define.ts';
import { moment, momentHelp } from '../moment.ts';
import { runResults } from '../run-results.ts';

/** Protecting files and looking at what became of them. */
export function defineFilesCommands({ command, run }: Cli): void {
  command('protect', say('help', 'protect'))
    .argument('<path...>', say('help', 'protect_path'))
    .option('--wait', say('help', 'protect_wait'))
    .option('--dry-run', say('help', 'protect_dry_run'))
    .addHelpText(
      'after',
      examples(
        'holdfast protect /srv/documents --wait',
        'holdfast protect /srv/documents --dry-run',
        'holdfast protect a.txt b.txt --wait --json',
      ),
    )
    .action(
      run(async (session, paths, options) =>
        (await import('../commands/protect.ts')).runProtect(session, paths, options),
      ),
    );

  command('files', say('help', 'files'))
    .argument('[target]', say('help', 'files_target'))
    .option('--outcome <outcome>', say('help', 'files_outcome'))
    .option('--deleted', say('help', 'files_deleted'))
    .option('--lacking <destination>', say('help', 'files_lacking'))
    .option('--infected', say('help', 'files_infected'))
    .option('--source <name>', say('help', 'files_source'))
    .option('--reason <code>', say('help', 'files_reason'))
    .option('--run <id>', say('help', 'files_run'))
    .option('--class <name>', say('help', 'files_class'))
    .option('--changed-since <time>', say('help', 'files_changed_since'), moment)
    .option('--name <pattern>', say('help', 'files_name'))
    .addHelpText(
      'after',
      `${examples(
        'holdfast files',
        'holdfast files documents:letters --json',
        'holdfast files --outcome failed',
        "holdfast files --source documents --class restricted --changed-since 7d --name '*.odt'",
      )}${momentHelp()}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/files.ts')).runFiles(session, target, options),
      ),
    );

  command('show', say('help', 'show'))
    .argument('<source:path>', say('help', 'show_source_path'))
    .option('--version <id>', say('help', 'show_version'))
    .addHelpText('after', examples('holdfast show documents:letters/2026.odt'))
    .action(
      run(async (session, target, options) =>
        (await import('../commands/show.ts')).runShow(session, target, options),
      ),
    );

  command('runs', say('help', 'runs'))
    .option('--source <name>', say('help', 'runs_source'))
    .option('--since <time>', say('help', 'runs_since'), moment)
    .addOption(new Option('--result <result>', say('help', 'runs_result')).choices(Object.keys(runResults)))
    .option('--limit <count>', say('help', 'runs_limit'), wholeCount, 20)
    .addHelpText(
      'after',
      `${examples(
        'holdfast runs',
        'holdfast runs --source documents --since 7d --result warnings',
        'holdfast runs --limit 100 --json',
      )}
${say('help', 'runs_about')}${momentHelp()}`,
    )
    .action(run(async (session, options) => (await import('../commands/runs.ts')).runRuns(session, options)));

  const oneRun = command('run', say('help', 'run')).addHelpText(
    'after',
    examples('holdfast run show 0123456789abcdef0123456789abcdef'),
  );
  command('show', say('help', 'run_show'), oneRun)
    .argument('<id>', say('help', 'run_show_id'))
    .option('--limit <count>', say('help', 'run_show_limit'), wholeCount, 100)
    .addHelpText(
      'after',
      `${examples(
        'holdfast run show 0123456789abcdef0123456789abcdef',
        'holdfast run show 0123456789abcdef0123456789abcdef --json | jq .webUi.troubled',
      )}
${say('help', 'run_show_about')}`,
    )
    .action(
      run(async (session, id, options) =>
        (await import('../commands/run-show.ts')).runRunShow(session, id, options),
      ),
    );
}
