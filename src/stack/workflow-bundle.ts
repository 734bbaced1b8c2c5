import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../domain/failures.ts';
import { serviceEnvironment } from './environment.ts';
import { scriptFile } from './our-services.ts';
import type { Paths } from './paths.ts';
import { projectRoot } from './project.ts';
import { runCommand } from './run.ts';

/** The bundled workflows of this release, made on first use and kept in the cache under the hash of what they are made of. */
export async function ensureWorkflowBundle(paths: Paths): Promise<string> {
  const bundler = scriptFile('src/temporal/bundle');
  const sources = path.dirname(path.dirname(path.dirname(bundler)));
  const hash = createHash('sha256').update(readFileSync(path.join(projectRoot, 'package.json')));
  for (const folder of ['workflows', 'src/domain', 'src/temporal']) {
    for (const file of filesBelow(path.join(sources, folder))) hash.update(file).update(readFileSync(file));
  }
  const outFile = path.join(paths.cache, 'workflows', `${hash.digest('hex').slice(0, 32)}.js`);
  // The bundler takes a second to load, also where there is nothing to do.
  if (existsSync(outFile)) return outFile;
  const { code, stderr } = await runCommand(process.execPath, [bundler, outFile], {
    cwd: '/',
    env: serviceEnvironment(paths.home),
  });
  if (code !== 0)
    throw new Failure('tool_failed', { what: 'The workflow bundle', detail: stderr.trim().slice(-500) });
  return outFile;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}
