import { failureIn, isFailure } from '../domain/failures.ts';
import { errorCode } from '../files/error-code.ts';
import { failureTexts, say } from '../text/voice.ts';
import { audit } from './audit.ts';
import { breaches } from './breaches.ts';
import { buckets } from './buckets.ts';
import type { Check, CheckName, Finding, Patient } from './check.ts';
import { clock } from './clock.ts';
import { copies } from './copies.ts';
import { database } from './database.ts';
import { disk } from './disk.ts';
import { holders } from './holders.ts';
import { holds } from './holds.ts';
import { hosts } from './hosts.ts';
import { inotify } from './inotify.ts';
import { journal } from './journal.ts';
import { keyLocks } from './key-locks.ts';
import { infectedContent } from './late-detections.ts';
import { limits } from './limits.ts';
import { logs } from './logs.ts';
import { notifications } from './notifications.ts';
import { opa } from './opa.ts';
import { permissions } from './permissions.ts';
import { policy } from './policy.ts';
import { recoveryKit } from './recovery-kit.ts';
import { retention } from './retention.ts';
import { rights } from './rights.ts';
import { sameMachine } from './same-machine.ts';
import { malware, scanner } from './scanner.ts';
import { services } from './services.ts';
import { settings } from './settings.ts';
import { signatures } from './signatures.ts';
import { sources } from './sources.ts';
import { stored } from './stored.ts';
import { temporal } from './temporal.ts';

/** Everything that is looked at, in the order it is told. */
const checks: readonly Check[] = [
  services,
  temporal,
  database,
  opa,
  sources,
  inotify,
  recoveryKit,
  holders,
  keyLocks,
  journal,
  audit,
  buckets,
  rights,
  stored,
  copies,
  retention,
  infectedContent,
  holds,
  breaches,
  notifications,
  hosts,
  policy,
  signatures,
  scanner,
  malware,
  clock,
  sameMachine,
  disk,
  logs,
  limits,
  permissions,
  settings,
];

/** What `--only` takes. */
export const checkNames: readonly CheckName[] = checks.map(({ name }) => name);

/** A write-only host has no keyring to look after. */
const ofTheKeyring: ReadonlySet<Check> = new Set([recoveryKit, holders, keyLocks]);

export interface NamedFinding extends Finding {
  readonly check: CheckName;
}

/**
 * Looks at everything, or at what is named only. What cannot be looked at is a problem of its own, and keeps nothing else
 * from being told.
 */
export async function* examine(patient: Patient, only: readonly string[] = []): AsyncGenerator<NamedFinding> {
  for (const check of checks) {
    if (only.length > 0 && !only.includes(check.name)) continue;
    if (patient.config.writeOnly && ofTheKeyring.has(check)) continue;
    const { name, look } = check;
    for (const finding of await look(patient).catch(unknowable)) yield { check: name, ...finding };
  }
}

function unknowable(error: unknown): Finding[] {
  if (errorCode(error) !== undefined)
    return [{ state: 'problem', what: say('doctor', 'cannot_check', { why: (error as Error).message }) }];
  if (!isFailure(error)) throw error;
  const { message: why, hint: todo } = failureIn(failureTexts(), error);
  return [{ state: 'problem', what: say('doctor', 'cannot_check', { why }), todo }];
}
