import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { vectorFolder } from './vectors.ts';

const folder = fileURLToPath(new URL('reader/', import.meta.url));
// A Python with the packages of requirements.txt.
const python = process.env.HOLDFAST_TEST_PYTHON ?? 'python3';

it('the independent reader opens and refuses every vector as it says', () => {
  const printed = execFileSync(python, ['-B', `${folder}holdfast_reader.py`, 'vectors', vectorFolder], {
    encoding: 'utf8',
  });
  const counts = [...printed.matchAll(/ (\d+)/g)].map(([, count]) => Number(count));
  expect(printed).toMatch(/^sealed \d+, .*; wrong 0\n$/);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(readdirSync(vectorFolder).length);
});

it('the independent reader tells which manifests of a source are missing, and what counts', () => {
  const script = fileURLToPath(new URL('check_histories.py', import.meta.url));
  execFileSync(python, ['-B', script], { stdio: 'pipe' });
});

it('the independent reader knows nothing of the source tree', () => {
  const modules = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap(({ name }) => readFileSync(`${folder}${name}`, 'utf8').match(/^\s*(?:import|from) .*$/gm) ?? [])
    .map((line) => line.trim().split(/[ .]/)[1]);
  const standard = 'argparse base64 contextlib hashlib hmac io json os pathlib re stat struct sys';
  const others = 'check_vectors cryptography holdfast_format zstandard';
  expect([...new Set(modules)].sort()).toEqual(`${standard} ${others}`.split(' ').sort());
});
