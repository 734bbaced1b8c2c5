import { Command, CommanderError } from 'commander';
import { Failure, isFailure } from '../domain/failures.ts';
import { systemCalls } from '../files/system-calls.ts';
import { languageOf } from '../text/language.ts';
import { say, speak } from '../text/voice.ts';
import { type Cli, descriptor } from './define.ts';
import { defineAuditCommands } from './definitions/audit.ts';
import { defineCheckCommands } from './definitions/check.ts';
import { defineCodecServerCommands } from './definitions/codec-server.ts';
import { defineFilesCommands } from './definitions/files.ts';
import { defineHoldCommands } from './definitions/holds.ts';
import { defineHostCommands } from './definitions/hosts.ts';
import { defineIncidentCommands } from './definitions/incidents.ts';
import { defineInstallationCommands } from './definitions/installation.ts';
import { defineKeyCommands } from './definitions/keys.ts';
import { defineLimitsCommands } from './definitions/limits.ts';
import { defineLookCommands } from './definitions/look.ts';
import { definePolicyCommands } from './definitions/policy.ts';
import { defineQuarantineCommands } from './definitions/quarantine.ts';
import { defineRecoveryCommands } from './definitions/recovery.ts';
import { defineReplicateCommands } from './definitions/replicate.ts';
import { defineRescanCommands } from './definitions/rescan.ts';
import { defineRestoreCommands } from './definitions/restore.ts';
import { defineRetentionCommands } from './definitions/retention.ts';
import { defineSweepCommands } from './definitions/sweeps.ts';
import { openSession } from './open-session.ts';
import { Output } from './output.ts';
import { parserError, titled } from './parser-text.ts';
import type { Session } from './session.ts';
import { softwareVersion } from './software-version.ts';

/** The command line. Which commands there are stands in definitions/; each is loaded when it is called. */
// Each file and folder is made with a mode of its own; a stricter mask would shut the services' users out of theirs.
process.umask(0o022);
// Nor may passwords and keys get into a file because something crashed; what this process starts inherits it.
systemCalls()?.forbidCoreFiles();
const interrupt = new AbortController();
const env = { ...process.env };
// Whatever this process starts inherits its environment: the password is for nobody else.
delete process.env.HOLDFAST_PASSWORD;
// What scripts read is English.
await speak(process.argv.includes('--json') ? 'en' : languageOf(env));
const program = new Command('holdfast')
  .description(say('help', 'program'))
  .option('--config <file>', say('help', 'main_config'))
  .option('--json', say('help', 'main_json'))
  .option('--password-file <file>', say('help', 'main_password_file'))
  .option('--password-fd <number>', say('help', 'main_password_fd'), descriptor)
  .option('--progress', say('help', 'main_progress'))
  .exitOverride()
  .configureOutput({
    writeErr: (text) => process.stderr.write(text),
    outputError: (text, write) => write(parserError(text)),
  })
  .showHelpAfterError(say('help', 'after_error'));
titled(program).helpCommand('help [command]', say('help', 'help_command'));

const cli: Cli = { program, command, run };
defineInstallationCommands(cli);
defineFilesCommands(cli);
defineSweepCommands(cli);
defineLookCommands(cli);
defineRestoreCommands(cli);
defineRecoveryCommands(cli);
defineCheckCommands(cli);
defineAuditCommands(cli);
defineReplicateCommands(cli);
defineRescanCommands(cli);
defineLimitsCommands(cli);
defineQuarantineCommands(cli);
defineRetentionCommands(cli);
defineHoldCommands(cli);
defineIncidentCommands(cli);
defineHostCommands(cli);
defineKeyCommands(cli);
definePolicyCommands(cli);
defineCodecServerCommands(cli);
if (!isCommandsOwn('--version')) program.version(softwareVersion(), '-V, --version', say('help', 'version'));

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

/** Whether an option stands behind a command, which may have its own of that name. */
function isCommandsOwn(option: string): boolean {
  const before = process.argv.slice(2, process.argv.indexOf(option));
  return program.commands.some((known) => before.includes(known.name()));
}

function command(name: string, description: string, parent: Command = program): Command {
  return titled(parent.command(name)).description(description).option('--json', say('help', 'main_json'));
}

interface GlobalOptions {
  readonly json?: boolean;
  readonly progress?: boolean;
  readonly config?: string;
  readonly passwordFile?: string;
  readonly passwordFd?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: commander hands over what the options above declare
function run(action: (session: Session, ...args: any[]) => Promise<unknown>) {
  // biome-ignore lint/suspicious/noExplicitAny: see above
  return async (...args: any[]): Promise<void> => {
    const self = args.pop() as Command;
    const { json, progress, config, passwordFile, passwordFd } = self.optsWithGlobals<GlobalOptions>();
    const output = new Output(json === true, progress);
    const passwords = { passwordFile, passwordFd, command: nameOf(self) };
    const session = openSession(env, config, output, interrupt.signal, passwords);
    const options = args.pop();
    const exitCode = await action(session, ...args, options).catch(async (error: unknown) => {
      (await import('./note-refusal.ts')).noteRefusal(session, error);
      throw (await import('./disk-refusal.ts')).diskRefusal(error) ?? error;
    });
    if (typeof exitCode === 'number') process.exitCode = exitCode;
  };
}

/** Of a command with its family's: `key rotate`. */
function nameOf(self: Command): string {
  const names: string[] = [];
  for (let one: Command | null = self; one !== null && one !== program; one = one.parent)
    names.unshift(one.name());
  return names.join(' ');
}
