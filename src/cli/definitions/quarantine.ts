import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';
import { addMessageKeyOptions } from '../message-keys.ts';

/** Looking after what was found infected. */
export function defineQuarantineCommands({ command, run }: Cli): void {
  const quarantine = command('quarantine', say('help', 'quarantine')).addHelpText(
    'after',
    `
${say('help', 'quarantine_about')}
${examples(
  'holdfast quarantine list',
  'holdfast quarantine show documents:invoice.exe',
  "holdfast quarantine release documents:invoice.exe --reason 'false positive, ticket 4711'",
)}`,
  );

  command('list', say('help', 'quarantine_list'), quarantine)
    .argument('[source]', say('help', 'quarantine_list_source'))
    .option('--all', say('help', 'quarantine_list_all'))
    .addHelpText('after', examples('holdfast quarantine list', 'holdfast quarantine list --all --json'))
    .action(
      run(async (session, source, options) =>
        (await import('../commands/quarantine.ts')).runQuarantineList(session, source, options),
      ),
    );

  command('show', say('help', 'quarantine_show'), quarantine)
    .argument('<item>', say('help', 'quarantine_show_item'))
    .addHelpText('after', examples('holdfast quarantine show documents:invoice.exe'))
    .action(
      run(async (session, item) =>
        (await import('../commands/quarantine.ts')).runQuarantineShow(session, item),
      ),
    );

  addMessageKeyOptions(
    command('release', say('help', 'quarantine_release'), quarantine)
      .argument('<item>', say('help', 'quarantine_show_item'))
      .requiredOption('--reason <text>', say('help', 'quarantine_release_reason'))
      .option('--to <folder>', say('help', 'quarantine_release_to'))
      .option('--even-if-infected', say('help', 'quarantine_release_even_if_infected'))
      .option('--yes', say('help', 'init_yes')),
  )
    .addHelpText(
      'after',
      `
${say('help', 'quarantine_release_about')}
${examples(
  "holdfast quarantine release documents:tool.exe --reason 'false positive, ticket 4711'",
  "holdfast quarantine release 0b2c… --reason 'for the lab' --to /srv/lab --even-if-infected",
)}`,
    )
    .action(
      run(async (session, item, options) =>
        (await import('../commands/quarantine-release.ts')).runQuarantineRelease(session, item, options),
      ),
    );

  command('delete', say('help', 'quarantine_delete'), quarantine)
    .argument('<item...>', say('help', 'quarantine_delete_item'))
    .option('--reason <text>', say('help', 'quarantine_release_reason'), 'deleted by an operator')
    .option('--yes', say('help', 'init_yes'))
    .addHelpText('after', examples('holdfast quarantine delete documents:invoice.exe --yes'))
    .action(
      run(async (session, items, options) =>
        (await import('../commands/quarantine-delete.ts')).runQuarantineDelete(session, items, options),
      ),
    );

  command('revoke', say('help', 'quarantine_revoke'), quarantine)
    .argument('<item>', say('help', 'quarantine_show_item'))
    .addHelpText('after', examples('holdfast quarantine revoke documents:tool.exe'))
    .action(
      run(async (session, item) =>
        (await import('../commands/quarantine-release.ts')).runQuarantineRevoke(session, item),
      ),
    );
}
