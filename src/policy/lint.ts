import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../stack/run.ts';

/** What a look at a folder of rules found. */
export interface LintFinding {
  /** Which look: `compile, format, tests, metadata, reasons`. */
  readonly check: 'compile' | 'format' | 'tests' | 'metadata' | 'reasons';
  readonly detail: string;
}

const leastCoveragePercent = '95';

/** OPA's own five seconds are too few on a busy machine, where coverage is counted. */
const longestTest = '60s';

/** Everything that can be told of a folder of rules without a configuration. Nothing is changed. */
export async function lintPolicies(opa: string, folder: string): Promise<LintFinding[]> {
  return [
    ...(await compileFindings(opa, folder)),
    ...(await formatFindings(opa, folder)),
    ...(await testFindings(opa, folder)),
    ...sourceFindings(folder),
  ];
}

/** What needs no OPA: that every rule says what it is, and every reason has its sentences. */
export function sourceFindings(folder: string): LintFinding[] {
  const files = ruleFiles(folder).filter((name) => !name.endsWith('_test.rego'));
  const texts = files.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  return [
    ...texts.flatMap(({ name, text }) =>
      undescribedRules(text).map((rule) => ({
        check: 'metadata' as const,
        detail: `${name}: ${rule} has no METADATA`,
      })),
    ),
    ...reasonFindings(folder, texts.map(({ text }) => text).join('\n')),
  ];
}

/** Names of rules in formatted Rego that no METADATA block stands before, at any of their definitions. */
function undescribedRules(text: string): string[] {
  const described = new Map<string, boolean>();
  let hasMetadata = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) {
      hasMetadata ||= line.startsWith('# METADATA');
      continue;
    }
    const [, name] = /^(?:default )?([a-z_]\w*)(?=[ ([])/.exec(line) ?? [];
    if (name !== undefined && !keywords.has(name)) described.set(name, described.get(name) || hasMetadata);
    hasMetadata = false;
  }
  return [...described].filter(([, isDescribed]) => !isDescribed).map(([name]) => name);
}

const keywords = new Set(['package', 'import', 'else']);

function reasonFindings(folder: string, text: string): LintFinding[] {
  const file = join(folder, 'holdfast/sentences/data.json');
  if (!existsSync(file)) return [];
  const sentences = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, unknown>>;
  const ids = new Set([...text.matchAll(/reasons\.reason\("([^"]+)"\)/g)].map(([, id = '']) => id));
  const finding = (detail: string): LintFinding => ({ check: 'reasons', detail });
  return [
    ...[...ids]
      .filter((id) => typeof sentences[id]?.en !== 'string' || typeof sentences[id]?.fr !== 'string')
      .map((id) => finding(`${id} lacks its sentence in English or French`)),
    ...Object.keys(sentences)
      .filter((id) => !ids.has(id))
      .map((id) => finding(`${id} has sentences, and no rule gives it`)),
  ];
}

async function compileFindings(opa: string, folder: string): Promise<LintFinding[]> {
  const schemas = join(folder, 'schemas');
  const args = [
    'check',
    '--strict',
    '--bundle',
    ...(existsSync(schemas) ? ['--schema', schemas] : []),
    folder,
  ];
  const { code, stdout, stderr } = await runCommand(opa, args);
  return code === 0 ? [] : [{ check: 'compile', detail: `${stdout}${stderr}`.trim() }];
}

async function formatFindings(opa: string, folder: string): Promise<LintFinding[]> {
  const { code, stdout, stderr } = await runCommand(opa, ['fmt', '--list', folder]);
  // What does not compile cannot be formatted either, and was told.
  if (code !== 0)
    return stderr.includes('rego_parse_error') ? [] : [{ check: 'format', detail: stderr.trim() }];
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((file) => ({ check: 'format', detail: `${file} is not formatted: opa fmt --write` }));
}

/** An installation's rules come without their tests: then there is nothing to run. */
async function testFindings(opa: string, folder: string): Promise<LintFinding[]> {
  if (!ruleFiles(folder).some((name) => name.endsWith('_test.rego'))) return [];
  const run = ['test', '--bundle', folder, '--timeout', longestTest];
  const tests = await runCommand(opa, [...run, '--fail-on-empty']);
  if (tests.code !== 0) return [{ check: 'tests', detail: `${tests.stdout}${tests.stderr}`.trim() }];
  const { code, stderr } = await runCommand(opa, [...run, '--coverage', '--threshold', leastCoveragePercent]);
  return code === 0
    ? []
    : [{ check: 'tests', detail: stderr.trim() || `they reach less than ${leastCoveragePercent}%` }];
}

function ruleFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.rego'))
    .sort();
}
