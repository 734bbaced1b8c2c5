import { existsSync, writeFileSync } from 'node:fs';
import { Failure } from '../domain/failures.ts';
import { kitText, type RecoveryKit } from '../keys/recovery-kit.ts';
import { say, spoken } from '../text/voice.ts';

/** Before anything is done: a kit takes no other file's place. Failure `usage`. */
export function requireNewKitFile(file: string): void {
  if (existsSync(file)) throw new Failure('usage', { detail: say('setup', 'kit_exists', { file }) });
}

/** Writes the kit, readable by its owner alone. */
export function writeKit(file: string, kit: RecoveryKit): void {
  writeFileSync(file, `${kitText(kit, spoken())}\n`, { mode: 0o600, flag: 'wx' });
}
