import type { Command } from 'commander';
import { type Cli, examples } from '../define.ts';

const reasonHelp = 'why, for the audit trail; anyone who reads it sees this';

/** How long what is stored stays: by class, and whatever the class says where the law does. */
export function defineRetentionCommands({ command, run }: Cli): void {
  const retention = command('retention', 'what expires and when: plan, run, resume').addHelpText(
    'after',
    examples('holdfast retention plan', 'holdfast retention run --source documents --wait'),
  );
  command('plan', 'tell what a run would do, and when each object may go; changes nothing', retention)
    .option('--source <name>', 'only this source')
    .addHelpText('after', examples('holdfast retention plan', 'holdfast retention plan --json | jq .does'))
    .action(
      run(async (session, options) =>
        (await import('../commands/retention-plan.ts')).runRetentionPlan(session, options),
      ),
    );
  command('run', 'extend locks, let expire what is due, delete what nothing needs', retention)
    .option('--source <name>', 'only this source')
    .option('--wait', 'return when it is through')
    .addHelpText(
      'after',
      `
The worker does so every day by itself. \`holdfast retention plan\` tells what it would do.
${examples('holdfast retention run --wait')}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/retention-run.ts')).runRetention(session, options),
      ),
    );
  command('resume', 'let a source expire again after a mass change was looked into', retention)
    .argument('<source>', 'the source, by its name')
    .requiredOption('--reason <text>', reasonHelp)
    .addHelpText(
      'after',
      examples('holdfast retention resume documents --reason "the new scanner rewrote them all"'),
    )
    .action(
      run(async (session, source, options) =>
        (await import('../commands/retention-resume.ts')).runRetentionResume(session, source, options),
      ),
    );

  const legalHold = command(
    'legal-hold',
    'keep what a case needs, whatever its class says: place, release, list',
  ).addHelpText(
    'after',
    examples(
      'holdfast legal-hold list',
      'holdfast legal-hold place documents:letters --reason "court order" --case 4711',
    ),
  );
  onPath(command('place', 'from now on nothing at or below the path goes', legalHold))
    .addHelpText(
      'after',
      `
What comes under the path later is held too. Objects are held in their buckets as well, where the server has legal holds.
${examples('holdfast legal-hold place documents:letters --reason "court order" --case 4711')}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/legal-hold.ts')).runLegalHoldPlace(session, target, options),
      ),
    );
  onPath(command('release', 'end a hold; what no other one covers follows its class again', legalHold))
    .addHelpText(
      'after',
      examples('holdfast legal-hold release documents:letters --case 4711 --reason "case closed"'),
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/legal-hold.ts')).runLegalHoldRelease(session, target, options),
      ),
    );
  command('list', 'the holds there are', legalHold)
    .argument('[target]', '<source>, or <source>:<path>: what covers it, and what lies below')
    .option('--all', 'released ones too')
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
    .argument('<target>', '<source>, or <source>:<path> for a file or folder')
    .requiredOption('--reason <text>', reasonHelp)
    .option('--case <name>', 'which case it is for; holds of several cases on one path count apart');
}
