import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ConfigFile } from '../../src/config.ts';
import { isWithin } from '../../src/files/paths.ts';
import { configFile } from '../../src/stack/paths.ts';
import { writePrivate } from '../../src/stack/secrets.ts';
import type { Installation } from './installation.ts';
import { plantedRules } from './planted.ts';

/** Sets the two sources, their rules and the password file in the configuration that `init` wrote. */
export function configure(installation: Installation, exclude: readonly string[]): void {
  const file = configFile(installation.paths.home);
  const config = parse(readFileSync(file, 'utf8')) as ConfigFile;
  const text = stringify(withSources(config, installation, exclude));
  writePrivate(file, `# Written by the quickstart, again at each of its runs.\n${text}`);
}

function withSources(config: ConfigFile, installation: Installation, exclude: readonly string[]): ConfigFile {
  const { files, planted, paths, passwordFile, hasOwnPassword } = installation;
  const { passwordFile: _before, ...rest } = config;
  return {
    ...rest,
    ...(hasOwnPassword ? { passwordFile } : {}),
    sources: [
      {
        name: files.name,
        path: files.path,
        quarantine: 'report',
        exclude: [...exclude, ...patternOf(paths.home, files.path)],
      },
      { name: planted.name, path: planted.path, quarantine: 'move' },
    ],
    policy: { ...config.policy, sources: { [planted.name]: plantedRules } },
  };
}

/** The state folder as a pattern (gitignore(5)) of the folder it lies in, if it does. */
function patternOf(home: string, folder: string): string[] {
  if (!isWithin(Buffer.from(home), Buffer.from(folder))) return [];
  return [`/${relative(folder, home).replace(/[\\*?[\]!# ]/g, '\\$&')}/`];
}
