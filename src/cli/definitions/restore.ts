import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';
import { moment, momentHelp } from '../moment.ts';
import { addRestoreChoices, restoreChoicesHelp } from '../restore-options.ts';

/** Bringing things back. */
export function defineRestoreCommands({ command, run }: Cli): void {
  const restore = command('restore', say('help', 'restore'))
    .argument('<source[:path]>', say('help', 'restore_source_path'))
    .requiredOption('--to <folder>', say('help', 'recover_to'))
    .option('--at <time>', say('help', 'restore_at'), moment)
    .option('--version <id>', say('help', 'restore_version'))
    .option('--dry-run', say('help', 'restore_dry_run'));
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
${restoreChoicesHelp()}${momentHelp()}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/restore.ts')).runRestore(session, target, options),
      ),
    );
}
