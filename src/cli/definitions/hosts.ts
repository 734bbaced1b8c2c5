import { type Cli, collect, examples } from '../define.ts';

/** Several machines on one cluster. */
export function defineHostCommands({ command, run }: Cli): void {
  const hosts = command('host', 'machines that share this cluster: add, list, revoke').addHelpText(
    'after',
    examples('holdfast host add bureau2 --output bureau2.json', 'holdfast host list'),
  );

  command('add', 'let a further machine in, with credentials of its own', hosts)
    .argument('<name>', 'what it is called')
    .requiredOption(
      '--output <file>',
      'a new file (0600) for that machine: addresses, certificates, credentials',
    )
    .option('--group <name>', 'queue group of its sources; default: one of its own')
    .option(
      '--write-only <file>',
      'it is to protect what it cannot read: what `key export --write-only` wrote',
    )
    .option(
      '--credentials <destination=file>',
      'its own keys (AWS format) for an S3 server that is not run here; may be given several times',
      collect,
    )
    .option('--dry-run', 'only say what would be made')
    .addHelpText(
      'after',
      `
The file does not hold the repository's password, but whoever has it may write to the cluster in that host's name: carry
it over a safe way (scp), run \`holdfast init --join FILE --source name=/path\` there, and delete it.
${examples(
  'holdfast host add bureau2 --output bureau2.json',
  'holdfast host add web1 --output web1-join.json --write-only web1.json',
  'holdfast host add mail --output mail.json --credentials primary=mail-keys',
)}`,
    )
    .action(
      run(async (session, name, options) =>
        (await import('../commands/host-add.ts')).runHostAdd(session, name, options),
      ),
    );

  command('list', 'who is in, since when, last seen when, with which sources', hosts)
    .addHelpText('after', examples('holdfast host list', 'holdfast host list --json'))
    .action(run(async (session) => (await import('../commands/host-list.ts')).runHostList(session)));

  command('revoke', 'let a machine in no more: from then on it can write nothing', hosts)
    .argument('<name>', 'as `host list` names it, or its id')
    .option('-y, --yes', 'do it; without this it only says what would happen')
    .addHelpText('after', examples('holdfast host revoke bureau2', 'holdfast host revoke bureau2 --yes'))
    .action(
      run(async (session, name, options) =>
        (await import('../commands/host-revoke.ts')).runHostRevoke(session, name, options),
      ),
    );
}
