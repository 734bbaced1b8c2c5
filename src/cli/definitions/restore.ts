import { type Cli, examples } from '../define.ts';
import { moment, momentHelp } from '../moment.ts';
import { addRestoreChoices, restoreChoicesHelp } from '../restore-options.ts';

/** Bringing things back. */
export function defineRestoreCommands({ command, run }: Cli): void {
  const restore = command('restore', 'bring a source, a folder or a file back into a folder')
    .argument('<source[:path]>', 'what to restore, as `files` prints it; * ? [] and ** in a path match names')
    .requiredOption('--to <folder>', 'where to; everything goes below <folder>/<source>')
    .option('--at <time>', 'as it was at this moment', moment)
    .option('--version <id>', 'this version of the entry, as `show` or `find --versions` prints it')
    .option('--dry-run', 'show what would be restored, and how many bytes');
  addRestoreChoices(restore)
    .addHelpText(
      'after',
      `${examples(
        'holdfast restore documents --to /srv/restored',
        'holdfast restore documents:letters/2026.odt --to /srv/restored --dry-run',
        'holdfast restore documents:letters --to /srv/restored --at 2026-11-20',
        "holdfast restore 'documents:letters/**/*.odt' --to /srv/restored --exclude drafts",
        'sudo holdfast restore documents --to /srv --owner --overwrite if-newer',
      )}
${restoreChoicesHelp}${momentHelp}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/restore.ts')).runRestore(session, target, options),
      ),
    );
}
