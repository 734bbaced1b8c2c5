import { auditEvent } from '../audit/event.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { DestinationConfig } from '../config.ts';
import { Failure } from '../domain/failures.ts';
import { newRunId } from '../domain/ids.ts';
import { type Installation, openInstallation } from '../installation.ts';
import {
  applyChange,
  type KeyringChange,
  type KeyringPlace,
  type OpenKeyring,
} from '../keys/change-keyring.ts';
import { kitHolder } from '../keys/open-keyring.ts';
import { type DeletingPlace, retireDocuments } from '../keys/retire.ts';
import { supervisorRenew } from '../stack/control.ts';
import type { S3Role } from '../stack/services/s3-roles.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { openS3Store } from '../storage/s3-store.ts';
import { say } from '../text/voice.ts';
import { readPassword } from './password.ts';
import { requireReader, type Session, sessionConfig, withCatalog } from './session.ts';

export interface NamedPlace extends KeyringPlace {
  /** The destination's name in the configuration. */
  readonly name: string;
}

/** What every command on keys works with: the opened keyring, the destinations, the catalog. */
export interface KeyDesk extends OpenKeyring {
  readonly installation: Installation;
  readonly places: readonly NamedPlace[];
  readonly catalog: Catalog;
  /** The one that opened the keyring. */
  readonly password: Buffer;
  /** Makes the change everywhere. What it replaces is remembered, to be deleted when its locks have ended. */
  apply(change: KeyringChange): Promise<void>;
  /** The destinations with the right to delete. */
  deletingPlaces(): Promise<DeletingPlace[]>;
  /** Lets the running worker and watcher take the keyring as it is now. */
  renewServices(password: Buffer): Promise<void>;
  /** Writes what was done into the run log and the audit trail. Ids, names and counts; never a secret. */
  record(action: string, facts: Readonly<Record<string, unknown>>): Promise<void>;
}

/** Opens the keyring, the destinations and the catalog. They have to run. Failures: theirs, and the keyring's (exit code 6). */
export async function withKeyDesk<T>(session: Session, work: (desk: KeyDesk) => Promise<T>): Promise<T> {
  const { paths } = session;
  const config = sessionConfig(session);
  requireReader(config);
  const password = await readPassword(session, config.passwordFile);
  const installation = await openInstallation(paths, session.configPath, password);
  const { keyring, keyringDocuments: documents } = installation;
  return withCatalog(session, async (catalog, where) => {
    const opened: ObjectStore[] = [];
    const openStore = async (destination: DestinationConfig, role: S3Role): Promise<ObjectStore> => {
      const store = await openS3Store(where.s3(destination, role));
      opened.push(store);
      return store;
    };
    try {
      const places: NamedPlace[] = await Promise.all(
        config.destinations.map(async (destination) => ({
          name: destination.name,
          prefix: destination.prefix,
          lock: destination.lock,
          store: await openStore(destination, 'agent'),
        })),
      );
      const open: OpenKeyring = { home: paths.home, documents, keyring, places };
      return await work({
        ...open,
        installation,
        places,
        catalog,
        password,
        async apply(change) {
          await retireDocuments(catalog, change.retired);
          await applyChange(open, change);
        },
        deletingPlaces: () =>
          Promise.all(
            config.destinations.map(async (destination, i) => ({
              prefix: destination.prefix,
              store: places[i]?.store ?? (await openStore(destination, 'agent')),
              deleting: await openStore(destination, 'retention'),
            })),
          ),
        renewServices: (secret) => renewServices(session, secret),
        record: (action, facts) => record(session, installation, catalog, action, facts),
      });
    } finally {
      for (const store of opened) store.close();
    }
  });
}

/** Rotating needs the password of somebody who goes on using it; the recovery key is for emergencies. Failure `usage`. */
export function requireOwnPassword({ keyring }: KeyDesk): void {
  if (keyring.holder !== kitHolder) return;
  throw new Failure('usage', {
    detail: say('setup', 'kit_cannot_change'),
  });
}

async function renewServices({ paths, output }: Session, password: Buffer): Promise<void> {
  output.progress(say('setup', 'taking_keyring'));
  await supervisorRenew(paths, password);
}

async function record(
  { actor }: Session,
  { ids, config }: Installation,
  catalog: Catalog,
  action: string,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  const run = newRunId();
  const host = config.host.id;
  await catalog.startRun({ id: run, kind: `key ${action}`, hostId: host, actor });
  const event = auditEvent(ids, {
    subject: run,
    step: 'keyring',
    run,
    host,
    actor,
    facts: { action, ...facts },
  });
  await catalog.write({ events: [event] });
  await catalog.endRun(run, 'complete', {});
}
