import { type Cli, examples, wholeCount } from '../define.ts';

/** Protecting files and looking at what became of them. */
export function defineFilesCommands({ command, run }: Cli): void {
  command('protect', 'protect files and folders now')
    .argument('<path...>', 'paths inside a source')
    .option('--wait', 'return when every entry has its outcome (or is held for approval)')
    .option('--dry-run', 'show what would be taken, why not, and until when it would be locked')
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

  command('files', 'list what the catalog knows, entry by entry')
    .argument('[target]', '<source> or <source>:<path>')
    .option('--outcome <outcome>', 'only entries with this outcome')
    .option('--deleted', 'also what was deleted')
    .option('--lacking <destination>', 'only what lies elsewhere and has no copy in this destination')
    .option('--infected', 'only what newer signatures found infected after it was stored')
    .addHelpText(
      'after',
      examples(
        'holdfast files',
        'holdfast files documents:letters --json',
        'holdfast files --outcome failed',
      ),
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/files.ts')).runFiles(session, target, options),
      ),
    );

  command('show', "one entry's life story, step by step")
    .argument('<source:path>', 'the entry, as `files` prints it')
    .option('--version <id>', 'an older version')
    .addHelpText('after', examples('holdfast show documents:letters/2026.odt'))
    .action(
      run(async (session, target, options) =>
        (await import('../commands/show.ts')).runShow(session, target, options),
      ),
    );

  command('runs', 'the newest runs and their results')
    .option('--limit <count>', 'how many', wholeCount, 20)
    .addHelpText('after', examples('holdfast runs', 'holdfast runs --limit 100 --json'))
    .action(run(async (session, options) => (await import('../commands/runs.ts')).runRuns(session, options)));
}
