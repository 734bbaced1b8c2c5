import { type AuditStanding, auditStanding, auditWarnings } from '../../audit/standing.ts';
import { type HostRow, hostRows } from '../../catalog/host-query.ts';
import { type IncidentTotals, incidentTotals } from '../../catalog/incident-query.ts';
import { type JournalLag, journalLags } from '../../catalog/journal-query.ts';
import { type ChannelTrouble, channelTroubles } from '../../catalog/notification-query.ts';
import type { MissingCopies } from '../../catalog/replicate-query.ts';
import { type LateDetections, lateDetections } from '../../catalog/rescan-query.ts';
import { type PausedSource, pausedSources } from '../../catalog/retention-query.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import { type HoldTotals, holdTotals } from '../../holds/held.ts';
import { holdSentence, holdWarnings } from '../../holds/standing.ts';
import { hostWarnings } from '../../hosts/standing.ts';
import { incidentWarnings } from '../../incidents/standing.ts';
import { readStanding, shippingWarnings, standingFile } from '../../logs/standing.ts';
import { sharedChannels } from '../../notify/channels.ts';
import { channelWarning } from '../../notify/standing.ts';
import { policyStanding } from '../../policy/installed.ts';
import { type MalwareStanding, malwareStanding, malwareWarnings } from '../../quarantine/standing.ts';
import { copiesStanding, copiesWarnings } from '../../replicate/standing.ts';
import { lateWarnings } from '../../rescan/standing.ts';
import { pauseWarnings } from '../../retention/standing.ts';
import { supervisorStatus } from '../../stack/control.ts';
import { say, detail as tell } from '../../text/voice.ts';
import { standingWarnings, type VerifyStanding, verifyStanding } from '../../verify/standing.ts';
import { sourceProblems } from '../../watcher/source-problems.ts';
import { watchingNotes } from '../../watcher/watching.ts';
import { languageIn } from '../incident-rows.ts';
import { localTime, table } from '../output.ts';
import { scannerStanding, scannerWarnings } from '../scanner-standing.ts';
import { type Session, sessionConfig, withCatalog } from '../session.ts';
import { word } from '../words.ts';

/** What runs, where, and how it is. Exit code 5 when nothing runs or something is not healthy. */
export async function runStatus(session: Session): Promise<void> {
  const { output, paths } = session;
  const config = sessionConfig(session);
  const status = await supervisorStatus(paths);
  const [destination] = config.destinations;
  const s3 = destination === undefined ? {} : { bucket: destination.bucket, prefix: destination.prefix };
  const services = Object.fromEntries(
    Object.entries(status?.services ?? {}).map(([name, row]) => [
      name,
      name === 's3' ? { ...row, ...s3 } : row,
    ]),
  );
  const problems = status === undefined ? {} : await sourceProblems(paths.home, config.sources);
  const { audit, copies, verified, lags, late, malware, holds, incidents, channels, paused, hosts } =
    status === undefined ? unknown : await standing(session);
  const scanner = status === undefined ? null : await scannerStanding(session);
  const policy = policyStanding(paths.home);
  const watched = await watchingNotes(config.sources);
  const logs = config.logs.loki === undefined ? undefined : readStanding(standingFile(paths.home));
  output.value({
    running: status !== undefined,
    ...(status === undefined ? {} : { pid: status.pid, startTime: status.startTime }),
    home: paths.home,
    config: session.configPath,
    repository: config.repository,
    services,
    problems,
    watching: Object.fromEntries(watched),
    logs: logs === undefined ? null : { waiting: logs.waiting ?? null, lost: logs.lost ?? null },
    policy: policy ?? null,
    verified,
    audit,
    scanner,
    malware,
    lateDetections: late,
    copies,
    holds,
    incidents,
    channels,
    paused,
    hosts:
      hosts
        ?.filter(({ revokedAt }) => revokedAt === null)
        .map(({ id, name, lastSeenAt }) => ({ id, name, lastSeenAt })) ?? null,
    journal:
      lags === null
        ? null
        : Object.fromEntries(
            lags.map(({ source, versions, oldestSeconds }) => [source, { versions, oldestSeconds }]),
          ),
  });
  if (status === undefined) throw new Failure('not_running');
  output.line(
    say('status', 'up_since', {
      since: localTime(new Date(status.startTime)),
      pid: String(status.pid),
      home: paths.home,
    }),
  );
  output.line(
    table(
      Object.entries(services).map(([name, row]) => [
        name,
        word(row.healthy ? 'healthy' : 'down'),
        String(row.pid),
        row.address,
      ]),
    ),
  );
  const { clamd, temporal } = status.services;
  if (temporal?.ui !== undefined) output.line(say('status', 'web_ui', { address: String(temporal.ui) }));
  if (clamd?.signatureSet === 'builtin-test') {
    output.line(say('status', 'test_signatures'));
  }
  if (policy?.refused !== undefined)
    output.line(say('status', 'policy_refused', { detail: tell(policy.refused.detail) }));
  for (const [source, sentence] of Object.entries(problems)) {
    output.line(say('status', 'source_problem', { source, sentence }));
  }
  for (const [source, note] of watched) output.line(say('status', 'source_note', { source, note }));
  for (const { source, versions, oldestSeconds } of lags ?? []) {
    if (versions === 0) continue;
    output.line(
      say('status', 'versions_wait', { source, count: versions, seconds: Math.round(oldestSeconds) }),
    );
  }
  if (verified?.last) {
    const { at, checked, mismatches } = verified.last;
    output.line(say('status', 'last_verified', { at: localTime(new Date(at)), checked, mismatches }));
  }
  const warnings = [
    ...(verified === null ? [] : standingWarnings(verified)),
    ...(audit === null ? [] : auditWarnings(audit)),
    ...(scanner === null ? [] : scannerWarnings(scanner)),
    ...(malware === null ? [] : malwareWarnings(malware)),
    ...(late === null ? [] : lateWarnings(late)),
    ...(paused === null ? [] : pauseWarnings(paused)),
    ...(copies === null ? [] : copiesWarnings(copies, localTime)),
    ...(holds === null ? [] : holdWarnings(holds)),
    ...(incidents === null ? [] : incidentWarnings(incidents, config, languageIn(session))),
    ...(channels ?? []).map((trouble) => channelWarning(trouble, languageIn(session))),
    ...(hosts === null ? [] : hostWarnings(hosts, new Date())),
    ...(logs === undefined ? [] : shippingWarnings(logs, localTime)),
  ];
  const waiting = holds === null ? undefined : holdSentence(holds);
  if (waiting !== undefined) output.line(waiting);
  for (const warning of warnings) output.line(say('status', 'warning', { text: warning }));
  const down = Object.entries(services).find(([, row]) => !row.healthy);
  if (down !== undefined) throw new Failure('service_not_running', { service: down[0] });
}

/** What only the catalog knows; null where it cannot say. */
interface Standing {
  readonly verified: VerifyStanding | null;
  /** Whether the audit trail is signed and anchored. */
  readonly audit: AuditStanding | null;
  /** How far the manifests in the bucket are behind, by source. */
  readonly lags: readonly JournalLag[] | null;
  /** What each of several destinations lacks. */
  readonly copies: readonly MissingCopies[] | null;
  /** What was found infected after it was stored. */
  readonly late: LateDetections | null;
  /** What was found infected, and what nobody scanned. */
  readonly malware: MalwareStanding | null;
  /** Sources of which nothing expires until somebody has looked. */
  readonly paused: readonly PausedSource[] | null;
  /** What waits for decisions. */
  readonly holds: HoldTotals | null;
  /** The breach register. */
  readonly incidents: IncidentTotals | null;
  /** Channels that do not deliver. */
  readonly channels: readonly ChannelTrouble[] | null;
  /** The machines of the cluster. */
  readonly hosts: readonly HostRow[] | null;
}

const unknown: Standing = {
  audit: null,
  copies: null,
  verified: null,
  lags: null,
  late: null,
  malware: null,
  holds: null,
  paused: null,
  incidents: null,
  channels: null,
  hosts: null,
};

async function standing(session: Session): Promise<Standing> {
  try {
    return await withCatalog(session, async (catalog) => ({
      copies: await copiesStanding(catalog, sessionConfig(session).destinations),
      verified: await verifyStanding(catalog),
      audit: await auditStanding(catalog, sessionConfig(session).destinations),
      lags: await journalLags(catalog),
      malware: await malwareStanding(catalog),
      late: await lateDetections(catalog),
      holds: await holdTotals(catalog),
      paused: await pausedSources(catalog),
      incidents: await incidentTotals(catalog, sessionConfig(session).breaches.notifyWithin),
      channels: await channelTroubles(
        catalog,
        (await sharedChannels(catalog)).map(({ name }) => name),
      ),
      hosts: await hostRows(catalog),
    }));
  } catch (error) {
    if (isFailure(error)) return unknown;
    throw error;
  }
}
