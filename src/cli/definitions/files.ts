import { Option } from 'commander';
import { type Cli, examples, wholeCount } from '../define.ts';
import { moment, momentHelp } from '../moment.ts';
import { runResults } from '../run-results.ts';

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
    .option('--source <name>', 'only in this source')
    .option('--reason <code>', "only with this reason: a rule's id or a failure's code, as it is listed")
    .option('--run <id>', 'only what this run found as it stands')
    .option('--class <name>', 'only of this classification: public, internal, confidential or restricted')
    .option('--changed-since <time>', 'only what was found new or changed since', moment)
    .option('--name <pattern>', 'only where a name or, with a slash, the path matches, as `find` takes it')
    .addHelpText(
      'after',
      `${examples(
        'holdfast files',
        'holdfast files documents:letters --json',
        'holdfast files --outcome failed',
        "holdfast files --source documents --class restricted --changed-since 7d --name '*.odt'",
      )}${momentHelp}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/files.ts')).runFiles(session, target, options),
      ),
    );

  command('show', "one entry's life story, step by step")
    .argument('<source:path>', 'the entry, as `files` prints it; or the id of a version, as reports do')
    .option('--version <id>', 'an older version')
    .addHelpText('after', examples('holdfast show documents:letters/2026.odt'))
    .action(
      run(async (session, target, options) =>
        (await import('../commands/show.ts')).runShow(session, target, options),
      ),
    );

  command('runs', 'the newest runs and their results')
    .option('--source <name>', 'only those that had to do with this source')
    .option('--since <time>', 'only those that began since', moment)
    .addOption(
      new Option('--result <result>', 'only those that ended so, or run').choices(Object.keys(runResults)),
    )
    .option('--limit <count>', 'how many', wholeCount, 20)
    .addHelpText(
      'after',
      `${examples(
        'holdfast runs',
        'holdfast runs --source documents --since 7d --result warnings',
        'holdfast runs --limit 100 --json',
      )}
\`warnings\` are those that were complete and left something to look at.${momentHelp}`,
    )
    .action(run(async (session, options) => (await import('../commands/runs.ts')).runRuns(session, options)));

  const oneRun = command('run', 'what one run did: show').addHelpText(
    'after',
    examples('holdfast run show 0123456789abcdef0123456789abcdef'),
  );
  command('show', 'what it was, what became of its files, and where to look at them in the Web UI', oneRun)
    .argument('<id>', 'as `runs` prints it')
    .option(
      '--limit <count>',
      'how many of the files that failed, were quarantined or are held',
      wholeCount,
      100,
    )
    .addHelpText(
      'after',
      `${examples(
        'holdfast run show 0123456789abcdef0123456789abcdef',
        'holdfast run show 0123456789abcdef0123456789abcdef --json | jq .webUi.troubled',
      )}
\`report run\` lists all files of a run. The Web UI knows a workflow for some days after it ended, the catalog for good.`,
    )
    .action(
      run(async (session, id, options) =>
        (await import('../commands/run-show.ts')).runRunShow(session, id, options),
      ),
    );
}
