import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { Failure, isFailure } from '../domain/failures.ts';
import { projectRoot } from '../stack/project.ts';
import { Output } from './output.ts';
import { openSession, type Session } from './session.ts';

/** The command line: one place that says which commands there are. Each is loaded when it is called. */
// Each file and folder is made with a mode of its own; a stricter mask would shut the services' users out of theirs.
process.umask(0o022);
const interrupt = new AbortController();
const program = new Command('holdfast')
  .description(
    'Backs up files to locked S3 storage, each one hashed, judged by policy, scanned, encrypted and provable.',
  )
  .version(readVersion())
  .option('--config <file>', 'configuration file (default: holdfast.yaml in the state folder)')
  .option('--json', 'results as JSON')
  .option('--progress', 'tell progress, in lines, also where there is no terminal')
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) })
  .showHelpAfterError('Run with --help to see arguments and examples.');

command('init', 'set up sources, configuration, keys and tools on this machine')
  .requiredOption('--source <name=/path>', 'a folder to protect; may be given several times', collect)
  .option('--lock-days <days>', 'how long every object is locked', wholeDays, 7)
  .addOption(
    new Option('--lock-mode <mode>', 'Object Lock mode')
      .choices(['GOVERNANCE', 'COMPLIANCE'])
      .default('GOVERNANCE'),
  )
  .option('--accept-compliance', 'agree to COMPLIANCE locks without typing it')
  .option('--allow-test-signatures', 'go on although the scanner knows nothing but the EICAR test file')
  .option('-y, --yes', 'do not ask')
  .addHelpText(
    'after',
    examples(
      'HOLDFAST_PASSWORD_FILE=/etc/holdfast/password holdfast init --source documents=/srv/documents',
      'holdfast init --source a=/srv/a --source b=/srv/b --lock-days 30',
    ),
  )
  .action(run(async (session, options) => (await import('./commands/init.ts')).runInit(session, options)));

command('up', 'start all services in the background; returns when they are healthy')
  .option('-d, --detach', 'as always: kept for habit')
  .option('--only <services>', 'only these, separated by commas')
  .option('--no-watch', 'without the watcher')
  .addHelpText(
    'after',
    examples('holdfast up -d', 'holdfast up --only postgres,s3', 'holdfast up -d --no-watch'),
  )
  .action(run(async (session, options) => (await import('./commands/up.ts')).runUp(session, options)));

command('down', 'stop all services; state is kept').action(
  run(async (session) => (await import('./commands/down.ts')).runDown(session)),
);

command('status', 'what runs, where, and how it is').action(
  run(async (session) => (await import('./commands/status.ts')).runStatus(session)),
);

command('protect', 'protect files and folders now')
  .argument('<path...>', 'paths inside a source')
  .option('--wait', 'return when every entry has its outcome (or is held for approval)')
  .option('--dry-run', 'show what would be taken, why not, and until when it would be locked')
  .addHelpText(
    'after',
    examples(
      'holdfast protect /srv/documents --wait',
      'holdfast protect /srv/documents --dry-run',
      'holdfast protect a.txt b.txt --wait --json',
    ),
  )
  .action(
    run(async (session, paths, options) =>
      (await import('./commands/protect.ts')).runProtect(session, paths, options),
    ),
  );

command('files', 'list what the catalog knows, entry by entry')
  .argument('[target]', '<source> or <source>:<path>')
  .option('--outcome <outcome>', 'only entries with this outcome')
  .option('--deleted', 'also what was deleted')
  .addHelpText(
    'after',
    examples('holdfast files', 'holdfast files documents:letters --json', 'holdfast files --outcome failed'),
  )
  .action(
    run(async (session, target, options) =>
      (await import('./commands/files.ts')).runFiles(session, target, options),
    ),
  );

command('show', "one entry's life story, step by step")
  .argument('<source:path>', 'the entry, as `files` prints it')
  .option('--version <id>', 'an older version')
  .addHelpText('after', examples('holdfast show documents:letters/2026.odt'))
  .action(
    run(async (session, target, options) =>
      (await import('./commands/show.ts')).runShow(session, target, options),
    ),
  );

command('runs', 'the newest runs and their results')
  .option('--limit <count>', 'how many', wholeCount, 20)
  .addHelpText('after', examples('holdfast runs', 'holdfast runs --limit 100 --json'))
  .action(run(async (session, options) => (await import('./commands/runs.ts')).runRuns(session, options)));

command('restore', 'bring a source, a folder or a file back into a folder')
  .argument('<source[:path]>', 'what to restore, as `files` prints it')
  .requiredOption('--to <folder>', 'where to; everything goes below <folder>/<source>')
  .option('--dry-run', 'show what would be restored, and how many bytes')
  .addHelpText(
    'after',
    examples(
      'holdfast restore documents --to /tmp/restored',
      'holdfast restore documents:letters/2026.odt --to /tmp/restored --dry-run',
    ),
  )
  .action(
    run(async (session, target, options) =>
      (await import('./commands/restore.ts')).runRestore(session, target, options),
    ),
  );

program
  .command('supervise', { hidden: true })
  .requiredOption('--services <names>')
  .action(
    run(async (session, options) => (await import('./commands/supervise.ts')).runSupervise(session, options)),
  );

await main();

async function main(): Promise<void> {
  process.once('SIGINT', () => interrupt.abort(new Failure('interrupted')));
  // Whoever read our output has gone (`| head`): there is nobody left to tell.
  process.stdout.on('error', () => process.exit());
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      new Output(process.argv.includes('--json')).failure(error);
      process.exitCode = isFailure(error) ? error.exitCode : 1;
    }
  }
}

function command(name: string, description: string): Command {
  return program.command(name).description(description).option('--json', 'results as JSON');
}

interface GlobalOptions {
  readonly json?: boolean;
  readonly progress?: boolean;
  readonly config?: string;
}

/** An action that is given a session, then its positional arguments' and options' values. A number it gives is the exit code. */
// biome-ignore lint/suspicious/noExplicitAny: commander hands over what the options above declare
function run(action: (session: Session, ...args: any[]) => Promise<unknown>) {
  // biome-ignore lint/suspicious/noExplicitAny: see above
  return async (...args: any[]): Promise<void> => {
    const self = args.pop() as Command;
    const { json, progress, config } = self.optsWithGlobals<GlobalOptions>();
    const session = openSession(process.env, config, new Output(json === true, progress), interrupt.signal);
    const options = args.pop();
    const exitCode = await action(session, ...args, options);
    if (typeof exitCode === 'number') process.exitCode = exitCode;
  };
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function wholeDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1 || days > 36_500)
    throw new InvalidArgumentError('1 to 36500 whole days.');
  return days;
}

function wholeCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000) throw new InvalidArgumentError('1 to 10000.');
  return count;
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function readVersion(): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
