import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { projectRoot } from '../../src/stack/project.ts';

/** Functions whose arguments people read. */
const told = new Set(['line', 'note', 'progress', 'confirm', 'agree', 'ask', 'askTwice', 'table', 'result']);
/** What is the same in every language: names of commands and programs, units, hashes. */
const allowed = [/^\s*holdfast [\w -]+/, /^SHA-512$/, /^holdfast: $/];

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** Words of literals that stand where people read them. */
function* literalsTold(node: unknown, isTold: boolean): Generator<string> {
  if (Array.isArray(node)) {
    for (const one of node) yield* literalsTold(one, isTold);
    return;
  }
  if (!isNode(node)) return;
  if (isTold && node.type === 'Literal' && typeof node.value === 'string') yield node.value;
  if (isTold && node.type === 'TemplateElement') yield (node.value as { cooked: string }).cooked;
  if (node.type === 'CallExpression' || node.type === 'NewExpression') {
    const callee = node.callee as Node;
    const name = String((callee.property as Node | undefined)?.name ?? callee.name ?? '');
    const isDetail = name === 'Failure';
    if (name === 'result') {
      const [, text] = node.arguments as unknown[];
      yield* literalsTold(text, true);
      return;
    }
    yield* literalsTold(callee.object, isTold);
    yield* literalsTold(node.arguments, told.has(name) || isDetail);
    return;
  }
  // What decides which text is told is not told itself.
  if (node.type === 'ConditionalExpression') {
    yield* literalsTold(node.consequent, isTold);
    yield* literalsTold(node.alternate, isTold);
    return;
  }
  if (node.type === 'BinaryExpression' && node.operator !== '+') return;
  if (node.type.startsWith('TS') && node.type !== 'TSAsExpression') return;
  for (const value of Object.values(node)) yield* literalsTold(value, isTold);
}

const files = globSync('src/cli/**/*.ts', { cwd: projectRoot });

test('no command says anything that is not in the catalog of texts', () => {
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) => {
    const { body } = parseAst(readFileSync(join(projectRoot, file), 'utf8'), { lang: 'ts' });
    return [...literalsTold(body, false)]
      .filter(
        (text) => /\p{L}{2}.* .*\p{L}{2}|\p{L}{3}:/u.test(text) && !allowed.some((one) => one.test(text)),
      )
      .map((text) => `${file}: ${text}`);
  });
  expect(found).toEqual([]);
});
