import { cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../src/stack/project.ts';
import { runCommand } from '../../src/stack/run.ts';

/** A copy of what docker-compose.yml needs, prepared as an operator would: its folder, which the caller removes. */
export async function preparedCheckout(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-compose-'));
  for (const name of ['docker-compose.yml', 'ops'])
    cpSync(path.join(projectRoot, name), path.join(folder, name), { recursive: true });
  mkdirSync(path.join(folder, 'shared files'));
  await prepare(folder);
  return folder;
}

export async function prepare(folder: string): Promise<string> {
  const script = path.join(folder, 'ops/compose/prepare.sh');
  const { code, stdout, stderr } = await runCommand(script, [
    path.join(folder, 'shared files'),
    '1234',
    '5678',
  ]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** The settings that Compose reads beside the file. */
export const settingsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(path.join(folder, '.env'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
