import { Option } from 'commander';
import { type Cli, collect, examples, wholeDays } from '../define.ts';

/** Setting an installation up and running it. */
export function defineInstallationCommands({ command, program, run }: Cli): void {
  command('init', 'set up sources, configuration, keys and tools on this machine')
    .requiredOption('--source <name=/path>', 'a folder to protect; may be given several times', collect)
    .option('--lock-days <days>', 'how long every object is locked', wholeDays, 7)
    .addOption(
      new Option('--lock-mode <mode>', 'Object Lock mode')
        .choices(['GOVERNANCE', 'COMPLIANCE'])
        .default('GOVERNANCE'),
    )
    .option('--accept-compliance', 'agree to COMPLIANCE locks without typing it')
    .option('--allow-test-signatures', 'go on although the scanner knows nothing but the EICAR test file')
    .option('--kit <file>', 'write the recovery kit to this file (0600) instead of showing it')
    .option('--write-only', 'this host is to protect what it cannot read; needs --keys and --recipient')
    .option('--keys <file>', 'with --write-only: what `key export --write-only` wrote for this host')
    .option(
      '--recipient <file>',
      'with --write-only: who can read it, an OpenPGP public key; may be given several times',
      collect,
    )
    .option(
      '--join <file>',
      'this machine is to be a further host of a cluster: what `host add` wrote for it',
    )
    .option('--settings <file>', 'keys of holdfast.yaml to begin with, e.g. services that somebody else runs')
    .addOption(
      new Option('--quarantine <how>', 'what happens to infected files of these sources')
        .choices(['move', 'copy', 'report'])
        .default('move'),
    )
    .option('-y, --yes', 'do not ask')
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

  command('up', 'start all services in the background; returns when they are healthy')
    .option('-d, --detach', 'as always: kept for habit')
    .addOption(
      new Option('--foreground', 'stay until stopped and show the log: for systemd and containers').conflicts(
        'detach',
      ),
    )
    .option('--only <services>', 'only these, separated by commas')
    .option('--no-watch', 'without the watcher')
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

  command('down', 'stop all services; state is kept').action(
    run(async (session) => (await import('../commands/down.ts')).runDown(session)),
  );

  command('status', 'what runs, where, and how it is').action(
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
