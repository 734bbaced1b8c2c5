import type { Command } from 'commander';
import { addNewPasswordOptions, type Cli, descriptor, examples } from '../define.ts';
import { moment } from '../moment.ts';

/** What policy keeps back until somebody decides, and who may decide. */
export function defineHoldCommands({ command, run }: Cli): void {
  const hold = command('hold', 'list, show, approve, reject and reseal held files').addHelpText(
    'after',
    examples(
      'holdfast hold list',
      'holdfast hold show 6f1c…',
      'holdfast hold approve --key claire.pem 6f1c…',
    ),
  );

  addFilters(command('list', 'what waits for a decision, the oldest first', hold))
    .option('--ended', 'also what was approved, rejected or has expired')
    .addHelpText('after', examples('holdfast hold list', 'holdfast hold list --older-than 3d --json'))
    .action(
      run(async (session, options) => (await import('../commands/hold.ts')).runHoldList(session, options)),
    );

  command('show', 'one held file: why it is held, who decided, and exactly what would be signed', hold)
    .argument('<hold>', 'as `hold list` prints it')
    .addHelpText('after', examples('holdfast hold show 6f1c9f0de6f14b0d8c5f1a2b3c4d5e6f'))
    .action(run(async (session, id) => (await import('../commands/hold.ts')).runHoldShow(session, id)));

  for (const [name, description] of [
    ['approve', 'sign that held files may go; with enough approvals they go at once'],
    ['reject', 'sign that held files are not to go; the files in the source stay as they are'],
  ] as const) {
    addFilters(command(name, description, hold))
      .argument('[hold...]', 'as `hold list` prints them; or choose by the options')
      .requiredOption('--key <file>', 'private key that `approver keygen` wrote')
      .option('--key-password-file <file>', 'file that holds the password of the key')
      .option('--key-password-fd <number>', 'descriptor to read the password of the key from', descriptor)
      .option('--approver <name>', 'whose key it is (default: as the key file says)')
      .option('--reason <text>', 'your own words, kept with the decision')
      .option('--all', 'everything that waits')
      .option('--yes', 'do not ask before deciding about what the options choose')
      .addHelpText(
        'after',
        `
What the options choose is listed first and decided only when you agree. You sign exactly what \`hold show\` prints; a
signature counts for seven days.
${examples(
  `holdfast hold ${name} --key claire.pem 6f1c9f0de6f14b0d8c5f1a2b3c4d5e6f`,
  `holdfast hold ${name} --key claire.pem --source documents --path '*.zip' --older-than 1d`,
)}`,
      )
      .action(
        run(async (session, holds, options) =>
          (await import('../commands/hold-decide.ts')).runHoldDecide(session, name, holds, options),
        ),
      );
  }

  command(
    'reseal',
    'seal held files anew from their source, where staged bytes are damaged or their host is gone',
    hold,
  )
    .argument('<hold...>', 'as `hold list` prints them')
    .addHelpText('after', examples('holdfast hold reseal 6f1c9f0de6f14b0d8c5f1a2b3c4d5e6f'))
    .action(
      run(async (session, holds) =>
        (await import('../commands/hold-decide.ts')).runHoldReseal(session, holds),
      ),
    );

  const approver = command('approver', 'people who may approve what is held: keygen').addHelpText(
    'after',
    examples('holdfast approver keygen --name claire'),
  );
  addNewPasswordOptions(
    command('keygen', "make somebody's key pair, and print what to register in the policy data", approver),
  )
    .option('--name <name>', 'who it is for (default: your account)')
    .option('--output <file>', 'where the private key goes (default: <name>.pem in this folder)')
    .option('--no-password', 'do not encrypt the private key: whoever reads the file can sign')
    .addHelpText(
      'after',
      examples(
        'holdfast approver keygen --name claire --output /media/stick/claire.pem',
        'holdfast approver keygen --name batch --no-password',
      ),
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/approver.ts')).runApproverKeygen(session, options),
      ),
    );
}

function addFilters(command: Command): Command {
  return command
    .option('--source <name>', 'only of this source')
    .option('--classification <name>', 'only of this classification')
    .option('--older-than <time>', 'only what was held before that time, e.g. 3d', moment)
    .option('--path <glob>', 'only paths that match; without a slash the last name is matched');
}
