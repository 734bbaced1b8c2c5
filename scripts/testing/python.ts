import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../src/domain/failures.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { type CommandResult, isProgramMissing, runCommand } from '../../src/stack/run.ts';
import { cachedFolder, type Progress } from '../../src/stack/toolchain/cached-folder.ts';

const requirements = join(projectRoot, 'test/sealed/requirements.txt');

/**
 * A Python with the packages that make the format vectors, in a virtual environment of the cache.
 * Failures: `tool_missing` with the command that installs Python, `tool_failed`.
 */
export async function ensurePython(cache: string, isRoot: boolean, onProgress: Progress): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = await cachedFolder(cache, `python-${hash}`, onProgress, async (temporary) => {
    onProgress('preparing Python for the format vectors');
    if (!(await makeEnvironment(temporary))) {
      // Debian has the module that makes environments in a package of its own.
      if (!isRoot || !(await installPython()) || !(await makeEnvironment(temporary))) throw missing();
    }
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    const python = join(temporary, 'bin/python');
    const { code, stderr } = await runCommand(python, [...pip, '--requirement', requirements]);
    if (code === 0) return;
    const detail = stderr.trim().split('\n').slice(-3).join('; ');
    throw new Failure('tool_failed', { what: 'Python', detail });
  });
  return join(folder, 'bin/python');
}

const makeEnvironment = (folder: string): Promise<boolean> =>
  succeeds(runCommand('python3', ['-m', 'venv', '--clear', folder]));

async function installPython(): Promise<boolean> {
  const install = ['install', '-y', '--no-install-recommends', 'python3-venv'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  if (await succeeds(runCommand('apt-get', install, { env }))) return true;
  await succeeds(runCommand('apt-get', ['update'], { env }));
  return succeeds(runCommand('apt-get', install, { env }));
}

/** Whether a command exists and ends with code 0. */
async function succeeds(command: Promise<CommandResult>): Promise<boolean> {
  try {
    return (await command).code === 0;
  } catch (error) {
    if (isProgramMissing(error)) return false;
    throw error;
  }
}

const missing = () =>
  new Failure('tool_missing', {
    what: 'Python 3 with its venv module',
    command: 'sudo apt-get install python3 python3-venv',
  });
