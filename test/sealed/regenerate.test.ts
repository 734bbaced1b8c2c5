import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { vectorFolder } from './vectors.ts';

const script = fileURLToPath(new URL('make_vectors.py', import.meta.url));
// A Python with the packages of requirements.txt.
const python = process.env.HOLDFAST_TEST_PYTHON ?? 'python3';
let made: string;

beforeAll(() => {
  made = mkdtempSync(join(tmpdir(), 'holdfast-vectors-'));
  execFileSync(python, [script, made], { stdio: 'pipe' });
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

it('the committed vectors are exactly what the independent program makes', () => {
  expect(readdirSync(vectorFolder).sort()).toEqual(readdirSync(made).sort());
  for (const file of readdirSync(made)) {
    const same = readFileSync(join(made, file)).equals(readFileSync(join(vectorFolder, file)));
    expect(same, file).toBe(true);
  }
});

it('the independent program knows nothing of the source tree', () => {
  const imports = readFileSync(script, 'utf8').match(/^(?:import|from) .*$/gm) ?? [];
  const modules = new Set(imports.map((line) => line.split(/[ .]/)[1]));
  expect([...modules].sort()).toEqual(
    ['base64', 'cryptography', 'functools', 'hashlib', 'hmac', 'json', 'pathlib', 'struct', 'sys'].sort(),
  );
});
