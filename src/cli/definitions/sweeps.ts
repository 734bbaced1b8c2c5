import { type Cli, examples } from '../define.ts';

/** Looking at whole sources, now and by the clock. */
export function defineSweepCommands({ command, run }: Cli): void {
  command('sweep', 'look at every entry of a source and protect what changed')
    .argument('<source>', 'the source, by its name')
    .option('--wait', 'return when every entry has its outcome')
    .option('--confirm-deletions', 'what is gone was meant to go, however much it is')
    .addHelpText(
      'after',
      `
The watcher can miss changes; a sweep cannot. Each source is swept once a day unless its \`sweep\` says otherwise. When more
than 1,000 entries are gone, or more than a tenth, nothing counts as deleted until it is confirmed.
${examples('holdfast sweep documents --wait', 'holdfast sweep documents --wait --confirm-deletions')}`,
    )
    .action(
      run(async (session, source, options) =>
        (await import('../commands/sweep.ts')).runSweep(session, source, options),
      ),
    );

  const schedule = command('schedule', 'what recurs by itself: list, pause, resume').addHelpText(
    'after',
    examples('holdfast schedule list', "holdfast schedule pause 'sweep documents'"),
  );
  command('list', 'what is scheduled, and when', schedule).action(
    run(async (session) => (await import('../commands/schedule.ts')).runScheduleList(session)),
  );
  for (const [name, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    command(name, paused ? 'stop it until it is resumed' : 'let it go on', schedule)
      .argument('<name>', 'as `schedule list` prints it')
      .addHelpText('after', examples(`holdfast schedule ${name} 'sweep documents'`))
      .action(
        run(async (session, scheduled) =>
          (await import('../commands/schedule.ts')).runSchedulePause(session, scheduled, paused),
        ),
      );
  }
}
