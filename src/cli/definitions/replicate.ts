import { type Cli, examples } from '../define.ts';

/** Copies between destinations. */
export function defineReplicateCommands({ command, run }: Cli): void {
  command('replicate', 'fill a destination with copies of what another one has')
    .argument('<from>', 'the destination that has it, as the configuration names it')
    .argument('<to>', 'the one that gets it')
    .option('--source <name>', 'only what belongs to this source')
    .option('--dry-run', 'only say what would be copied')
    .option('--wait', 'show progress and return when everything is copied')
    .addHelpText(
      'after',
      `
Sealed files are copied as they are, without their originals, under locks of their own; the release policy is asked for each.
The worker does it: interrupt this command, or the worker, whenever you like, and it goes on where it stopped. What the policy
denies is not copied. Exit code 3 when something could not be copied; it is tried again every ten minutes.
${examples(
  'holdfast replicate primary second --dry-run',
  'holdfast replicate primary second --wait',
  'holdfast replicate primary second --source documents --wait --json',
)}`,
    )
    .action(
      run(async (session, from, to, options) =>
        (await import('../commands/replicate.ts')).runReplicate(session, from, to, options),
      ),
    );
}
