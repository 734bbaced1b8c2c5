import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { RefusedAccess } from '../audit/refused-access.ts';
import { createLog, logWhatEndsIt } from '../observability/log.ts';
import { announceReady, untilStopped } from '../supervised.ts';
import { type Door, Gate } from './gate.ts';

/** What the gate is told, as JSON in the file that it is started with; no secret, but where one lies. */
export interface GateSettings {
  readonly address: string;
  readonly doors: readonly Door[];
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly hostsFolder: string;
  readonly revokedFolder: string;
  /** Where it notes down whom it turned away, for the worker to tell. */
  readonly deedsHome: string;
  /** What it writes down, a line each: the names in `revokedFolder` whose connections it has ended. */
  readonly cutOffFile: string;
  /** Whom it goes on as once it has read its key. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** How soon a host that was revoked is cut off. */
const recheckMs = 1_000;

/** The gate process: what faces the network runs with no rights of its own and without the repository's password. */
const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as GateSettings;
const log = createLog('gate');
logWhatEndsIt(log);
const own = {
  certificate: readFileSync(settings.certificateFile, 'utf8'),
  key: readFileSync(settings.keyFile, 'utf8'),
};
if (settings.user !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(settings.user.gid);
  process.setuid?.(settings.user.uid);
}
const refused = new RefusedAccess(settings.deedsHome, 'gate');
const gate = new Gate({ ...settings, own }, (what, facts) => {
  const isKnown = facts.host !== undefined;
  log.warn(
    facts,
    what === 'expelled'
      ? 'a revoked host was cut off'
      : `${isKnown ? 'a revoked host' : 'somebody unknown'} was turned away`,
  );
  refused.note({ ...facts, what: isKnown ? 'host_revoked' : 'host_unknown' });
});
await gate.open();
let cutOff = '';
const rechecking = setInterval(() => {
  // Read first: whoever is named here was off the list before the connections are looked at.
  const revoked = readdirSync(settings.revokedFolder).sort().join('\n');
  gate.recheck();
  if (revoked !== cutOff) writeFileSync(settings.cutOffFile, revoked);
  cutOff = revoked;
  refused.tell('due');
}, recheckMs);
announceReady();
log.info({ address: settings.address }, 'gate is open');
await untilStopped(async () => {
  clearInterval(rechecking);
  await gate.close();
  refused.tell('all');
});
log.info('gate is closed');
