import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { failures } from '../../src/domain/failures.ts';

const root = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const documents = ['', 'docs'].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
);
const packageJson = JSON.parse(read('package.json'));

/** Commands that the command line offers; `supervise` is hidden, `help` is commander's own. */
const commands = readdirSync(path.join(root, 'src/cli/definitions'))
  .flatMap((name) => [
    ...read(`src/cli/definitions/${name}`).matchAll(
      /\bcommand\(\s*'([a-z-]+)',\s*say\('help', '\w+'\),?\s*\)/g,
    ),
  ])
  .map(([, name = '']) => name);

/** The anchor GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

test.each(documents)('every relative link of %s leads to something', (file) => {
  const broken = [...read(file).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [name = '', anchor] = target.split('#');
      const linked = name === '' ? file : path.join(path.dirname(file), name);
      if (!existsSync(path.join(root, linked))) return true;
      if (anchor === undefined) return false;
      const headings = [...read(linked).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
      return !headings.includes(anchor);
    });
  expect(broken).toEqual([]);
});

test.each(documents)('every file that %s names in code style is there', (file) => {
  const named = [
    ...read(file).matchAll(
      /`((?:src|workflows|activities|policies|test|tools|ops|docs|bin|scripts)\/[\w./@-]*)`/g,
    ),
  ];
  expect(named.map(([, name = '']) => name).filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
});

test('every module that ARCHITECTURE.md names without its folder is one of the pipeline', () => {
  const named = [...read('ARCHITECTURE.md').matchAll(/`([\w-]+\.ts)`/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !existsSync(path.join(root, 'src/pipeline', name)))).toEqual([]);
});

test('the README names every command, and only commands there are', () => {
  const used = [...read('README.md').matchAll(/\bholdfast ([a-z]+(?:-[a-z]+)*)\b/g)].map(
    ([, name = '']) => name,
  );
  expect(commands.length).toBeGreaterThan(8);
  expect([...new Set(used)].filter((name) => !commands.includes(name))).toEqual([]);
  expect(commands.filter((name) => !used.includes(name))).toEqual([]);
});

test('npm scripts that a document names exist', () => {
  const used = documents.flatMap((file) => [...read(file).matchAll(/\bnpm (?:run ([\w:]+)|(test))\b/g)]);
  const names = new Set(used.map(([, script, itself]) => script ?? itself ?? ''));
  expect([...names].filter((name) => packageJson.scripts?.[name] === undefined)).toEqual([]);
});

test('ARCHITECTURE.md says of every dependency where it is used', () => {
  const text = read('ARCHITECTURE.md');
  const all = Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies });
  expect(all.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test('docs/operations.md tells every exit code', () => {
  const text = read('docs/operations.md');
  const codes = new Set(Object.values(failures).map(({ exitCode }) => exitCode));
  expect([...codes].filter((code) => !new RegExp(`^\\| ${code} \\|`, 'm').test(text))).toEqual([]);
});

test('every test that docs/verification.md names is there', () => {
  const named = [...read('docs/verification.md').matchAll(/`([\w./-]+\.ts) › ([^`]+)`/g)];
  expect(named.length).toBeGreaterThan(100);
  const missing = named.filter(([, file = '', name = '']) => {
    const tests = path.join('test', file);
    return !existsSync(path.join(root, tests)) || !read(tests).includes(name);
  });
  expect(missing.map(([whole]) => whole)).toEqual([]);
});
