import { type Cli, examples, wholeCount } from '../define.ts';

/** Looking again, with what is known by now, at what was stored long ago. */
export function defineRescanCommands({ command, run }: Cli): void {
  command('rescan', 'scan what is stored again, by signatures that came later')
    .option('--since-signatures', 'what older signatures judged, or none did (the default)')
    .option('--source <name>', 'only what this source holds')
    .option('--limit <count>', 'at most so many contents, what was judged longest ago first', wholeCount)
    .option('--wait', 'return when it is through')
    .option('--dry-run', 'only tell how much is due')
    .addHelpText(
      'after',
      `
Reads content back from the bucket, as fast as \`rescan.rate\` in the configuration allows, and has it scanned on the way:
nothing is written to a disk. It runs by itself once a day unless \`rescan\` says otherwise. What is found infected is
marked in all its versions and alerted, never deleted: restore leaves it out, and the next sweep looks at the original
again. Code 3 with --wait when something is infected or could not be read.
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
