import { type DatabaseStanding, databaseStanding } from '../catalog/doctor-query.ts';
import { say } from '../text/voice.ts';
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
    return [ok(say('doctor', 'database_well', { version: standing.version, megabytes: String(megabytes) }))];
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
      say('doctor', 'postgres_old', { version: standing.version }),
      say('doctor', 'postgres_old_means'),
      say('doctor', 'postgres_old_todo'),
    );
  if (unsafe.length > 0)
    problem(
      say('doctor', 'unsafe', { names: unsafe.join(', '), count: unsafe.length }),
      say('doctor', 'unsafe_means'),
      say('doctor', 'unsafe_todo', { settings: unsafe.map((name) => `${name} = on`).join(', ') }),
    );
  if (isSuperuser || excess.length > 0)
    problem(
      isSuperuser ? say('doctor', 'superuser') : say('doctor', 'excess', { what: excess.join(', ') }),
      say('doctor', 'excess_means'),
      isSuperuser
        ? say('doctor', 'excess_todo')
        : say('doctor', 'revoke_todo', {
            what: [...new Set(excess.map((one) => one.split(' ')[0]))].join(', '),
          }),
    );
  if (!standing.isPrivate)
    problem(
      say('doctor', 'postgres_cleartext'),
      say('doctor', 'postgres_cleartext_means'),
      say('doctor', 'postgres_cleartext_todo'),
    );
  if (Math.abs(aheadSeconds) > mostSkewSeconds)
    problem(
      say('doctor', 'postgres_clock', {
        seconds: Math.round(Math.abs(aheadSeconds)),
        side: aheadSeconds > 0 ? say('doctor', 'ahead_of') : say('doctor', 'behind'),
      }),
      say('doctor', 'postgres_clock_means'),
      say('doctor', 'postgres_clock_todo'),
    );
  if (standing.archivingFails)
    problem(say('doctor', 'wal_fails'), say('doctor', 'wal_fails_means'), say('doctor', 'wal_fails_todo'));
  if (keptWalBytes > mostKeptWalBytes)
    problem(
      say('doctor', 'slot', { gib: Math.round(keptWalBytes / 1024 ** 3) }),
      say('doctor', 'slot_means'),
      say('doctor', 'slot_todo'),
    );
  return findings;
}
