import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Config, ConfigFile } from '../config.ts';
import { policiesFolder } from '../policy/installed.ts';
import { readOperatorData } from '../policy/operator-data.ts';
import type { JoinFile } from './join-file.ts';

/** Keys of the configuration that mean the same on every host: how things are sealed, stored, kept and judged. */
const commonKeys = ['format', 'packs', 'pipeline', 'staging', 'massChange', 'verify', 'rescan'] as const;

/** What a new host has in common with this one. Failure `policy_invalid` where the policy data cannot be read. */
export async function sharedSettings(
  config: Config,
  configPath: string,
  home: string,
): Promise<Pick<JoinFile, 'settings' | 'policies' | 'policyData'>> {
  const written = parse(readFileSync(configPath, 'utf8')) as ConfigFile;
  const { allowTestSignatures, maxSignatureAge } = written.policy ?? {};
  const common = commonKeys.flatMap((key) => (written[key] === undefined ? [] : [[key, written[key]]]));
  const policy = {
    ...(allowTestSignatures === undefined ? {} : { allowTestSignatures }),
    ...(maxSignatureAge === undefined ? {} : { maxSignatureAge }),
  };
  const data = config.policy.data === undefined ? undefined : await readOperatorData(config.policy.data);
  return {
    settings: { ...Object.fromEntries(common), policy },
    policies: textsBelow(config.policy.bundle?.dir ?? policiesFolder(home)),
    ...(data === undefined ? {} : { policyData: data as Record<string, unknown> }),
  };
}

/** A destination as the configuration has it, without how its own server is reached. */
export function destinationSettings(configPath: string, name: string): Record<string, unknown> {
  const { destinations } = parse(readFileSync(configPath, 'utf8')) as ConfigFile;
  const { s3: _, ...settings } = destinations.find((destination) => destination.name === name) ?? {};
  return settings;
}

function textsBelow(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  return Object.fromEntries(
    files.map((item) => {
      const path = join(item.parentPath, item.name);
      return [path.slice(join(folder, '/').length), readFileSync(path, 'utf8')];
    }),
  );
}
