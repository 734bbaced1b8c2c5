import type { Paths } from './paths.ts';
import type { Progress } from './toolchain/cached-folder.ts';
import { type ClamavTools, ensureClamav } from './toolchain/clamav.ts';
import { ensureGoTool, type GoTool } from './toolchain/go-tools.ts';
import { ensurePostgres, type PostgresTools } from './toolchain/postgres-binaries.ts';

export type { Progress } from './toolchain/cached-folder.ts';

/** Where the programs of the embedded stack are. */
export interface Tools {
  readonly temporal: string;
  readonly opa: string;
  readonly versitygw: string;
  readonly postgres: PostgresTools;
  readonly clamd: ClamavTools;
}

/** Which tool an embedded service is. */
const toolOf = {
  postgres: 'postgres',
  clamd: 'clamd',
  opa: 'opa',
  s3: 'versitygw',
  temporal: 'temporal',
} as const satisfies Record<string, keyof Tools>;
type ToolService = keyof typeof toolOf;
/** The services that are a program of somebody else's, in the order their tools are made ready. */
export const toolServices = Object.keys(toolOf) as ToolService[];

export interface ToolchainOptions {
  /** User id of this process. */
  readonly uid: number;
  /** The caller's PATH. */
  readonly searchPath: string;
  readonly onProgress: Progress;
}

/**
 * One function per tool, each making that tool ready on first use. What cannot be had is `tool_missing` with the
 * command that installs it. As root, only programs that the services' own users can run count as found.
 */
export function toolchain(
  paths: Paths,
  { uid, searchPath, onProgress }: ToolchainOptions,
): { readonly [Name in keyof Tools]: () => Promise<Tools[Name]> } {
  const isRoot = uid === 0;
  const goTool = (tool: GoTool) =>
    ensureGoTool(tool, { cache: paths.cache, searchPath, forEveryUser: isRoot, onProgress });
  return {
    temporal: () => goTool('temporal'),
    opa: () => goTool('opa'),
    versitygw: () => goTool('versitygw'),
    postgres: () => ensurePostgres(paths.cache, onProgress),
    clamd: () => ensureClamav({ cache: paths.cache, searchPath, isRoot, onProgress }),
  };
}

/** Makes the tools of the named services ready, one after the other (each build already uses all processors). */
export async function ensureTools<Name extends ToolService>(
  paths: Paths,
  options: ToolchainOptions,
  services: readonly Name[],
): Promise<Pick<Tools, (typeof toolOf)[Name]>> {
  const tools = toolchain(paths, options);
  const ready: Partial<Tools> = {};
  for (const service of services) Object.assign(ready, { [toolOf[service]]: await tools[toolOf[service]]() });
  return ready as Pick<Tools, (typeof toolOf)[Name]>;
}
