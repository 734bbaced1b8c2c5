import { InvalidArgumentError, Option } from 'commander';
import { outcomes } from '../../domain/records.ts';
import { type Cli, examples } from '../define.ts';
import { addMessageKeyOptions } from '../message-keys.ts';
import { moment, momentHelp } from '../moment.ts';

/** Looking at what is protected, as it is and as it was. */
export function defineLookCommands({ command, run }: Cli): void {
  command('ls', 'list a folder of a source as it was at a moment')
    .argument('<source[:path]>', 'what to list')
    .option('--at <time>', 'as it was at this moment (default: now)', moment)
    .option('-R, --recursive', 'with everything below')
    .option('-l, --long', 'with permissions, size and modification time')
    .addHelpText(
      'after',
      `${examples(
        'holdfast ls documents',
        'holdfast ls documents:letters --at 2026-11-20 --long',
        'holdfast ls documents --recursive --json',
      )}
Shows what \`restore\` with the same --at brings back, and says where that is not the newest version, or none.
${momentHelp}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/ls.ts')).runLs(session, target, options),
      ),
    );

  addMessageKeyOptions(
    command('cat', 'print the content of a file, as it was at a moment')
      .argument('<source:path>', 'the file')
      .option('--at <time>', 'as it was at this moment (default: now)', moment)
      .option('--version <id>', 'this version of it, as `find --versions` prints it')
      .option('--include-infected', 'also what was found infected after it was stored'),
  )
    .addHelpText(
      'after',
      `${examples(
        'holdfast cat documents:letters/2026.odt > 2026.odt',
        'holdfast cat documents:accounts.csv --at 3d | less',
        'holdfast cat documents:accounts.csv --version 0123456789abcdef0123456789abcdef',
      )}
Every part is decrypted and verified before it is printed; the whole is held against its SHA-512 at the end. Code 4 means: what
was printed is not to be trusted. With --json: a line {"content": base64} for each part, then one {"summary": …}.
${momentHelp}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/cat.ts')).runCat(session, target, options),
      ),
    );

  command('find', 'find entries by name, and their versions')
    .argument('<pattern>', 'a name or, with a slash, a path inside the source: * ? [a-z] {a,b} **')
    .option('--source <name>', 'only in this source')
    .option('--at <time>', 'as it was at this moment (default: now)', moment)
    .addOption(new Option('--type <letter>', 'only files, folders (d) or links').choices(['f', 'd', 'l']))
    .option('--newer <time>', 'only what was modified later', moment)
    .option('--larger <size>', 'only files of more bytes, or KiB, MiB, GiB, TiB', size)
    .addOption(new Option('--outcome <outcome>', 'only what ended so').choices(outcomes))
    .option('--versions', 'every version, with the id that --version takes, not only the newest')
    .addHelpText(
      'after',
      `${examples(
        "holdfast find '*.odt'",
        "holdfast find 'letters/**/*.odt' --source documents --versions",
        'holdfast find accounts.csv --outcome deleted',
        "holdfast find '*' --larger 1GiB --newer 7d --json",
      )}
Put quotes around a pattern, or the shell fills it in. What was deleted is found with --outcome deleted or --versions.
${momentHelp}`,
    )
    .action(
      run(async (session, pattern, options) =>
        (await import('../commands/find.ts')).runFind(session, pattern, options),
      ),
    );

  command('diff', 'tell what changed from one moment to another')
    .argument('<from>', 'a time', moment)
    .argument('<to>', 'a time, often `now`', moment)
    .argument('[target]', '<source> or <source>:<path>; default: every source')
    .addHelpText(
      'after',
      `${examples(
        'holdfast diff 2026-11-20 now',
        'holdfast diff 1d now documents:letters',
        "holdfast diff '2026-11-20 08:00' '2026-11-20 18:00' documents --json",
      )}
+ added  - removed  M other content  U other metadata only  T another type, like a link in place of a file.
Compares what \`restore\` would bring back. A folder's own modification time does not count: every change in it changes it.
${momentHelp}`,
    )
    .action(
      run(async (session, from, to, target) =>
        (await import('../commands/diff.ts')).runDiff(session, from, to, target),
      ),
    );
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

function size(text: string): number {
  const found = /^(?<count>\d{1,15})(?<unit>|B|KiB|MiB|GiB|TiB)$/.exec(text)?.groups;
  if (found === undefined)
    throw new InvalidArgumentError('a number of bytes, or with a unit: KiB, MiB, GiB or TiB.');
  return Number(found.count) * (unitBytes[found.unit ?? ''] ?? 1);
}
