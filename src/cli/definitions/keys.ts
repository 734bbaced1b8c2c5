import { Failure } from '../../domain/failures.ts';
import { addNewPasswordOptions, type Cli, collect, descriptor, examples } from '../define.ts';

/** The keyring: who opens it, what seals, what is to become unreadable. And whether all is well. */
export function defineKeyCommands({ command, run }: Cli): void {
  command('doctor', 'look at what people find out too late; says what it means and what to do')
    .option('--only <check>', 'only this check, as its line begins; may be given several times', collect)
    .addHelpText(
      'after',
      `
Every service, permission, right in the buckets, clock, limit, lock and setting; the backups, keys, copies and holds. Changes
nothing and needs no password. Code 0, also with warnings; 1 with a problem.
${examples('holdfast doctor', 'holdfast doctor --json', 'holdfast doctor --only rights --only buckets')}`,
    )
    .action(
      run(async (session, options) => (await import('../commands/doctor.ts')).runDoctor(session, options)),
    );

  const family = command('key', 'list, rotate, share, shred and move the keys');
  const key = (name: string, description: string) => command(name, description, family);

  key('list', 'every keyring document: purpose, holder, which one seals, until when it is locked').action(
    run(async (session) => (await import('../commands/key-list.ts')).runKeyList(session)),
  );

  key('rotate', 'draw new keys for what is sealed from now on; older ones stay to read')
    .option('--scope <name>', 'only this scope; may be given several times', collect)
    .option('--all', 'every scope (as without any option)')
    .option('--master', 'also a new master key, so that an older password opens nothing new; implies --all')
    .option('--payload', 'a new key for what passes through Temporal')
    .option('--dry-run', 'only say what would get a new key')
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

  addNewPasswordOptions(key('change-password', 'another password for whoever opens the keyring now'))
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

  key('add-scope', 'make a key scope that policy can name, to be shredded on its own')
    .argument('<name>', 'what policy data calls it')
    .addHelpText('after', examples('holdfast key add-scope customer-4711'))
    .action(
      run(async (session, scope) =>
        (await import('../commands/key-add-scope.ts')).runKeyAddScope(session, scope),
      ),
    );

  addNewPasswordOptions(
    key('add-holder', 'another password for the same keyring: a second officer, a sealed envelope'),
  )
    .argument('<name>', 'who holds it; `recovery-kit` makes a new recovery key')
    .option('--kit <file>', 'with recovery-kit: write the kit to this file (0600) instead of showing it')
    .addHelpText(
      'after',
      examples('holdfast key add-holder night-shift', 'holdfast key add-holder recovery-kit --kit kit.txt'),
    )
    .action(
      run(async (session, holder, options) =>
        (await import('../commands/key-holders.ts')).runKeyAddHolder(session, holder, options),
      ),
    );

  key('remove-holder', 'take a holder away; copies that are locked open until their locks end')
    .argument('<name>', 'who holds it')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('holdfast key remove-holder night-shift'))
    .action(
      run(async (session, holder, options) =>
        (await import('../commands/key-holders.ts')).runKeyRemoveHolder(session, holder, options),
      ),
    );

  key('shred', 'make everything that is sealed under a scope unreadable; shows what, and asks')
    .argument('[scope]', 'as `key list` names it')
    .option('--dry-run', 'only show what would become unreadable, and when')
    .option('--confirm <words>', 'the words that are asked for: "shred <scope>"')
    .option('--cancel', 'take back a shredding that is pending')
    .option('--run-due', 'delete now what is due; the worker does so daily')
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

  key('export', 'write all keyring documents, still wrapped, into one file')
    .argument('<file>', 'a new file; 0600')
    .option('-y, --yes', 'do not ask')
    .option('--write-only', 'instead: the key file of a new host that can protect and not read')
    .option('--host <name>', 'with --write-only: what the host is called')
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
          throw new Failure('usage', { detail: '--write-only and --host belong together.' });
        return options.writeOnly
          ? (await import('../commands/key-host.ts')).runKeyExportHost(session, file, options.host)
          : (await import('../commands/key-transfer.ts')).runKeyExport(session, file, options);
      }),
    );

  key('import', 'take an exported keyring into an empty or older state folder')
    .argument('<file>', 'what `key export` wrote')
    .addHelpText('after', examples('holdfast key import /media/usb/keyring.json'))
    .action(
      run(async (session, file) => (await import('../commands/key-transfer.ts')).runKeyImport(session, file)),
    );

  key('verify-kit', 'prove that the printed recovery key opens the keyring as it lies in the bucket')
    .option('--key-file <file>', 'file that holds the recovery key; else it is asked for')
    .option('--key-fd <number>', 'descriptor to read the recovery key from', descriptor)
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
