import { type Cli, examples } from '../define.ts';

/** How much of the line uploads may take. */
export function defineLimitsCommands({ command, run }: Cli): void {
  const limits = command('limits', 'what uploads may take of the line: show, set, reset').addHelpText(
    'after',
    examples('holdfast limits show', 'holdfast limits set upload 2Mbit --for 2h'),
  );

  command('show', 'what holds now, and why', limits)
    .addHelpText('after', examples('holdfast limits show', 'holdfast limits show --json'))
    .action(run(async (session) => (await import('../commands/limits.ts')).runLimitsShow(session)));

  command('set', 'change a limit at once, whatever the configuration says', limits)
    .argument('<what>', 'upload')
    .argument('<rate>', 'for example 2Mbit (bits) or 256KiB (bytes), each per second; none: no limit')
    .option('--for <duration>', 'how long, like 30m, 2h or 1d; without it until `limits reset`')
    .addHelpText(
      'after',
      `
Counts within seconds, for uploads under way too, on every host of this catalog. Providers sell bits: a line of 10 Mb/s
carries 10Mbit, which is 1.2MiB. Above 8 MiB a part that was begun without a limit still goes as fast as it can.
${examples('holdfast limits set upload 512KiB', 'holdfast limits set upload none --for 12h')}`,
    )
    .action(
      run(async (session, what, rate, options) =>
        (await import('../commands/limits.ts')).runLimitsSet(session, what, rate, options),
      ),
    );

  command('reset', 'let the configuration count again', limits)
    .argument('<what>', 'upload')
    .addHelpText('after', examples('holdfast limits reset upload'))
    .action(
      run(async (session, what) => (await import('../commands/limits.ts')).runLimitsReset(session, what)),
    );
}
