import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../stack/project.ts';

/** The version of this program. */
export function softwareVersion(): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
