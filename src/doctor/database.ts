import { type DatabaseStanding, databaseStanding } from '../catalog/doctor-query.ts';
import { type Check, type Finding, ok } from './check.ts';

/** The oldest major version that gets fixes (PostgreSQL versioning policy) and that the tables were made for. */
const leastVersion = 150_000;
const mostSkewSeconds = 120;
const mostKeptWalBytes = 5 * 1024 ** 3;

/** Whether Postgres keeps what it confirms, and the program's role may add to the audit trail only. */
export const database: Check = {
  name: 'postgres',
  async look({ catalog }) {
    const standing = await databaseStanding(await catalog());
    const findings = judgeDatabase(standing);
    const megabytes = Math.round(standing.sizeBytes / 1_000_000);
    if (findings.length > 0) return findings;
    return [
      ok(`Postgres ${standing.version} has ${megabytes} MB, and our role may only add to the audit trail.`),
    ];
  },
};

export function judgeDatabase(standing: DatabaseStanding): Finding[] {
  const { unsafe, excess, isSuperuser, aheadSeconds, keptWalBytes } = standing;
  const findings: Finding[] = [];
  const problem = (what: string, means: string, todo: string): void => {
    findings.push({ state: 'problem', what, means, todo });
  };
  if (standing.versionNumber < leastVersion)
    problem(
      `Postgres ${standing.version} is too old.`,
      'It gets no fixes, and nobody tries Holdfast with it.',
      'Upgrade to Postgres 15 or newer.',
    );
  if (unsafe.length > 0)
    problem(
      `In Postgres ${unsafe.join(', ')} ${unsafe.length > 1 ? 'are' : 'is'} off.`,
      'After a power cut the catalog may lack what it confirmed, or be damaged.',
      `Set ${unsafe.map((name) => `${name} = on`).join(', ')} in postgresql.conf.`,
    );
  if (isSuperuser || excess.length > 0)
    problem(
      isSuperuser
        ? 'The program works as a superuser of Postgres.'
        : `The program's role may ${excess.join(', ')}.`,
      'Whoever takes over the program could change what the audit trail says, up to the last anchor.',
      isSuperuser
        ? 'Give the URI of holdfast_writer as writerUriFile, and that of the owner as ownerUriFile.'
        : `As the owner: revoke ${[...new Set(excess.map((one) => one.split(' ')[0]))].join(', ')} on audit_events, audit_heads, audit_anchors from holdfast_writer, public;`,
    );
  if (!standing.isPrivate)
    problem(
      'The connection to Postgres crosses the network unencrypted.',
      'Whoever listens reads names of files and can change what is written.',
      'Set services.postgres.caFile in holdfast.yaml.',
    );
  if (Math.abs(aheadSeconds) > mostSkewSeconds)
    problem(
      `The clock of Postgres is ${Math.round(Math.abs(aheadSeconds))} s ${aheadSeconds > 0 ? 'ahead of' : 'behind'} this machine's.`,
      'Times in the catalog are wrong, and retention waits until the clocks agree.',
      'Let both clocks follow a time server (timedatectl set-ntp true).',
    );
  if (standing.archivingFails)
    problem(
      'Archiving of the WAL of Postgres fails.',
      'Its disk fills up, and the catalog stops then.',
      'Look at pg_stat_archiver and the log of Postgres.',
    );
  if (keptWalBytes > mostKeptWalBytes)
    problem(
      `A replication slot that nobody reads keeps ${Math.round(keptWalBytes / 1024 ** 3)} GiB of WAL.`,
      'The disk of Postgres fills up, and the catalog stops then.',
      'Start its reader again, or drop the slot: select pg_drop_replication_slot(…).',
    );
  return findings;
}
