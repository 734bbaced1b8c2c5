import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../domain/failures.ts';
import { projectRoot } from '../project.ts';
import { isProgramMissing, runCommand } from '../run.ts';
import { cachedFolder, type Progress } from './cached-folder.ts';
import { findProgram } from './find-program.ts';
import { isTested, type TestedRange, versionIn } from './versions.ts';

export type GoTool = 'temporal' | 'opa' | 'versitygw';

interface GoToolFacts {
  /** The package to build, within the module that tools/<tool>/go.mod pins. */
  readonly package: string;
  /** How the program is asked for its version. */
  readonly versionArgument: string;
  readonly tested: TestedRange;
  /** Linker variable of the version, where the source does not carry it. */
  readonly versionVariable?: string;
}

const goTools: Readonly<Record<GoTool, GoToolFacts>> = {
  temporal: {
    package: 'github.com/temporalio/cli/cmd/temporal',
    versionArgument: '--version',
    tested: { from: '1.5.1', below: '1.6.0' },
    versionVariable: 'github.com/temporalio/cli/temporalcli.Version',
  },
  opa: {
    package: 'github.com/open-policy-agent/opa',
    versionArgument: 'version',
    tested: { from: '1.22.2', below: '1.23.0' },
  },
  versitygw: {
    package: 'github.com/versity/versitygw/cmd/versitygw',
    versionArgument: '--version',
    tested: { from: '1.8.0', below: '1.9.0' },
    versionVariable: 'main.Version',
  },
};

/**
 * The path of `tool`: from `searchPath` when its version is in the tested range and every user who has to can run
 * it, else built once from tools/<tool> into `<cache>/tools/<tool>-<version>-<12 hex of SHA-256(go.mod ‖ go.sum)>`.
 */
export async function ensureGoTool(
  tool: GoTool,
  options: {
    readonly cache: string;
    readonly searchPath: string;
    readonly forEveryUser: boolean;
    readonly onProgress: Progress;
  },
): Promise<string> {
  const found = findProgram(tool, options.searchPath, options);
  if (found !== undefined && (await hasTestedVersion(found, goTools[tool]))) return found;
  const module = path.join(projectRoot, 'tools', tool);
  const [goMod, goSum] = ['go.mod', 'go.sum'].map((name) => readFileSync(path.join(module, name)));
  if (goMod === undefined || goSum === undefined) throw new Error('unreachable');
  const version = goTools[tool].tested.from;
  const hash = createHash('sha256').update(goMod).update(goSum).digest('hex').slice(0, 12);
  const folder = await cachedFolder(
    options.cache,
    `${tool}-${version}-${hash}`,
    options.onProgress,
    async (temporary) => {
      options.onProgress(`building ${tool} ${version} (once; takes a few minutes)`);
      await build(tool, module, path.join(temporary, tool));
    },
  );
  return path.join(folder, tool);
}

async function hasTestedVersion(program: string, facts: GoToolFacts): Promise<boolean> {
  const { code, stdout } = await runCommand(program, [facts.versionArgument], { timeoutMs: 10_000 });
  const version = versionIn(stdout);
  return code === 0 && version !== undefined && isTested(version, facts.tested);
}

async function build(tool: GoTool, module: string, output: string): Promise<void> {
  const { package: goPackage, tested, versionVariable } = goTools[tool];
  const setVersion = versionVariable === undefined ? '' : ` -X ${versionVariable}=${tested.from}`;
  const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', `-s -w${setVersion}`];
  try {
    const { code, stderr } = await runCommand('go', [...args, '-o', output, goPackage], {
      cwd: module,
      env: { ...process.env, CGO_ENABLED: '0' },
    });
    if (code !== 0) {
      throw new Failure('tool_failed', {
        what: tool,
        detail: stderr.trim().split('\n').slice(-5).join('; '),
      });
    }
  } catch (error) {
    if (!isProgramMissing(error)) throw error;
    throw new Failure('tool_missing', {
      what: 'Go 1.26 or newer',
      command: 'sudo apt-get install golang-go, or the archive of https://go.dev/dl/ where that is older',
    });
  }
}
