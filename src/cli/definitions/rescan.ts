import { say } from '../../text/voice.ts';
import { type Cli, examples, wholeCount } from '../define.ts';

/** Looking again, with what is known by now, at what was stored long ago. */
export function defineRescanCommands({ command, run }: Cli): void {
  command('rescan', say('help', 'rescan'))
    .option('--since-signatures', say('help', 'rescan_since_signatures'))
    .option('--source <name>', say('help', 'rescan_source'))
    .option('--limit <count>', say('help', 'rescan_limit'), wholeCount)
    .option('--wait', say('help', 'rescan_wait'))
    .option('--dry-run', say('help', 'rescan_dry_run'))
    .addHelpText(
      'after',
      `
${say('help', 'rescan_about')}
${examples(
  'holdfast rescan --since-signatures --dry-run',
  'holdfast rescan --since-signatures --wait',
  'holdfast rescan --source documents --limit 1000 --wait --json',
)}`,
    )
    .action(
      run(async (session, options) => (await import('../commands/rescan.ts')).runRescan(session, options)),
    );
}
