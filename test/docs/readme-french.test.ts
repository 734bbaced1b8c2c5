import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../../src/stack/project.ts';
import { argumentNames } from '../../src/text/fr/arguments.ts';

/** Without what `npm run bench` writes, which the French one points to. */
const english = readFileSync(join(projectRoot, 'README.md'), 'utf8').replace(
  /<!-- measured:[\s\S]*?<!-- \/measured -->/,
  '',
);
const french = readFileSync(join(projectRoot, 'README.fr.md'), 'utf8');

const found = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, first = '']) => first);

describe('README.fr.md keeps step with README.md', () => {
  test('in its sections, one for one', () => {
    const levels = (text: string) => found(text, /^(#+) /gm);
    expect(levels(french)).toEqual(levels(english));
  });

  test('in the commands of its table, with the same options and documents in each row', () => {
    const rows = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('| `holdfast '))
        .map((line) => [
          line.split('` |')[0] ?? '',
          ...found(line, /`(--[a-z-]+)/g),
          ...found(line, /\]\(([^)]+)\)/g),
        ]);
    expect(rows(french).length).toBeGreaterThan(30);
    const names: Readonly<Record<string, unknown>> = { ...argumentNames, or: 'ou' };
    const translated = rows(english).map(([usage = '', ...others]) => [
      // What stands for a value, as the help has it.
      usage.replaceAll(/[<[][^<]*?[>\]]+/g, (value) =>
        value.replaceAll(/[a-z]+/g, (word) => String(names[word] ?? word)),
      ),
      ...others,
    ]);
    expect(rows(french)).toEqual(translated);
  });

  test('in what it names: outcomes, exit codes and documents', () => {
    const firsts = (text: string) => found(text, /^\| (`[a-z]+`|\d+|\[[\w./-]+\])/gm).sort();
    expect(firsts(french)).toEqual(firsts(english));
    const files = (text: string) =>
      [...new Set(found(text, /\]\(([\w./-]+\.(?:md|yaml|yml|svg)|LICENSE)/g))]
        .filter((file) => !/^README/.test(file))
        .sort();
    expect(files(french)).toEqual(files(english));
  });

  test('with blanks before signs that do not break the line', () => {
    const prose = french.replaceAll(/```[\s\S]*?```|`[^`]*`/g, '');
    expect(found(prose, /(.{12} [:;!?»])(?=\s|$)/gm)).toEqual([]);
    expect(found(prose, /(\p{L}'\p{L})/gu)).toEqual([]);
  });
});
