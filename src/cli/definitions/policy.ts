import { InvalidArgumentError } from 'commander';
import { say } from '../../text/voice.ts';
import { type Cli, examples } from '../define.ts';

/** What may be backed up, and where it may go: looking at the rules, trying them, and putting them in force. */
export function definePolicyCommands({ command, run }: Cli): void {
  const policy = command('policy', say('help', 'policy')).addHelpText(
    'after',
    `
${say('help', 'policy_about')}
${examples('holdfast policy check', 'holdfast policy test ~/documents/plan.pdf', 'holdfast policy apply')}`,
  );

  command('check', say('help', 'policy_check'), policy)
    .argument('[dir]', say('help', 'policy_check_dir'))
    .addHelpText(
      'after',
      `
${say('help', 'policy_check_about')}
${examples('holdfast policy check', 'holdfast policy check /etc/holdfast/policies --json')}`,
    )
    .action(
      run(async (session, dir) => (await import('../commands/policy-check.ts')).runPolicyCheck(session, dir)),
    );

  command('test', say('help', 'policy_test'), policy)
    .argument('<path>', say('help', 'policy_test_path'))
    .option('--size <bytes>', say('help', 'policy_test_size'), wholeNumber)
    .option('--media-type <type>', say('help', 'policy_test_media_type'))
    .addHelpText(
      'after',
      `
${say('help', 'policy_test_about')}
${examples(
  'holdfast policy test ~/documents/plan.pdf',
  'holdfast policy test ~/documents/staff/new.xlsx --size 20000 --media-type application/zip',
)}`,
    )
    .action(
      run(async (session, path, options) =>
        (await import('../commands/policy-test.ts')).runPolicyTest(session, path, options),
      ),
    );

  command('replay', say('help', 'policy_replay'), policy)
    .requiredOption('--bundle <dir>', say('help', 'policy_replay_bundle'))
    .option('--source <name>', say('help', 'policy_replay_source'))
    .option('--limit <count>', say('help', 'policy_replay_limit'), wholeNumber, 10_000)
    .addHelpText(
      'after',
      `
${say('help', 'policy_replay_about')}
${examples(
  'holdfast policy replay --bundle .',
  'holdfast policy replay --bundle /etc/holdfast/policies-next --source documents --json',
)}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/policy-replay.ts')).runPolicyReplay(session, options),
      ),
    );

  command('apply', say('help', 'policy_apply'), policy)
    .addHelpText(
      'after',
      `
${say('help', 'policy_apply_about')}
${examples('holdfast policy apply')}`,
    )
    .action(run(async (session) => (await import('../commands/policy-apply.ts')).runPolicyApply(session)));

  command('show', say('help', 'policy_show'), policy)
    .addHelpText('after', examples('holdfast policy show', 'holdfast policy show --json'))
    .action(run(async (session) => (await import('../commands/policy-show.ts')).runPolicyShow(session)));

  command('bundle', say('help', 'policy_bundle'), policy)
    .requiredOption('--output <path>', say('help', 'policy_bundle_output'))
    .addHelpText(
      'after',
      `
${say('help', 'policy_bundle_about')}
${examples('holdfast policy bundle --output policy.tar.gz', 'holdfast policy bundle --output ./to-sign')}`,
    )
    .action(
      run(async (session, options) =>
        (await import('../commands/policy-bundle.ts')).runPolicyBundle(session, options),
      ),
    );
}

function wholeNumber(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count))
    throw new InvalidArgumentError(say('help', 'policy_bundle_invalid'));
  return count;
}
