import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';

/** Looking at whole sources, now and by the clock. */
export function defineSweepCommands({ command, run }: Cli): void {
  command('sweep', say('help', 'sweep'))
    .argument('<source>', say('help', 'retention_resume_source'))
    .option('--wait', say('help', 'sweep_wait'))
    .option('--confirm-deletions', say('help', 'sweep_confirm_deletions'))
    .addHelpText(
      'after',
      `
${say('help', 'sweep_about')}
${examples('holdfast sweep documents --wait', 'holdfast sweep documents --wait --confirm-deletions')}`,
    )
    .action(
      run(async (session, source, options) =>
        (await import('../commands/sweep.ts')).runSweep(session, source, options),
      ),
    );

  const schedule = command('schedule', say('help', 'schedule')).addHelpText(
    'after',
    examples('holdfast schedule list', "holdfast schedule pause 'sweep documents'"),
  );
  command('list', say('help', 'schedule_list'), schedule).action(
    run(async (session) => (await import('../commands/schedule.ts')).runScheduleList(session)),
  );
  for (const [name, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    command(name, paused ? say('help', 'schedule_switch') : say('help', 'schedule_switch_2'), schedule)
      .argument('<name>', say('help', 'schedule_switch_name'))
      .addHelpText('after', examples(`holdfast schedule ${name} 'sweep documents'`))
      .action(
        run(async (session, scheduled) =>
          (await import('../commands/schedule.ts')).runSchedulePause(session, scheduled, paused),
        ),
      );
  }
}
