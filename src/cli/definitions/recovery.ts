import { addBucketOptions } from '../bucket-options.ts';
import { type Cli, collect, examples } from '../define.ts';
import { addMessageKeyOptions } from '../message-keys.ts';
import { moment, momentHelp } from '../moment.ts';
import { addRestoreChoices, restoreChoicesHelp } from '../restore-options.ts';

/** Beginning again after everything but the bucket was lost. */
export function defineRecoveryCommands({ command, run }: Cli): void {
  const recover = command('recover', 'restore from nothing but the bucket and a password, on any machine');
  addRestoreChoices(addBucketOptions(recover, true))
    .requiredOption('--to <folder>', 'where to; everything goes below <folder>/<source>')
    .option('--source <name>', 'only this source; may be given several times', collect)
    .option('--at <time>', 'the state at this moment', moment)
    .option('--dry-run', 'read everything and show what would be restored')
    .option(
      '--expect-head <source=number[:sha256]>',
      'a manifest known to have been written; may be given several times',
      collect,
    )
    .option('--repository <id>', 'the repository, where the bucket has keyrings of several')
    .option('--work <folder>', 'where to keep temporary data (default: the folder of the system)')
    .addHelpText(
      'after',
      `${examples(
        'holdfast recover --endpoint https://s3.example.org --bucket backups --to /srv/restored',
        'holdfast recover --bucket backups --region eu-west-3 --to /srv/restored --source documents --at 2026-11-20',
        'holdfast recover --bucket backups --to /tmp/x --dry-run --expect-head documents=1204',
      )}
Needs no configuration and no running service. The recovery key of the recovery kit is as good as the password.
Credentials come from the usual AWS places (AWS_ACCESS_KEY_ID, AWS_PROFILE, …); listing and reading versions is enough.
${restoreChoicesHelp}${momentHelp}`,
    )
    .action(
      run(async (session, options) => (await import('../commands/recover.ts')).runRecover(session, options)),
    );

  const catalog = command('catalog', 'the catalog of what is protected');
  addMessageKeyOptions(
    command('rebuild', 'fill the empty catalog from the bucket, after the database was lost', catalog),
  )
    .option('--destination <name>', 'read this destination (default: the first one)')
    .option('--dry-run', 'read everything and change nothing')
    .option('--abandon', 'end the workflows that the lost catalog left open')
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      `${examples(
        'holdfast up --only temporal,postgres,s3 && holdfast catalog rebuild && holdfast down && holdfast up -d',
        'holdfast catalog rebuild --dry-run --json',
      )}
Needs the configuration and the password; keyring documents that are missing here are taken from the bucket. A rebuild
that was stopped goes on when it is run again. Afterwards nothing is uploaded a second time. What other destinations have is
known again after \`holdfast replicate\`, which finds there what it would copy.`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/catalog.ts')).runCatalogRebuild(session, options),
      ),
    );
}
