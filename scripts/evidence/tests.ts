import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../src/stack/project.ts';

/** Folders of `test/` whose tests hold up what the other files of the evidence claim. */
const chosen = ['audit', 'sealed'];

/** What of vitest's JSON report is used. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs the tests of what an auditor relies on; gives each of them with what became of it. */
export async function testResults(scratch: string) {
  const file = path.join(scratch, 'tests.json');
  const vitest = path.join(projectRoot, 'node_modules/vitest/vitest.mjs');
  const folders = chosen.map((name) => `test/${name}/`);
  const args = [vitest, 'run', '--reporter=json', `--outputFile.json=${file}`, ...folders];
  spawnSync(process.execPath, args, { cwd: projectRoot, stdio: ['ignore', 'ignore', 'inherit'] });
  const { testResults: files } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const tests = files.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({
      test: `${path.relative(path.join(projectRoot, 'test'), name)} › ${fullName}`,
      status,
    })),
  );
  const passed = tests.filter(({ status }) => status === 'passed').length;
  return {
    folders,
    passed,
    failed: tests.length - passed,
    tests: tests.sort((a, b) => (a.test < b.test ? -1 : 1)),
  };
}
