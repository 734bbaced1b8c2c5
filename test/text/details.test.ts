import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { parseConfig } from '../../src/config.ts';
import { isFailure } from '../../src/domain/failures.ts';
import { projectRoot } from '../../src/stack/project.ts';
import { detail, speak } from '../../src/text/voice.ts';

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

afterEach(() => speak('en'));

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** What a literal says, `x` for each of its expressions. */
function said(node: Node): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'TemplateLiteral') return undefined;
  return (node.quasis as Node[]).map(({ value }) => (value as { cooked: string }).cooked).join('x');
}

/** Calls that make failures, or tell how far the tools are; and checks of a configuration with what they demand. */
const makers = new Set([
  'Failure',
  'Undelivered',
  'giveUp',
  'onProgress',
  'damaged',
  'corrupted',
  'unusable',
  'invalid',
  'refine',
  'regex',
]);

/** Phrases within the arguments of those calls, which people read inside of other sentences. */
function* phrases(node: unknown, isTold: boolean): Generator<string> {
  if (Array.isArray(node)) {
    for (const one of node) yield* phrases(one, isTold);
    return;
  }
  if (!isNode(node)) return;
  const text = said(node);
  if (text !== undefined) {
    if (isTold && /\p{L}{2}.* .*\p{L}/u.test(text)) yield text;
    return;
  }
  if (node.type === 'NewExpression' || node.type === 'CallExpression') {
    const callee = node.callee as Node;
    const name = String((callee.property as Node | undefined)?.name ?? callee.name ?? '');
    const [first] = node.arguments as Node[];
    // A defect is reported as it is.
    if (first?.value === 'internal') return;
    yield* phrases(callee, isTold);
    yield* phrases(node.arguments, makers.has(name));
    return;
  }
  if (node.type.endsWith('FunctionExpression')) {
    yield* phrases(node.body, false);
    return;
  }
  for (const value of Object.values(node)) yield* phrases(value, isTold);
}

/** Commands, which are typed as they are, and the codes of HTTP. */
const typed = /^(temporal operator|apt-get install|sudo apt-get install x$|HTTP x$)/;

test('what stands inside of failures is told in French', async () => {
  await speak('fr');
  const files = globSync('src/**/*.ts', { cwd: projectRoot }).filter((file) => !file.startsWith('src/cli/'));
  const makesAny = new RegExp(`(${[...makers].join('|')})\\(`);
  const found = files.flatMap((file) => {
    const source = readFileSync(join(projectRoot, file), 'utf8');
    if (!makesAny.test(source)) return [];
    const { body } = parseAst(source, { lang: 'ts' });
    return [...phrases(body, false)].map((text) => ({ file, text }));
  });
  expect(found.length).toBeGreaterThan(100);
  expect(found.filter(({ text }) => !typed.test(text) && detail(text) === text)).toEqual([]);
});

test('a detail is found by what it says: filled, behind a name, several at once; another program’s words stay', async () => {
  expect(detail('the folder /srv cannot be read')).toBe('the folder /srv cannot be read');
  await speak('fr');
  expect(detail('the folder /srv cannot be read')).toBe('le dossier /srv ne peut pas être lu');
  expect(detail('staging.quota: at least 64KiB')).toBe('staging.quota\u00a0: au moins 64KiB');
  expect(detail('it is too long; head 7 is gone')).toBe('il est trop long\u00a0; la tête 7 a disparu');
  expect(detail('ECONNREFUSED')).toBe('ECONNREFUSED');
  expect(detail('rego_parse_error: unexpected token')).toContain('unexpected token');
});

test('what is wrong with a configuration is said in French: its form, its values, its YAML', async () => {
  await speak('fr');
  const refusal = (text: string): string => {
    try {
      parseConfig(text, 'holdfast.yaml');
    } catch (error) {
      if (isFailure(error, 'config_invalid')) return detail(String(error.facts.detail));
      throw error;
    }
    return '';
  };
  expect(refusal('version: 1\nrepository: x\n')).toBe('repository\u00a0: 32 chiffres hexadécimaux');
  expect(refusal('version: un\n')).toMatch(/^version\u00a0: .*(attendu|Entrée)/i);
  expect(refusal('a: b: c\n')).toMatch(/^à la ligne 1, colonne 4, ce n’est pas du YAML/);
});
