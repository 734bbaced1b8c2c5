import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../src/stack/project.ts';
import { runCommand } from '../src/stack/run.ts';

/** Builds what the npm package ships into dist/: JavaScript, and beside it what is read at run time. */
const dist = join(projectRoot, 'dist');
rmSync(dist, { recursive: true, force: true });
const { code, stdout } = await runCommand(join(projectRoot, 'node_modules/.bin/tsc'), [
  '--project',
  join(projectRoot, 'tsconfig.build.json'),
]);
process.stderr.write(stdout);
if (code !== 0) process.exit(1);
const migrations = 'src/catalog/migrations';
cpSync(join(projectRoot, migrations), join(dist, migrations), { recursive: true });
