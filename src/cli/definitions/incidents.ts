import { Option } from 'commander';
import { noticeMeans } from '../../domain/incidents.ts';
import { incidentKinds } from '../../domain/records.ts';
import { languages } from '../../text/language.ts';
import { type Cli, examples, wholeCount } from '../define.ts';
import { moment } from '../moment.ts';

/** The breach register, and who is told of what happens. */
export function defineIncidentCommands({ command, run }: Cli): void {
  const incident = command(
    'incident',
    'the breach register: list, show, acknowledge, notify, close, open',
  ).addHelpText(
    'after',
    examples(
      'holdfast incident list',
      'holdfast incident show 6f1c9f0d',
      'holdfast incident notify 6f1c9f0d --draft',
    ),
  );

  command(
    'list',
    'incidents that are not closed, the oldest first, and how long there is to notify them',
    incident,
  )
    .option('--all', 'also what is closed')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(incidentKinds))
    .addHelpText('after', examples('holdfast incident list', 'holdfast incident list --all --json'))
    .action(
      run(async (session, options) =>
        (await import('../commands/incident.ts')).runIncidentList(session, options),
      ),
    );

  command('show', 'one incident: what happened, what it means, what to do, who did what', incident)
    .argument('<incident>', 'as `incident list` prints it; the first digits are enough')
    .addHelpText('after', examples('holdfast incident show 6f1c9f0d'))
    .action(
      run(async (session, id) => (await import('../commands/incident.ts')).runIncidentShow(session, id)),
    );

  command('ack', 'say that you have an incident in hand; its clock goes on', incident)
    .argument('<incident>', 'as `incident list` prints it')
    .addHelpText('after', examples('holdfast incident ack 6f1c9f0d'))
    .action(
      run(async (session, id) => (await import('../commands/incident-act.ts')).runIncidentAck(session, id)),
    );

  command('notify', 'print the prepared notice, send it, or record whom you told', incident)
    .argument('<incident>', 'as `incident list` prints it')
    .option('--draft', 'print the notice that the law asks for, ready to be completed; nothing is recorded')
    .addOption(
      new Option('--language <language>', 'of the draft (default: that of the configuration)').choices(
        languages,
      ),
    )
    .option('--send', 'send the notice by e-mail, and record it once the server has taken it')
    .option('--to <who>', 'whom you told; with --send the address (default: breaches.authority.email)')
    .addOption(new Option('--by <means>', 'how you told them').choices(noticeMeans))
    .option('--at <time>', 'when you told them (default: now)', moment)
    .addHelpText(
      'after',
      `
Exactly one of three: --draft, --send, or --to with --by for what you sent yourself. From then on the clock stands still.
${examples(
  'holdfast incident notify 6f1c9f0d --draft --language fr > notice.txt',
  'holdfast incident notify 6f1c9f0d --to "the authority" --by letter --at 2026-11-20T14:05',
  'holdfast incident notify 6f1c9f0d --send',
)}`,
    )
    .action(
      run(async (session, id, options) =>
        (await import('../commands/incident-act.ts')).runIncidentNotify(session, id, options),
      ),
    );

  command('close', 'end an incident: what was not notified needs a reason', incident)
    .argument('<incident>', 'as `incident list` prints it')
    .option('--reason <text>', 'your own words, kept with it')
    .addHelpText(
      'after',
      examples(
        'holdfast incident close 6f1c9f0d',
        'holdfast incident close 6f1c9f0d --reason "test file, no personal data"',
      ),
    )
    .action(
      run(async (session, id, options) =>
        (await import('../commands/incident-act.ts')).runIncidentClose(session, id, options),
      ),
    );

  command('open', 'enter an incident that nothing here could detect', incident)
    .addOption(new Option('--kind <kind>', 'what it is').choices(incidentKinds).default('other'))
    .requiredOption('--detail <text>', 'what happened, in your own words')
    .option('--source <name>', 'the source it is about')
    .option('--detected <time>', 'when it was noticed: its clock begins there (default: now)', moment)
    .addHelpText(
      'after',
      examples(
        'holdfast incident open --detail "a laptop with copies of the archive was stolen" --detected 2h',
      ),
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/incident-act.ts')).runIncidentOpen(session, options),
      ),
    );

  const notify = command('notify', 'who is told of what happens: test, list').addHelpText(
    'after',
    examples('holdfast notify test', 'holdfast notify list'),
  );

  command('test', 'send a test message, and wait until it was taken', notify)
    .argument('[channel]', 'name of the channel (default: all)')
    .addHelpText(
      'after',
      `
The message takes the way of every other: through the worker. Exit code 5 when a channel did not take it.
${examples('holdfast notify test', 'holdfast notify test officer')}`,
    )
    .action(
      run(async (session, channel) =>
        (await import('../commands/notify.ts')).runNotifyTest(session, channel),
      ),
    );

  command('list', 'messages, the newest first: what was sent, waits, or failed', notify)
    .addOption(new Option('--state <state>', 'only these').choices(['waiting', 'sent', 'failed']))
    .option('--limit <count>', 'at most so many', wholeCount, 50)
    .addHelpText('after', examples('holdfast notify list', 'holdfast notify list --state failed --json'))
    .action(
      run(async (session, options) =>
        (await import('../commands/notify.ts')).runNotifyList(session, options),
      ),
    );
}
