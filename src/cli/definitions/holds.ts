import type { Command } from 'commander';
import { say } from '../../text/voice.ts';
import { addNewPasswordOptions, type Cli, descriptor, examples } from '../define.ts';
import { moment } from '../moment.ts';

/** What policy keeps back until somebody decides, and who may decide. */
export function defineHoldCommands({ command, run }: Cli): void {
  const hold = command('hold', say('help', 'hold')).addHelpText(
    'after',
    examples(
      'holdfast hold list',
      'holdfast hold show 6f1c…',
      'holdfast hold approve --key claire.pem 6f1c…',
    ),
  );

  addFilters(command('list', say('help', 'hold_list'), hold))
    .option('--ended', say('help', 'hold_list_ended'))
    .addHelpText('after', examples('holdfast hold list', 'holdfast hold list --older-than 3d --json'))
    .action(
      run(async (session, options) => (await import('../commands/hold.ts')).runHoldList(session, options)),
    );

  command('show', say('help', 'hold_show'), hold)
    .argument('<hold>', say('help', 'hold_show_hold'))
    .addHelpText('after', examples('holdfast hold show 6f1c9f0de6f14b0d8c5f1a2b3c4d5e6f'))
    .action(run(async (session, id) => (await import('../commands/hold.ts')).runHoldShow(session, id)));

  for (const [name, description] of [
    ['approve', say('help', 'hold_approve')],
    ['reject', say('help', 'hold_reject')],
  ] as const) {
    addFilters(command(name, description, hold))
      .argument('[hold...]', say('help', 'hold_decide_hold'))
      .requiredOption('--key <file>', say('help', 'hold_decide_key'))
      .option('--key-password-file <file>', say('help', 'hold_decide_key_password_file'))
      .option('--key-password-fd <number>', say('help', 'hold_decide_key_password_fd'), descriptor)
      .option('--approver <name>', say('help', 'hold_decide_approver'))
      .option('--reason <text>', say('help', 'hold_decide_reason'))
      .option('--all', say('help', 'hold_decide_all'))
      .option('--yes', say('help', 'hold_decide_yes'))
      .addHelpText(
        'after',
        `
${say('help', 'hold_decide_about')}
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

  command('reseal', say('help', 'hold_reseal'), hold)
    .argument('<hold...>', say('help', 'hold_reseal_hold'))
    .addHelpText('after', examples('holdfast hold reseal 6f1c9f0de6f14b0d8c5f1a2b3c4d5e6f'))
    .action(
      run(async (session, holds) =>
        (await import('../commands/hold-decide.ts')).runHoldReseal(session, holds),
      ),
    );

  const approver = command('approver', say('help', 'approver')).addHelpText(
    'after',
    examples('holdfast approver keygen --name claire'),
  );
  addNewPasswordOptions(command('keygen', say('help', 'approver_keygen'), approver))
    .option('--name <name>', say('help', 'approver_keygen_name'))
    .option('--output <file>', say('help', 'approver_keygen_output'))
    .option('--no-password', say('help', 'approver_keygen_no_password'))
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
    .option('--source <name>', say('help', 'usage_source'))
    .option('--classification <name>', say('help', 'approver_keygen_classification'))
    .option('--older-than <time>', say('help', 'approver_keygen_older_than'), moment)
    .option('--path <glob>', say('help', 'approver_keygen_path'));
}
