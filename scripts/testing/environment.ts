import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../../src/stack/paths.ts';
import type { Progress } from '../../src/stack/toolchain/cached-folder.ts';
import { ensureTools, type Tools, toolServices } from '../../src/stack/toolchain.ts';
import { ensurePrometheus } from './prometheus.ts';
import { ensurePython } from './python.ts';

export interface TestTools {
  readonly opa: string;
  /** Tells the tests where every tool is, as `HOLDFAST_TEST_<tool>`: none is downloaded or looked for by a test. */
  readonly env: Readonly<Record<string, string>>;
}

/** Makes all tools of the tests ready. Failures: those of the toolchain. */
export async function testTools(options: {
  readonly paths: Paths;
  readonly uid: number;
  readonly searchPath: string;
  /** Folder for what only this run needs. */
  readonly scratch: string;
  readonly onProgress: Progress;
}): Promise<TestTools> {
  const { paths, uid, searchPath, onProgress, scratch } = options;
  const tools = await ensureTools(paths, { uid, searchPath, onProgress }, toolServices);
  const python = await ensurePython(paths.cache, uid === 0, onProgress);
  const prometheus = await ensurePrometheus(paths.cache, searchPath, onProgress);
  return {
    opa: tools.opa,
    env: {
      HOLDFAST_TEST_TEMPORAL: tools.temporal,
      HOLDFAST_TEST_OPA: tools.opa,
      HOLDFAST_TEST_VERSITYGW: tools.versitygw,
      HOLDFAST_TEST_POSTGRES_BIN: tools.postgres.bin,
      HOLDFAST_TEST_CLAMD: clamdProgram(tools.clamd, scratch),
      HOLDFAST_TEST_PYTHON: python,
      HOLDFAST_TEST_PROMETHEUS: prometheus,
    },
  };
}

/** clamd; as a script that sets its environment where the unpacked one needs some. */
function clamdProgram({ clamd, env }: Tools['clamd'], scratch: string): string {
  const settings = Object.entries(env);
  if (settings.length === 0) return clamd;
  mkdirSync(scratch, { recursive: true });
  const script = join(scratch, 'clamd');
  const exports = settings.map(([name, value]) => `export ${name}='${value}'`).join('\n');
  writeFileSync(script, `#!/bin/sh\n${exports}\nexec '${clamd}' "$@"\n`, { mode: 0o755 });
  return script;
}
