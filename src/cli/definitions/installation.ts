import { Option } from 'commander';
import { say } from '../../text/voice.ts';
import { type Cli, collect, examples, wholeDays } from '../define.ts';

/** Setting an installation up and running it. */
export function defineInstallationCommands({ command, program, run }: Cli): void {
  command('init', say('help', 'init'))
    .requiredOption('--source <name=/path>', say('help', 'init_source'), collect)
    .option('--lock-days <days>', say('help', 'init_lock_days'), wholeDays, 7)
    .addOption(
      new Option('--lock-mode <mode>', say('help', 'init_lock_mode'))
        .choices(['GOVERNANCE', 'COMPLIANCE'])
        .default('GOVERNANCE'),
    )
    .option('--accept-compliance', say('help', 'init_accept_compliance'))
    .option('--allow-test-signatures', say('help', 'init_allow_test_signatures'))
    .option('--kit <file>', say('help', 'init_kit'))
    .option('--write-only', say('help', 'init_write_only'))
    .option('--keys <file>', say('help', 'init_keys'))
    .option('--recipient <file>', say('help', 'init_recipient'), collect)
    .option('--join <file>', say('help', 'init_join'))
    .option('--settings <file>', say('help', 'init_settings'))
    .addOption(
      new Option('--quarantine <how>', say('help', 'init_quarantine'))
        .choices(['move', 'copy', 'report'])
        .default('move'),
    )
    .option('-y, --yes', say('help', 'init_yes'))
    .addHelpText(
      'after',
      examples(
        'HOLDFAST_PASSWORD_FILE=/etc/holdfast/password holdfast init --source documents=/srv/documents',
        'holdfast init --source a=/srv/a --source b=/srv/b --lock-days 30',
        'holdfast init --source a=/srv/a --settings services.yaml --quarantine copy',
        'holdfast init --join bureau2.json --source bureau2=/srv/files',
        'holdfast init --write-only --keys web1.json --recipient backup.asc --source www=/var/www',
      ),
    )
    .action(run(async (session, options) => (await import('../commands/init.ts')).runInit(session, options)));

  command('up', say('help', 'up'))
    .option('-d, --detach', say('help', 'up_detach'))
    .addOption(new Option('--foreground', say('help', 'up_foreground')).conflicts('detach'))
    .option('--only <services>', say('help', 'up_only'))
    .option('--no-watch', say('help', 'up_no_watch'))
    .addHelpText(
      'after',
      examples(
        'holdfast up -d',
        'holdfast up --only postgres,s3',
        'holdfast up -d --no-watch',
        'holdfast up --foreground',
      ),
    )
    .action(run(async (session, options) => (await import('../commands/up.ts')).runUp(session, options)));

  command('down', say('help', 'down')).action(
    run(async (session) => (await import('../commands/down.ts')).runDown(session)),
  );

  command('status', say('help', 'status')).action(
    run(async (session) => (await import('../commands/status.ts')).runStatus(session)),
  );

  program
    .command('supervise', { hidden: true })
    .requiredOption('--services <names>')
    .action(
      run(async (session, options) =>
        (await import('../commands/supervise.ts')).runSupervise(session, options),
      ),
    );
}
