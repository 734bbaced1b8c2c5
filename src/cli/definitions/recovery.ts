import { say } from '../../text/voice.ts';
import { addBucketOptions } from '../bucket-options.ts';
import { type Cli, collect, examples } from '../define.ts';
import { addMessageKeyOptions } from '../message-keys.ts';
import { moment, momentHelp } from '../moment.ts';
import { addRestoreChoices, restoreChoicesHelp } from '../restore-options.ts';

/** Beginning again after everything but the bucket was lost. */
export function defineRecoveryCommands({ command, run }: Cli): void {
  const recover = command('recover', say('help', 'recover'));
  addRestoreChoices(addBucketOptions(recover, true))
    .requiredOption('--to <folder>', say('help', 'recover_to'))
    .option('--source <name>', say('help', 'recover_source'), collect)
    .option('--at <time>', say('help', 'recover_at'), moment)
    .option('--dry-run', say('help', 'recover_dry_run'))
    .option('--expect-head <source=number[:sha256]>', say('help', 'recover_expect_head'), collect)
    .option('--repository <id>', say('help', 'recover_repository'))
    .option('--work <folder>', say('help', 'recover_work'))
    .addHelpText(
      'after',
      `${examples(
        'holdfast recover --endpoint https://s3.example.org --bucket backups --to /srv/restored',
        'holdfast recover --bucket backups --region eu-west-3 --to /srv/restored --source documents --at 2026-11-20',
        'holdfast recover --bucket backups --to /tmp/x --dry-run --expect-head documents=1204',
      )}
${say('help', 'recover_about')}
${restoreChoicesHelp()}${momentHelp()}`,
    )
    .action(
      run(async (session, options) => (await import('../commands/recover.ts')).runRecover(session, options)),
    );

  const catalog = command('catalog', say('help', 'catalog'));
  addMessageKeyOptions(command('rebuild', say('help', 'catalog_rebuild'), catalog))
    .option('--destination <name>', say('help', 'catalog_rebuild_destination'))
    .option('--dry-run', say('help', 'catalog_rebuild_dry_run'))
    .option('--abandon', say('help', 'catalog_rebuild_abandon'))
    .option('-y, --yes', say('help', 'init_yes'))
    .addHelpText(
      'after',
      `${examples(
        'holdfast up --only temporal,postgres,s3 && holdfast catalog rebuild && holdfast down && holdfast up -d',
        'holdfast catalog rebuild --dry-run --json',
      )}
${say('help', 'catalog_rebuild_about')}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/catalog.ts')).runCatalogRebuild(session, options),
      ),
    );
}
