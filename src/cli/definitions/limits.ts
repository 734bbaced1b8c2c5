import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';

/** How much of the line uploads may take. */
export function defineLimitsCommands({ command, run }: Cli): void {
  const limits = command('limits', say('help', 'limits')).addHelpText(
    'after',
    examples('holdfast limits show', 'holdfast limits set upload 2Mbit --for 2h'),
  );

  command('show', say('help', 'limits_show'), limits)
    .addHelpText('after', examples('holdfast limits show', 'holdfast limits show --json'))
    .action(run(async (session) => (await import('../commands/limits.ts')).runLimitsShow(session)));

  command('set', say('help', 'limits_set'), limits)
    .argument('<what>', say('help', 'limits_set_what'))
    .argument('<rate>', say('help', 'limits_set_rate'))
    .option('--for <duration>', say('help', 'limits_set_for'))
    .addHelpText(
      'after',
      `
${say('help', 'limits_set_about')}
${examples('holdfast limits set upload 512KiB', 'holdfast limits set upload none --for 12h')}`,
    )
    .action(
      run(async (session, what, rate, options) =>
        (await import('../commands/limits.ts')).runLimitsSet(session, what, rate, options),
      ),
    );

  command('reset', say('help', 'limits_reset'), limits)
    .argument('<what>', say('help', 'limits_set_what'))
    .addHelpText('after', examples('holdfast limits reset upload'))
    .action(
      run(async (session, what) => (await import('../commands/limits.ts')).runLimitsReset(session, what)),
    );
}
