import { Output } from '../src/cli/output.ts';
import { isFailure } from '../src/domain/failures.ts';
import { type Paths, resolvePaths } from '../src/stack/paths.ts';
import { projectRoot } from '../src/stack/project.ts';
import { languageOf } from '../src/text/language.ts';
import { say, speak } from '../src/text/voice.ts';
import { type Arguments, readArguments } from './quickstart/arguments.ts';
import { CommandFailed, holdfast } from './quickstart/cli.ts';
import { prepareInstallation } from './quickstart/installation.ts';
import {
  protectAll,
  restoreAll,
  setUp,
  start,
  type Tour,
  tellStory,
  tryDeletion,
} from './quickstart/tour.ts';

/**
 * All of Holdfast on real input: sets everything up, protects a folder and some planted files, shows what became of
 * each, restores everything, and tries to delete what is locked. It only runs the commands a user has.
 */
const { env } = process;
const uid = process.getuid?.() ?? 0;
const output = new Output(false);
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());

await speak(languageOf(env));

try {
  // npm runs scripts in the checkout and says here where it was called.
  const args = readArguments(process.argv.slice(2), env.INIT_CWD ?? process.cwd());
  if (args.help) output.line(say('tour', 'usage'));
  else process.exitCode = await run(args);
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

async function run(args: Arguments): Promise<number> {
  const paths = resolvePaths(env, uid);
  heading(say('tour', 'title'));
  const installation = prepareInstallation({
    paths,
    uid,
    folder: args.folder ?? projectRoot,
    givenPasswordFile: env.HOLDFAST_PASSWORD_FILE || undefined,
  });
  const cliEnv = { ...env, HOLDFAST_HOME: paths.home, HOLDFAST_PASSWORD_FILE: installation.passwordFile };
  const tour: Tour = {
    output,
    installation,
    async holdfast(command, options = {}) {
      output.line(`$ holdfast ${command.map(quoted).join(' ')}`);
      return holdfast(command, { ...options, env: cliEnv, signal: interrupt.signal });
    },
  };
  let mayKeep = false;
  try {
    const isComplete = await guide(tour, args);
    mayKeep = args.keep;
    if (isComplete) return 0;
    heading(say('tour', 'not_all'));
    output.line(say('tour', 'not_all_means'));
    return 3;
  } finally {
    heading(say('tour', 'end'));
    if (mayKeep) tellHowToStop(paths);
    else {
      // Also after Ctrl-C: whatever was started ends.
      await holdfast(['down'], { env: cliEnv });
      output.line(say('tour', 'kept', { home: paths.home }));
    }
  }
}

/** The tour itself; true when nothing failed. */
async function guide(tour: Tour, { folder, keep }: Arguments): Promise<boolean> {
  await setUp(tour, folder === undefined ? ['node_modules/', '.git/'] : []);
  heading(say('tour', 'step_start'));
  const services = await start(tour, { watch: keep });
  heading(say('tour', 'step_protect'));
  const result = await protectAll(tour, services.temporal.ui);
  heading(say('tour', 'step_story'));
  await tellStory(tour);
  heading(say('tour', 'step_restore'));
  await restoreAll(tour, result);
  heading(say('tour', 'step_delete'));
  await tryDeletion(tour, result, services.s3);
  return result.isComplete;
}

/** As a shell wants it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function heading(text: string): void {
  output.line();
  output.line(text);
  output.line('-'.repeat(text.length));
}

function tellHowToStop(paths: Paths): void {
  const home = env.HOLDFAST_HOME ? `HOLDFAST_HOME=${quoted(paths.home)} ` : '';
  output.line(say('tour', 'keep_running'));
  output.line(say('tour', 'see_them', { command: `${home}npx holdfast status` }));
  output.line(say('tour', 'stop_them', { command: `${home}npx holdfast down` }));
}

function exitCodeOf(error: unknown): number {
  if (interrupt.signal.aborted) return 130;
  // The command has told its reason itself.
  if (error instanceof CommandFailed) return error.exitCode;
  output.failure(error);
  return isFailure(error) ? error.exitCode : 1;
}
