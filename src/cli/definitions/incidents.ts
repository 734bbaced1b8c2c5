import { InvalidArgumentError, Option } from 'commander';
import { noticeMeans } from '../../domain/incidents.ts';
import { incidentKinds } from '../../domain/records.ts';
import { languages } from '../../text/language.ts';
import { say } from '../../text/voice.ts';
import { type Cli, examples, wholeCount } from '../define.ts';
import { moment } from '../moment.ts';

/** The breach register, and who is told of what happens. */
export function defineIncidentCommands({ command, run }: Cli): void {
  const incident = command('incident', say('help', 'incident')).addHelpText(
    'after',
    examples(
      'holdfast incident list',
      'holdfast incident show 6f1c9f0d',
      'holdfast incident notify 6f1c9f0d --draft',
    ),
  );

  command('list', say('help', 'incident_list'), incident)
    .option('--all', say('help', 'incident_list_all'))
    .addOption(new Option('--kind <kind>', say('help', 'incident_list_kind')).choices(incidentKinds))
    .addHelpText('after', examples('holdfast incident list', 'holdfast incident list --all --json'))
    .action(
      run(async (session, options) =>
        (await import('../commands/incident.ts')).runIncidentList(session, options),
      ),
    );

  command('show', say('help', 'incident_show'), incident)
    .argument('<incident>', say('help', 'incident_show_incident'))
    .addHelpText('after', examples('holdfast incident show 6f1c9f0d'))
    .action(
      run(async (session, id) => (await import('../commands/incident.ts')).runIncidentShow(session, id)),
    );

  command('ack', say('help', 'incident_ack'), incident)
    .argument('<incident...>', say('help', 'incident_ack_incident'))
    .addHelpText('after', examples('holdfast incident ack 6f1c9f0d'))
    .action(
      run(async (session, ids) => (await import('../commands/incident-act.ts')).runIncidentAck(session, ids)),
    );

  command('notify', say('help', 'incident_notify'), incident)
    .argument('<incident...>', say('help', 'incident_ack_incident'))
    .option('--draft', say('help', 'incident_notify_draft'))
    .addOption(
      new Option('--language <language>', say('help', 'incident_notify_language')).choices(languages),
    )
    .option('--send', say('help', 'incident_notify_send'))
    .option('--to <who>', say('help', 'incident_notify_to'), ownWords)
    .addOption(new Option('--by <means>', say('help', 'incident_notify_by')).choices(noticeMeans))
    .option('--at <time>', say('help', 'incident_notify_at'), moment)
    .addHelpText(
      'after',
      `
${say('help', 'incident_notify_about')}
${examples(
  'holdfast incident notify 6f1c9f0d --draft --language fr > notice.txt',
  'holdfast incident notify 6f1c9f0d --to "the authority" --by letter --at 2026-11-20T14:05',
  'holdfast incident notify 6f1c9f0d --send',
)}`,
    )
    .action(
      run(async (session, ids, options) =>
        (await import('../commands/incident-act.ts')).runIncidentNotify(session, ids, options),
      ),
    );

  command('close', say('help', 'incident_close'), incident)
    .argument('<incident...>', say('help', 'incident_ack_incident'))
    .option('--reason <text>', say('help', 'incident_close_reason'), ownWords)
    .addHelpText(
      'after',
      examples(
        'holdfast incident close 6f1c9f0d',
        'holdfast incident close 6f1c9f0d 0b7e21aa --reason "test files, no personal data"',
        'holdfast incident close $(holdfast incident list --kind infection --json | jq -r .id) --reason "…"',
      ),
    )
    .action(
      run(async (session, ids, options) =>
        (await import('../commands/incident-act.ts')).runIncidentClose(session, ids, options),
      ),
    );

  command('open', say('help', 'incident_open'), incident)
    .addOption(
      new Option('--kind <kind>', say('help', 'incident_open_kind')).choices(incidentKinds).default('other'),
    )
    .requiredOption('--detail <text>', say('help', 'incident_open_detail'), ownWords)
    .option('--source <name>', say('help', 'incident_open_source'))
    .option('--detected <time>', say('help', 'incident_open_detected'), moment)
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

  const notify = command('notify', say('help', 'notify')).addHelpText(
    'after',
    examples('holdfast notify test', 'holdfast notify list'),
  );

  command('test', say('help', 'notify_test'), notify)
    .argument('[channel]', say('help', 'notify_test_channel'))
    .addHelpText(
      'after',
      `
${say('help', 'notify_test_about')}
${examples('holdfast notify test', 'holdfast notify test officer')}`,
    )
    .action(
      run(async (session, channel) =>
        (await import('../commands/notify.ts')).runNotifyTest(session, channel),
      ),
    );

  command('list', say('help', 'notify_list'), notify)
    .addOption(
      new Option('--state <state>', say('help', 'notify_list_state')).choices(['waiting', 'sent', 'failed']),
    )
    .option('--limit <count>', say('help', 'notify_list_limit'), wholeCount, 50)
    .addHelpText('after', examples('holdfast notify list', 'holdfast notify list --state failed --json'))
    .action(
      run(async (session, options) =>
        (await import('../commands/notify.ts')).runNotifyList(session, options),
      ),
    );
}

/** What is kept for whoever asks later: something has to stand there. */
function ownWords(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError(say('incidents', 'not_blank'));
  return text;
}
