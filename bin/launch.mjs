/**
 * What every entry point does first, in plain JavaScript because it runs on the host's own Node (20 or newer):
 * install the pinned packages when they are missing or old, then run the real program on the pinned Node 24: in this process where
 * it is that Node or can become it, else as its child.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { constants, homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = realpathSync(fileURLToPath(new URL('..', import.meta.url)));
/** Exit code 5: a dependency is unavailable (the table in src/domain/failures.ts). */
const unavailable = 5;

class CannotStart extends Error {}

/**
 * Runs `checkoutScript` (relative to the project) with `args` on Node 24. This process ends as it ends; where it is a child that signal
 * n killed, with 128 + n. In a packed install, `packedScript` runs instead.
 */
export async function launch({ checkoutScript, packedScript, args }) {
  try {
    await run(checkoutScript, packedScript, args);
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    process.stderr.write(`holdfast: ${error.message}\n`);
    process.exitCode = unavailable;
  }
}

async function run(checkoutScript, packedScript, args) {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new CannotStart(
      `Node.js 20 or newer is missing (this is ${process.versions.node}): install it from https://nodejs.org/ (Debian 13 has it: \`sudo apt-get install nodejs\`).`,
    );
  }
  // Node refuses TypeScript below node_modules, so a packed install carries JavaScript; a checkout does not.
  const isPacked = root.split(path.sep).includes('node_modules');
  if (!isPacked) await ensurePackages();
  const script = isPacked ? packedScript : checkoutScript;
  if (script === undefined) throw new CannotStart('This command only exists in a checkout of the project.');
  await runOnPinnedNode(path.join(root, script), args);
}

/** Runs `npm ci` unless node_modules carries the stamp of this package-lock.json, platform and architecture. */
async function ensurePackages() {
  const lockHash = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = `${lockHash} ${process.platform} ${process.arch}\n`;
  const stampFile = path.join(root, 'node_modules', '.holdfast-installed');
  const isFresh = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  if (isFresh()) return;
  await withLock(async () => {
    if (isFresh()) return;
    process.stderr.write('holdfast: installing packages (npm ci)\n');
    const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      // The caller's standard output may be read by a program (--json).
      stdio: ['ignore', process.stderr, process.stderr],
    });
    if (result.error?.code === 'ENOENT') {
      throw new CannotStart('npm is missing: install it with `sudo apt-get install npm`.');
    }
    if (result.error) throw result.error;
    if (result.status !== 0) {
      throw new CannotStart(`The packages could not be installed: run \`npm ci\` in ${root} to see why.`);
    }
    writeFileSync(stampFile, stamp);
  });
}

/** Holds an abstract socket while `work` runs: the kernel gives it up when this process ends, however it ends. */
async function withLock(work) {
  const name = createHash('sha256').update(`${process.getuid?.()} ${root}`).digest('hex');
  for (;;) {
    const server = createServer();
    const isMine = await new Promise((resolve, reject) => {
      server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
      server.listen({ path: `\0holdfast-packages-${name}` }, () => resolve(true));
    });
    if (!isMine) {
      await sleep(500);
      continue;
    }
    try {
      return await work();
    } finally {
      server.close();
    }
  }
}

/** The program and the version of the `node` npm package, found from this file wherever npm put the package. */
function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json');
    const program = path.join(path.dirname(manifest), 'bin', 'node');
    if (existsSync(program)) return { program, version: JSON.parse(readFileSync(manifest, 'utf8')).version };
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
  }
  throw new CannotStart(
    `Node.js 24 (the npm package "node") is missing: install it with \`npm rebuild node --ignore-scripts=false\` in ${root}.`,
  );
}

async function runOnPinnedNode(script, args) {
  const { program, version } = pinnedNode();
  // Types are stripped and modules compiled once, not by each command: half of what one costs. Node keeps it by content.
  process.env.NODE_COMPILE_CACHE ??= path.join(cacheFolder(), 'compiled');
  if (process.version === `v${version}` && realpathSync(process.execPath) === realpathSync(program)) {
    module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
    process.argv = [process.argv[0], script, ...args];
    await import(pathToFileURL(script).href);
  } else if (process.execve !== undefined) process.execve(program, [program, script, ...args], process.env);
  else process.exitCode = await runChild(program, [script, ...args]);
}

/** The exit code of a child that is this process in all but its number. */
async function runChild(program, args) {
  const child = spawn(program, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
    process.on(signal, () => {
      if (!(isTerminalSignal(signal) && ownsTerminal())) child.kill(signal);
    });
  }
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** As src/stack/paths.ts has it. */
function cacheFolder() {
  if (process.getuid?.() === 0) return '/var/cache/holdfast';
  const { XDG_CACHE_HOME: chosen = '' } = process.env;
  return path.join(path.isAbsolute(chosen) ? chosen : path.join(homedir(), '.cache'), 'holdfast');
}

const isTerminalSignal = (signal) => signal === 'SIGINT' || signal === 'SIGQUIT';

/** In a terminal's foreground group, Ctrl-C already reached the child: forwarding would make it two. */
function ownsTerminal() {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // After the name, proc_pid_stat(5): state, parent, group, session, terminal, the terminal's foreground group.
    const [, , group, , , terminalGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === terminalGroup;
  } catch {
    return false;
  }
}
