import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';

/** Copies between destinations. */
export function defineReplicateCommands({ command, run }: Cli): void {
  command('replicate', say('help', 'replicate'))
    .argument('<from>', say('help', 'replicate_from'))
    .argument('<to>', say('help', 'replicate_to'))
    .option('--source <name>', say('help', 'replicate_source'))
    .option('--dry-run', say('help', 'replicate_dry_run'))
    .option('--wait', say('help', 'replicate_wait'))
    .addHelpText(
      'after',
      `
${say('help', 'replicate_about')}
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
