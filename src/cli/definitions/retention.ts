import type { Command } from 'commander';
import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';

const reasonHelp = (): string => say('help', 'reasonHelp');

/** How long what is stored stays: by class, and whatever the class says where the law does. */
export function defineRetentionCommands({ command, run }: Cli): void {
  const retention = command('retention', say('help', 'retention')).addHelpText(
    'after',
    examples('holdfast retention plan', 'holdfast retention run --source documents --wait'),
  );
  command('plan', say('help', 'retention_plan'), retention)
    .option('--source <name>', say('help', 'quarantine_list_source'))
    .addHelpText('after', examples('holdfast retention plan', 'holdfast retention plan --json | jq .does'))
    .action(
      run(async (session, options) =>
        (await import('../commands/retention-plan.ts')).runRetentionPlan(session, options),
      ),
    );
  command('run', say('help', 'retention_run'), retention)
    .option('--source <name>', say('help', 'quarantine_list_source'))
    .option('--wait', say('help', 'rescan_wait'))
    .addHelpText(
      'after',
      `
${say('help', 'retention_run_about')}
${examples('holdfast retention run --wait')}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/retention-run.ts')).runRetention(session, options),
      ),
    );
  command('resume', say('help', 'retention_resume'), retention)
    .argument('<source>', say('help', 'retention_resume_source'))
    .requiredOption('--reason <text>', reasonHelp())
    .addHelpText(
      'after',
      examples('holdfast retention resume documents --reason "the new scanner rewrote them all"'),
    )
    .action(
      run(async (session, source, options) =>
        (await import('../commands/retention-resume.ts')).runRetentionResume(session, source, options),
      ),
    );

  const legalHold = command('legal-hold', say('help', 'legal_hold')).addHelpText(
    'after',
    examples(
      'holdfast legal-hold list',
      'holdfast legal-hold place documents:letters --reason "court order" --case 4711',
    ),
  );
  onPath(command('place', say('help', 'legal_hold_place'), legalHold))
    .addHelpText(
      'after',
      `
${say('help', 'legal_hold_place_about')}
${examples('holdfast legal-hold place documents:letters --reason "court order" --case 4711')}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/legal-hold.ts')).runLegalHoldPlace(session, target, options),
      ),
    );
  onPath(command('release', say('help', 'legal_hold_release'), legalHold))
    .addHelpText(
      'after',
      examples('holdfast legal-hold release documents:letters --case 4711 --reason "case closed"'),
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/legal-hold.ts')).runLegalHoldRelease(session, target, options),
      ),
    );
  command('list', say('help', 'legal_hold_list'), legalHold)
    .argument('[target]', say('help', 'legal_hold_list_target'))
    .option('--all', say('help', 'legal_hold_list_all'))
    .addHelpText(
      'after',
      examples('holdfast legal-hold list', 'holdfast legal-hold list documents:letters --all --json'),
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/legal-hold.ts')).runLegalHoldList(session, target, options),
      ),
    );
}

function onPath(command: Command): Command {
  return command
    .argument('<target>', say('help', 'legal_hold_list_target_2'))
    .requiredOption('--reason <text>', reasonHelp())
    .option('--case <name>', say('help', 'legal_hold_list_case'));
}
