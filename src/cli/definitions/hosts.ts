import { say } from '../../text/voice.ts';
import { type Cli, collect, examples } from '../define.ts';

/** Several machines on one cluster. */
export function defineHostCommands({ command, run }: Cli): void {
  const hosts = command('host', say('help', 'host')).addHelpText(
    'after',
    examples('holdfast host add bureau2 --output bureau2.json', 'holdfast host list'),
  );

  command('add', say('help', 'host_add'), hosts)
    .argument('<name>', say('help', 'host_add_name'))
    .requiredOption('--output <file>', say('help', 'host_add_output'))
    .option('--group <name>', say('help', 'host_add_group'))
    .option('--write-only <file>', say('help', 'host_add_write_only'))
    .option('--credentials <destination=file>', say('help', 'host_add_credentials'), collect)
    .option('--dry-run', say('help', 'host_add_dry_run'))
    .addHelpText(
      'after',
      `
${say('help', 'host_add_about')}
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

  command('list', say('help', 'host_list'), hosts)
    .addHelpText('after', examples('holdfast host list', 'holdfast host list --json'))
    .action(run(async (session) => (await import('../commands/host-list.ts')).runHostList(session)));

  command('revoke', say('help', 'host_revoke'), hosts)
    .argument('<name>', say('help', 'host_revoke_name'))
    .option('-y, --yes', say('help', 'host_revoke_yes'))
    .addHelpText('after', examples('holdfast host revoke bureau2', 'holdfast host revoke bureau2 --yes'))
    .action(
      run(async (session, name, options) =>
        (await import('../commands/host-revoke.ts')).runHostRevoke(session, name, options),
      ),
    );
}
