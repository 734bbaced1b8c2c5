import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolvePaths } from '../../src/stack/paths.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { type CommandResult, runCommand } from '../../src/stack/run.ts';

/** The npm package as `npm pack` makes it, below a node_modules folder that holds nothing but what it depends on. */
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-packed-'));
  writeFileSync(path.join(folder, 'password'), 'five plain random words\n', { mode: 0o600 });
  env = {
    ...process.env,
    HOLDFAST_HOME: path.join(folder, 'home'),
    HOLDFAST_PASSWORD_FILE: path.join(folder, 'password'),
  };
  const packed = await runCommand('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: projectRoot,
  });
  expect(packed.code, packed.stderr).toBe(0);
  const modules = path.join(folder, 'app/node_modules');
  const installed = path.join(modules, 'holdfast');
  mkdirSync(installed, { recursive: true });
  const archive = path.join(folder, packed.stdout.trim().split('\n').at(-1) ?? '');
  await runCommand('tar', ['-xzf', archive, '--strip-components=1', '-C', installed]);
  linkDependencies(modules);
});

afterAll(async () => {
  await holdfast('down');
  const { runtime } = resolvePaths(env, process.getuid?.() ?? 0);
  const data = path.join(folder, 'home/data');
  const elsewhere = lstatSync(data, { throwIfNoEntry: false })?.isSymbolicLink() ? [readlinkSync(data)] : [];
  for (const one of [folder, runtime, ...elsewhere]) rmSync(one, { recursive: true, force: true });
});

test('ships JavaScript and what is read at run time, and no test', async () => {
  const installed = path.join(folder, 'app/node_modules/holdfast');
  const { stdout } = await runCommand('find', [installed, '-type', 'f', '-printf', '%P\n']);
  const files = stdout.trim().split('\n');
  expect(files).toEqual(
    expect.arrayContaining([
      'bin/holdfast.mjs',
      'dist/src/cli/main.js',
      'dist/workflows/index.js',
      'dist/src/catalog/migrations/0001_catalog.sql',
      'policies/admission/admission.rego',
      'tools/temporal/go.sum',
      'LICENSE',
    ]),
  );
  expect(files.filter((name) => /\.ts$|_test\.rego$|^(src|test|scripts)\//.test(name))).toEqual([]);
});

test('does the main job from there', { timeout: 180_000 }, async () => {
  const files = path.join(folder, 'files');
  mkdirSync(files);
  writeFileSync(path.join(files, 'a.txt'), 'hello\n');
  const restored = path.join(folder, 'restored');

  expect((await holdfast('--help')).stdout).toContain('Usage: holdfast');
  await succeeds(
    'init',
    '--source',
    `files=${files}`,
    '--allow-test-signatures',
    '--yes',
    '--lock-days',
    '1',
  );
  await succeeds('up', '-d');
  const { stdout } = await succeeds('protect', files, '--wait', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ path: 'a.txt', outcome: 'uploaded' });
  await succeeds('restore', 'files', '--to', restored);
  expect(readFileSync(path.join(restored, 'files/a.txt'), 'utf8')).toBe('hello\n');
  await succeeds('down');
});

async function succeeds(...args: string[]): Promise<CommandResult> {
  const result = await holdfast(...args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

const holdfast = (...args: string[]): Promise<CommandResult> =>
  runCommand('node', [path.join(folder, 'app/node_modules/holdfast/bin/holdfast.mjs'), ...args], { env });

/** Links what `npm install` would put beside the package, without the network; nothing of the development's own. */
function linkDependencies(modules: string): void {
  const lock = JSON.parse(readFileSync(path.join(projectRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  for (const [place, { dev, devOptional }] of Object.entries(lock.packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(place)?.[1];
    if (name === undefined || dev || devOptional || !existsSync(path.join(projectRoot, place))) continue;
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(projectRoot, place), path.join(modules, name));
  }
}
