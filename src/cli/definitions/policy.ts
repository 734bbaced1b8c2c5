import { InvalidArgumentError } from 'commander';
import { type Cli, examples } from '../define.ts';

/** What may be backed up, and where it may go: looking at the rules, trying them, and putting them in force. */
export function definePolicyCommands({ command, run }: Cli): void {
  const policy = command('policy', 'the rules: check, test, replay, apply, show, bundle').addHelpText(
    'after',
    `
Rules, data and the keys \`policy\`, \`sources\`, \`destinations\` of holdfast.yaml make the policy (docs/policy.md). After a
change: check, test, replay, then apply.
${examples('holdfast policy check', 'holdfast policy test ~/documents/plan.pdf', 'holdfast policy apply')}`,
  );

  command('check', 'look whether the rules and their data are in order', policy)
    .argument('[dir]', 'a folder of rules (default: those of this installation)')
    .addHelpText(
      'after',
      `
Compiles the rules strictly and against the schemas of what they are asked, runs their tests, and asks them everything the
program asks. Changes nothing. Exit code 1 with findings.
${examples('holdfast policy check', 'holdfast policy check /etc/holdfast/policies --json')}`,
    )
    .action(
      run(async (session, dir) => (await import('../commands/policy-check.ts')).runPolicyCheck(session, dir)),
    );

  command('test', 'tell what would happen to a file, and why', policy)
    .argument('<path>', 'a path below a source; it need not be there yet')
    .option('--size <bytes>', 'size of what is not there yet', wholeNumber)
    .option('--media-type <type>', 'media type of what is not there yet, like application/pdf')
    .addHelpText(
      'after',
      `
By the rules and data as they are on the disk, applied or not. Asks about the plan: nothing is read but the first bytes of
the file, and nothing is stored. The scan counts as clean.
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

  command('replay', 'tell which decisions would be others under other rules', policy)
    .requiredOption(
      '--bundle <dir>',
      'folder of rules, or `.` for those of this installation as they are now',
    )
    .option('--source <name>', 'only decisions about this source')
    .option('--limit <count>', 'at most so many decisions, newest first', wholeNumber, 10_000)
    .addHelpText(
      'after',
      `
Asks again what was asked before, from the questions that were stored with each decision. Changes nothing.
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

  command('apply', 'put rules and data as they are now in force, without a restart', policy)
    .addHelpText(
      'after',
      `
What does not hold up is not taken, and the policy before it stays in force. The switch is in the audit trail with who made it.
The next sweep judges anew what is protected, without reading it; nothing is deleted because of a new rule.
${examples('holdfast policy apply')}`,
    )
    .action(run(async (session) => (await import('../commands/policy-apply.ts')).runPolicyApply(session)));

  command('show', 'tell which policy is in force, since when, and what it says', policy)
    .addHelpText('after', examples('holdfast policy show', 'holdfast policy show --json'))
    .action(run(async (session) => (await import('../commands/policy-show.ts')).runPolicyShow(session)));

  command('bundle', 'write the policy as an OPA bundle', policy)
    .requiredOption('--output <path>', 'a file ending in .tar.gz, or a folder to be signed')
    .addHelpText(
      'after',
      `
For an OPA of your own (services.opa: external), or to be signed on another machine (docs/policy.md).
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
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) throw new InvalidArgumentError('a whole number.');
  return count;
}
