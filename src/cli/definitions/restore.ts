import { type Cli, examples } from '../define.ts';

/** Bringing things back. */
export function defineRestoreCommands({ command, run }: Cli): void {
  command('restore', 'bring a source, a folder or a file back into a folder')
    .argument('<source[:path]>', 'what to restore, as `files` prints it')
    .requiredOption('--to <folder>', 'where to; everything goes below <folder>/<source>')
    .option('--dry-run', 'show what would be restored, and how many bytes')
    .addHelpText(
      'after',
      examples(
        'holdfast restore documents --to /tmp/restored',
        'holdfast restore documents:letters/2026.odt --to /tmp/restored --dry-run',
      ),
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/restore.ts')).runRestore(session, target, options),
      ),
    );
}
