import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { projectRoot } from '../../src/stack/project.ts';

/** A project in little: the real starters, a program that tells how it was started, and an npm that takes notes. */
let folder: string;
let root: string;
let bin: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast launch '));
  bin = path.join(folder, 'bin');
  mkdirSync(bin);
  root = makeProject(path.join(folder, 'a checkout'), 'src/cli/main.ts');
  for (const program of ['cat', 'mkdir', 'ln', 'sleep', 'sh'])
    symlinkSync(`/usr/bin/${program}`, path.join(bin, program));
  const install = 'mkdir -p node_modules; ln -sfn "$NODE_PACKAGE" node_modules/node';
  writeFileSync(path.join(bin, 'npm'), `#!/bin/sh\necho "$@" >> "$NPM_NOTES"; sleep 0.3\n${install}\n`, {
    mode: 0o755,
  });
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function makeProject(target: string, script: string): string {
  for (const name of ['bin', 'scripts']) {
    cpSync(path.join(projectRoot, name), path.join(target, name), {
      recursive: true,
      filter: (file) => !file.endsWith('.ts'),
    });
  }
  writeFileSync(path.join(target, 'package-lock.json'), '{"lockfileVersion": 3}');
  const program = path.join(target, script);
  mkdirSync(path.dirname(program), { recursive: true });
  const typed = script.endsWith('.ts') ? ': string[]' : '';
  writeFileSync(
    program,
    `const args${typed} = process.argv.slice(2);
     if (args[0] === 'exit') process.exit(Number(args[1]));
     if (args[0] === 'die') process.kill(process.pid, 'SIGKILL');
     if (args[0] === 'wait') {
       process.on('SIGTERM', () => process.exit(43));
       setInterval(() => {}, 1000);
     }
     process.stdout.write(JSON.stringify({ args, cwd: process.cwd(), script: process.argv[1] }) + '\\n');`,
  );
  return target;
}

const pinned = path.join(projectRoot, 'node_modules', 'node');

function start(
  program: string,
  args: readonly string[],
  cwd = folder,
  host: { readonly nodePackage?: string; readonly nodeArgs?: readonly string[] } = {},
): ChildProcess {
  const { nodePackage = pinned, nodeArgs = [] } = host;
  const env = { PATH: bin, NPM_NOTES: path.join(folder, 'notes'), NODE_PACKAGE: nodePackage };
  return spawn(process.execPath, [...nodeArgs, program, ...args], {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** A package like the pinned one that is another Node than the one of this test: its program tells of itself, then becomes it. */
function otherNode(): string {
  const nodePackage = path.join(folder, 'other node');
  mkdirSync(path.join(nodePackage, 'bin'), { recursive: true });
  writeFileSync(path.join(nodePackage, 'package.json'), '{"version": "24.0.0"}');
  const program = `#!/bin/sh\necho "$PPID" > '${folder}/parent'; exec '${process.execPath}' "$@"\n`;
  writeFileSync(path.join(nodePackage, 'bin/node'), program, { mode: 0o755 });
  return nodePackage;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(child: ChildProcess): Promise<Ended> {
  const collect = (stream: ChildProcess['stdout']) => {
    const chunks: string[] = [];
    stream?.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
    return chunks;
  };
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

const run = (program: string, args: readonly string[], cwd?: string) => ended(start(program, args, cwd));
const holdfast = () => path.join(root, 'bin', 'holdfast.mjs');
const installs = () => {
  const notes = path.join(folder, 'notes');
  return existsSync(notes) ? readFileSync(notes, 'utf8').trimEnd().split('\n') : [];
};

describe('in a checkout', () => {
  test('two at once install the packages once; later starts install nothing', async () => {
    const both = await Promise.all([run(holdfast(), ['exit', '0']), run(holdfast(), ['exit', '0'])]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(installs()).toEqual(['ci --no-audit --no-fund --loglevel=error']);
    await run(holdfast(), ['exit', '0']);
    expect(installs()).toHaveLength(1);
  });

  test('a changed package-lock installs again', async () => {
    await run(holdfast(), ['exit', '0']);
    writeFileSync(path.join(root, 'package-lock.json'), '{"lockfileVersion": 3, "packages": {}}');
    await run(holdfast(), ['exit', '0']);
    expect(installs()).toHaveLength(2);
  });

  test('arguments, folder and exit code are the program’s own, through a link too', async () => {
    const link = path.join(folder, 'holdfast');
    symlinkSync(holdfast(), link);
    const { stdout } = await run(link, ['a b', '--json'], bin);
    expect(JSON.parse(stdout)).toEqual({
      args: ['a b', '--json'],
      cwd: bin,
      script: path.join(root, 'src/cli/main.ts'),
    });
    expect((await run(link, ['exit', '42'])).code).toBe(42);
    // Of a signal: there is no process in between.
    expect((await run(link, ['die'])).code).toBe(null);
  });

  test('a signal reaches the program', async () => {
    const child = start(holdfast(), ['wait']);
    const end = ended(child);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGTERM');
    expect((await end).code).toBe(43);
  });

  test('another Node becomes the pinned one', async () => {
    const host = { nodePackage: otherNode() };
    const child = start(holdfast(), ['a b', '--json'], bin, host);
    expect(JSON.parse((await ended(child)).stdout)).toEqual({
      args: ['a b', '--json'],
      cwd: bin,
      script: path.join(root, 'src/cli/main.ts'),
    });
    expect(readFileSync(path.join(folder, 'parent'), 'utf8')).toBe(`${process.pid}\n`);
    expect((await ended(start(holdfast(), ['exit', '42'], folder, host))).code).toBe(42);
  });

  test('one that is too old for that starts it, and ends as it ends', async () => {
    const old = path.join(folder, 'old.cjs');
    writeFileSync(old, 'process.execve = undefined;');
    const host = { nodePackage: otherNode(), nodeArgs: ['--require', old] };
    const waiting = start(holdfast(), ['wait'], bin, host);
    const end = ended(waiting);
    await new Promise((resolve) => waiting.stdout?.once('data', resolve));
    expect(readFileSync(path.join(folder, 'parent'), 'utf8')).toBe(`${waiting.pid}\n`);
    waiting.kill('SIGTERM');
    expect((await end).code).toBe(43);
    expect((await ended(start(holdfast(), ['exit', '42'], folder, host))).code).toBe(42);
    expect((await ended(start(holdfast(), ['die'], folder, host))).code).toBe(128 + 9);
  });

  test('scripts/start.mjs runs a script the same way', async () => {
    const starter = path.join(root, 'scripts', 'start.mjs');
    expect((await run(starter, ['src/cli/main.ts', 'exit', '7'])).code).toBe(7);
    expect((await run(starter, [])).code).toBe(2);
  });

  test('a failed installation is a sentence, and is tried again next time', async () => {
    const npm = path.join(bin, 'npm');
    const working = readFileSync(npm);
    writeFileSync(npm, '#!/bin/sh\nexit 1\n');
    const { code, stderr } = await run(holdfast(), []);
    expect(code).toBe(5);
    expect(stderr).toContain('holdfast: The packages could not be installed: run `npm ci` in ');
    writeFileSync(npm, working);
    expect((await run(holdfast(), ['exit', '0'])).code).toBe(0);
  });

  test('without npm, or without the pinned Node, it says what to install', async () => {
    rmSync(path.join(bin, 'npm'));
    const noNpm = await run(holdfast(), []);
    expect(noNpm).toMatchObject({ code: 5, stdout: '' });
    expect(noNpm.stderr).toMatch(/npm is missing: install it with `sudo apt-get install npm`\.\n$/);
    writeFileSync(path.join(bin, 'npm'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    mkdirSync(path.join(root, 'node_modules'));
    const noNode = await run(holdfast(), []);
    expect(noNode.code).toBe(5);
    expect(noNode.stderr).toContain(
      'Node.js 24 (the npm package "node") is missing: install it with `npm rebuild node',
    );
  });

  test('who waits for an installation that is killed installs itself', async () => {
    const first = start(holdfast(), ['exit', '0']);
    const end = ended(first);
    while (installs().length === 0) await sleep(10);
    const second = run(holdfast(), ['exit', '0']);
    await sleep(100);
    first.kill('SIGKILL');
    await end;
    expect((await second).code).toBe(0);
    expect(installs()).toHaveLength(2);
  });
});

test('packed into somebody’s node_modules, it runs the built program and installs nothing', async () => {
  const modules = path.join(folder, 'theirs', 'node_modules');
  root = makeProject(path.join(modules, 'holdfast'), 'dist/src/cli/main.js');
  symlinkSync(path.join(projectRoot, 'node_modules', 'node'), path.join(modules, 'node'));
  const { stdout } = await run(holdfast(), ['x']);
  expect(JSON.parse(stdout)).toMatchObject({ script: path.join(root, 'dist/src/cli/main.js') });
  expect(installs()).toEqual([]);
  const script = await run(path.join(root, 'scripts', 'start.mjs'), ['scripts/quickstart.ts']);
  expect(script.code).toBe(5);
  expect(script.stderr).toContain('This command only exists in a checkout');
});
