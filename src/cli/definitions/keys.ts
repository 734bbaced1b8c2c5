import { Failure } from '../../domain/failures.ts';
import { say } from '../../text/voice.ts';
import { addNewPasswordOptions, type Cli, collect, descriptor, examples } from '../define.ts';

/** The keyring: who opens it, what seals, what is to become unreadable. And whether all is well. */
export function defineKeyCommands({ command, run }: Cli): void {
  command('doctor', say('help', 'doctor'))
    .option('--only <check>', say('help', 'doctor_only'), collect)
    .addHelpText(
      'after',
      `
${say('help', 'doctor_about')}
${examples('holdfast doctor', 'holdfast doctor --json', 'holdfast doctor --only rights --only buckets')}`,
    )
    .action(
      run(async (session, options) => (await import('../commands/doctor.ts')).runDoctor(session, options)),
    );

  const family = command('key', say('help', 'key'));
  const key = (name: string, description: string) => command(name, description, family);

  key('list', say('help', 'key_list')).action(
    run(async (session) => (await import('../commands/key-list.ts')).runKeyList(session)),
  );

  key('rotate', say('help', 'key_rotate'))
    .option('--scope <name>', say('help', 'key_rotate_scope'), collect)
    .option('--all', say('help', 'key_rotate_all'))
    .option('--master', say('help', 'key_rotate_master'))
    .option('--payload', say('help', 'key_rotate_payload'))
    .option('--dry-run', say('help', 'key_rotate_dry_run'))
    .addHelpText(
      'after',
      examples(
        'holdfast key rotate',
        'holdfast key rotate --scope restricted',
        'holdfast key rotate --master --payload',
      ),
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/key-rotate.ts')).runKeyRotate(session, options),
      ),
    );

  addNewPasswordOptions(key('change-password', say('help', 'key_change_password')))
    .addHelpText(
      'after',
      examples(
        'holdfast key change-password',
        'HOLDFAST_NEW_PASSWORD_FILE=/etc/holdfast/new holdfast key change-password',
      ),
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/key-change-password.ts')).runKeyChangePassword(session, options),
      ),
    );

  key('add-scope', say('help', 'key_add_scope'))
    .argument('<name>', say('help', 'key_add_scope_name'))
    .addHelpText('after', examples('holdfast key add-scope customer-4711'))
    .action(
      run(async (session, scope) =>
        (await import('../commands/key-add-scope.ts')).runKeyAddScope(session, scope),
      ),
    );

  addNewPasswordOptions(key('add-holder', say('help', 'key_add_holder')))
    .argument('<name>', say('help', 'key_add_holder_name'))
    .option('--kit <file>', say('help', 'key_add_holder_kit'))
    .addHelpText(
      'after',
      examples('holdfast key add-holder night-shift', 'holdfast key add-holder recovery-kit --kit kit.txt'),
    )
    .action(
      run(async (session, holder, options) =>
        (await import('../commands/key-holders.ts')).runKeyAddHolder(session, holder, options),
      ),
    );

  key('remove-holder', say('help', 'key_remove_holder'))
    .argument('<name>', say('help', 'key_remove_holder_name'))
    .option('-y, --yes', say('help', 'init_yes'))
    .addHelpText('after', examples('holdfast key remove-holder night-shift'))
    .action(
      run(async (session, holder, options) =>
        (await import('../commands/key-holders.ts')).runKeyRemoveHolder(session, holder, options),
      ),
    );

  key('shred', say('help', 'key_shred'))
    .argument('[scope]', say('help', 'key_shred_scope'))
    .option('--dry-run', say('help', 'key_shred_dry_run'))
    .option('--confirm <words>', say('help', 'key_shred_confirm'))
    .option('--cancel', say('help', 'key_shred_cancel'))
    .option('--run-due', say('help', 'key_shred_run_due'))
    .addHelpText(
      'after',
      examples(
        'holdfast key shred customer-4711 --dry-run',
        'holdfast key shred customer-4711 --confirm "shred customer-4711"',
        'holdfast key shred --cancel customer-4711',
      ),
    )
    .action(
      run(async (session, scope, options) =>
        (await import('../commands/key-shred.ts')).runKeyShred(session, scope, options),
      ),
    );

  key('export', say('help', 'key_export'))
    .argument('<file>', say('help', 'key_export_file'))
    .option('-y, --yes', say('help', 'init_yes'))
    .option('--write-only', say('help', 'key_export_write_only'))
    .option('--host <name>', say('help', 'key_export_host'))
    .addHelpText(
      'after',
      examples(
        'holdfast key export /media/usb/keyring.json',
        'holdfast key export --write-only --host web1 /media/usb/web1.json',
      ),
    )
    .action(
      run(async (session, file, options) => {
        if (options.writeOnly !== (options.host !== undefined || undefined))
          throw new Failure('usage', { detail: say('keys', 'write_only_and_host') });
        return options.writeOnly
          ? (await import('../commands/key-host.ts')).runKeyExportHost(session, file, options.host)
          : (await import('../commands/key-transfer.ts')).runKeyExport(session, file, options);
      }),
    );

  key('import', say('help', 'key_import'))
    .argument('<file>', say('help', 'key_import_file'))
    .addHelpText('after', examples('holdfast key import /media/usb/keyring.json'))
    .action(
      run(async (session, file) => (await import('../commands/key-transfer.ts')).runKeyImport(session, file)),
    );

  key('verify-kit', say('help', 'key_verify_kit'))
    .option('--key-file <file>', say('help', 'key_verify_kit_key_file'))
    .option('--key-fd <number>', say('help', 'key_verify_kit_key_fd'), descriptor)
    .addHelpText(
      'after',
      examples('holdfast key verify-kit', 'holdfast key verify-kit --key-file /tmp/typed'),
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/key-verify-kit.ts')).runKeyVerifyKit(session, options),
      ),
    );
}
