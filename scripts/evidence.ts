import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { Output } from '../src/cli/output.ts';
import { isFailure } from '../src/domain/failures.ts';
import { resolvePaths } from '../src/stack/paths.ts';
import { projectRoot } from '../src/stack/project.ts';
import type { Prometheus } from '../test/support/prometheus.ts';
import { dashboardValues, startPrometheus } from './evidence/dashboards.ts';
import { readme } from './evidence/readme.ts';
import { redacted } from './evidence/redact.ts';
import { makeSample, provedFile, type Sample } from './evidence/sample.ts';
import { testResults } from './evidence/tests.ts';
import { testTools } from './testing/environment.ts';

/**
 * `npm run evidence`: makes docs/evidence from a real run in which every outcome came about, so that somebody who does not run
 * Holdfast can see and verify what it leaves behind. The names of the files in the folder are always the same.
 */
const folder = path.join(projectRoot, 'docs/evidence');
/** Of everything in the folder. Bytes. */
const mostBytes = 1_000_000;
/** Of a log: its end, where the sample is. */
const mostLogLines = 400;
/** What the script leaves alone: they say the same after every run. */
const keptFiles = new Set(['diagrams.md']);

/** What commands of ours tell, by the file that it goes to. */
const commands: readonly (readonly [string, readonly string[]])[] = [
  ['audit-verify.json', ['audit', 'verify', '--json']],
  ['doctor.txt', ['doctor']],
  ['runs.jsonl', ['runs', '--json']],
  ['usage.json', ['usage', '--json']],
  ['report-quarantine.csv', ['report', 'quarantine', '--csv']],
  ['report-failures.csv', ['report', 'failures', '--csv']],
  ['report-unprotected.csv', ['report', 'unprotected', '--csv']],
];

const { env } = process;
const uid = process.getuid?.() ?? 0;
const output = new Output(false);
const scratch = mkdtempSync(path.join(tmpdir(), 'holdfast-evidence-'));
const progress = (what: string): void => output.note(what);

try {
  // What is missing is told before anything is begun.
  const tests = testResults();
  const { env: tools } = await testTools({
    ...{ paths: resolvePaths(env, uid), uid, searchPath: env.PATH ?? '', scratch },
    onProgress: progress,
  });
  Object.assign(env, tools);
  let prometheus: Prometheus | undefined;
  try {
    const sample = await makeSample({
      onProgress: progress,
      async onStarted(installation) {
        prometheus = await startPrometheus(installation);
      },
    });
    if (prometheus === undefined) throw new Error('the sample was never begun');
    await makeEvidence(sample, prometheus, tests);
  } finally {
    await prometheus?.stop();
  }
  output.line(`docs/evidence: ${readdirSync(folder).length} files, ${totalBytes()} bytes`);
} catch (error) {
  output.failure(error);
  process.exitCode = isFailure(error) ? error.exitCode : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function makeEvidence(
  sample: Sample,
  prometheus: Prometheus,
  tests: ReturnType<typeof testResults>,
): Promise<void> {
  const { installation } = sample;
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!keptFiles.has(name)) rmSync(path.join(folder, name));
  try {
    progress('asking the dashboards');
    write('dashboards.json', shown(asJson(await dashboardValues(installation, prometheus))));
    progress('writing outcomes, audit trail and proofs');
    write('outcomes.json', asJson(outcomes(sample)));
    for (const [name, command] of commands) {
      const { code, stdout, stderr } = await installation.run(...command);
      if (stdout === '') throw new Error(`${command.join(' ')} told nothing (code ${code}): ${stderr}`);
      write(name, shown(stdout));
    }
    await auditFiles(sample);
    write('verification.txt', verification());
    write('worker.log.jsonl', log(sample, 'worker'));
  } finally {
    await installation.remove();
  }
  write('tests.json', asJson(tests));
  write('README.md', readme());
  if (totalBytes() > mostBytes) throw new Error(`docs/evidence has ${totalBytes()} bytes`);
}

/** What became of every file of the sample. Their names are made up. */
function outcomes({ rows }: Sample) {
  return [...rows.values()]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path: name, outcome, reason, versionId, workflowId, placements }) => ({
      ...{ path: name, outcome, reason, versionId, workflowId, placements },
    }));
}

async function auditFiles({ installation }: Sample): Promise<void> {
  write('audit.pub', (await installation.run('audit', 'public-key')).stdout);
  const into = (name: string): string[] => ['--output', path.join(folder, name)];
  await installation.run('audit', 'export', '--from', '1d', ...into('audit-export.jsonl'));
  await installation.run('prove', provedFile, ...into('proof.json'));
  await installation.run('prove', provedFile, '--withhold-path', ...into('proof-withheld.json'));
}

/** What the stand-alone program says of export and proofs, and of a proof in which one byte is changed. */
function verification(): string {
  const bytes = readFileSync(path.join(folder, 'proof.json'));
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  const changed = path.join(scratch, 'changed.json');
  writeFileSync(changed, bytes);
  const named = ['audit-export.jsonl', 'proof.json', 'proof-withheld.json'].map(
    (name) => [name, path.join(folder, name)] as const,
  );
  return [...named, [`proof.json with byte ${middle} changed`, changed] as const]
    .map(([name, file]) => {
      const args = [
        path.join(projectRoot, 'ops/audit/verify_proof.py'),
        '--public-key',
        path.join(folder, 'audit.pub'),
        file,
      ];
      const { status, stdout, stderr } = spawnSync(env.HOLDFAST_TEST_PYTHON ?? 'python3', args, {
        encoding: 'utf8',
      });
      return `== ${name}: exit code ${status}\n${stdout}${stderr}`;
    })
    .join('\n');
}

function log({ installation, fileNames }: Sample, service: string): string {
  const lines = readFileSync(path.join(installation.home, 'logs', `${service}.log`), 'utf8').split('\n');
  return redacted(`${lines.slice(-mostLogLines).join('\n')}`, { hostName: hostname(), fileNames });
}

/** What a command tells, without this machine's names. */
function shown(text: string): string {
  return redacted(text, { hostName: hostname(), fileNames: [] });
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function write(name: string, text: string): void {
  writeFileSync(path.join(folder, name), text);
}

function totalBytes(): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
}
