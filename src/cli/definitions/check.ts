import { InvalidArgumentError, Option } from 'commander';
import { addBucketOptions } from '../bucket-options.ts';
import { type Cli, examples } from '../define.ts';

/** Looking whether what lies in the buckets is what was put there. */
export function defineCheckCommands({ command, run }: Cli): void {
  command('verify', 'look whether the buckets hold what the catalog says, locked as promised')
    .argument('[target]', '<source> or <source>:<path>; everything without it')
    .addOption(
      new Option('--sample <percent>', 'share of the objects, those that were not looked at for longest')
        .argParser(percentage)
        .default(0.05, '5%'),
    )
    .addOption(new Option('--all', 'every object').conflicts('sample'))
    .option('--read-data', 'also read each of them and decrypt it to its hash')
    .option('--inventory', 'also list the buckets, and tell what the catalog lacks or the bucket does')
    .option('--no-repair', 'only look; without it locks are extended, and what is lost is copied or given up')
    .option('--jobs <count>', 'objects looked at at once, 1 to 64', jobs, 8)
    .addHelpText(
      'after',
      `
Each run takes what was looked at longest ago, so that runs of 5% reach everything in twenty. A lost object is copied
from another destination that has it; where none has, its files count as failed and the next \`protect\` or start of the
watcher uploads them anew. Exit code 4 when anything was not as it should be, 5 when one of several
destinations did not answer.
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
    command('inspect', 'tell what an object, or a file with its bytes, is')
      .argument('<key|file>', "an object's name, with or without the prefix, or a file on this machine")
      .option('--version-id <id>', 'which version of the name (default: the newest)')
      .option('--destination <name>', 'which destination of the configuration (default: the first)')
      .option('--member <number>', 'one file of a pack, by its number in it; needs the password'),
    false,
  )
    .addHelpText(
      'after',
      `
Reads the beginning and the end only, never the content. With the password it also tells the path and attributes, and
that nobody changed them; on the terminal, Enter alone goes on without it. With --bucket no configuration is needed.
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
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError('A percentage above 0 to 100, like 5%.');
  return share;
}

function jobs(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 64) throw new InvalidArgumentError('1 to 64.');
  return count;
}
