import { type Cli, examples } from '../define.ts';
import { addMessageKeyOptions } from '../message-keys.ts';

/** Looking after what was found infected. */
export function defineQuarantineCommands({ command, run }: Cli): void {
  const quarantine = command(
    'quarantine',
    'what was found infected: list, show, release, delete',
  ).addHelpText(
    'after',
    `
Quarantined files lie sealed on the host that found them. Nothing of them was uploaded.
${examples(
  'holdfast quarantine list',
  'holdfast quarantine show documents:invoice.exe',
  "holdfast quarantine release documents:invoice.exe --reason 'false positive, ticket 4711'",
)}`,
  );

  command('list', 'what is kept, or was reported and still lies there', quarantine)
    .argument('[source]', 'only this source')
    .option('--all', 'also what was released or deleted, and what changed since it was reported')
    .addHelpText('after', examples('holdfast quarantine list', 'holdfast quarantine list --all --json'))
    .action(
      run(async (session, source, options) =>
        (await import('../commands/quarantine.ts')).runQuarantineList(session, source, options),
      ),
    );

  command('show', 'one of them: what was found, where, and what to do', quarantine)
    .argument('<item>', 'its id, or <source>:<path>')
    .addHelpText('after', examples('holdfast quarantine show documents:invoice.exe'))
    .action(
      run(async (session, item) =>
        (await import('../commands/quarantine.ts')).runQuarantineShow(session, item),
      ),
    );

  addMessageKeyOptions(
    command('release', 'scan one again and give it back', quarantine)
      .argument('<item>', 'its id, or <source>:<path>')
      .requiredOption('--reason <text>', 'why; kept in the catalog and the audit trail')
      .option('--to <folder>', 'put it here instead of where it came from')
      .option(
        '--even-if-infected',
        'also if the scanner still finds something: it is then left alone, never uploaded',
      )
      .option('--yes', 'do not ask'),
  )
    .addHelpText(
      'after',
      `
Nothing is overwritten. Mode, owner and times come back as they were. What the scanner still finds is refused, unless you
insist with --even-if-infected: back in its place, this content is then left alone, until \`quarantine revoke\`.
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

  command('delete', 'remove some of them for good', quarantine)
    .argument('<item...>', 'ids, or <source>:<path>')
    .option('--reason <text>', 'why; kept in the catalog and the audit trail', 'deleted by an operator')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('holdfast quarantine delete documents:invoice.exe --yes'))
    .action(
      run(async (session, items, options) =>
        (await import('../commands/quarantine-delete.ts')).runQuarantineDelete(session, items, options),
      ),
    );

  command('revoke', 'let released content be quarantined again', quarantine)
    .argument('<item>', 'its id, or <source>:<path>')
    .addHelpText('after', examples('holdfast quarantine revoke documents:tool.exe'))
    .action(
      run(async (session, item) =>
        (await import('../commands/quarantine-release.ts')).runQuarantineRevoke(session, item),
      ),
    );
}
