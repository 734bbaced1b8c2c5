import { InvalidArgumentError, Option } from 'commander';
import { say } from '../../text/voice.ts';
import { addBucketOptions } from '../bucket-options.ts';
import { type Cli, examples } from '../define.ts';

/** Looking whether what lies in the buckets is what was put there. */
export function defineCheckCommands({ command, run }: Cli): void {
  command('verify', say('help', 'verify'))
    .argument('[target]', say('help', 'verify_target'))
    .addOption(
      new Option('--sample <percent>', say('help', 'verify_sample'))
        .argParser(percentage)
        .default(0.05, '5%'),
    )
    .addOption(new Option('--all', say('help', 'verify_all')).conflicts('sample'))
    .option('--read-data', say('help', 'verify_read_data'))
    .option('--inventory', say('help', 'verify_inventory'))
    .option('--no-repair', say('help', 'verify_no_repair'))
    .option('--jobs <count>', say('help', 'verify_jobs'), jobs, 8)
    .addHelpText(
      'after',
      `
${say('help', 'verify_about')}
${examples(
  'holdfast verify',
  'holdfast verify documents:letters --all --read-data',
  'holdfast verify --all --inventory --json',
)}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/verify.ts')).runVerify(session, target, options),
      ),
    );

  addBucketOptions(
    command('inspect', say('help', 'inspect'))
      .argument('<key|file>', say('help', 'inspect_key_file'))
      .option('--version-id <id>', say('help', 'inspect_version_id'))
      .option('--destination <name>', say('help', 'inspect_destination'))
      .option('--member <number>', say('help', 'inspect_member')),
    false,
  )
    .addHelpText(
      'after',
      `
${say('help', 'inspect_about')}
${examples(
  'holdfast inspect objects/9717b9be…-976552bc…',
  'holdfast inspect packs/41cf… --member 12',
  'holdfast inspect ./downloaded.bin --json',
  'holdfast inspect manifests/0b2c…/000000000001 --bucket backup --endpoint https://s3.example.org',
)}`,
    )
    .action(
      run(async (session, target, options) =>
        (await import('../commands/inspect.ts')).runInspect(session, target, options),
      ),
    );
}

/** `5%` or `0.5%` as a share of 1. */
function percentage(text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError(say('help', 'inspect_invalid'));
  return share;
}

function jobs(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 64)
    throw new InvalidArgumentError(say('help', 'inspect_invalid_2'));
  return count;
}
