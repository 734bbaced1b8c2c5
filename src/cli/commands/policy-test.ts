import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DestinationConfig } from '../../config.ts';
import { Failure, isFailure } from '../../domain/failures.ts';
import type {
  AdmissionInput,
  AdmissionResult,
  PolicyReason,
  ReleaseInput,
  ReleaseResult,
} from '../../domain/records.ts';
import { sniffLengthBytes, sniffMediaType } from '../../files/sniff.ts';
import type { Installation } from '../../installation.ts';
import { configuredRecipients } from '../../openpgp/configured.ts';
import { keyIdOf } from '../../pipeline/keys.ts';
import { entryInput } from '../../pipeline/policy-input.ts';
import { openpgpTerms, sealedV1Terms } from '../../policy/engine.ts';
import { installedBundle, installedSignature } from '../../policy/installed.ts';
import type { Explanation, OpaEngine } from '../../policy/opa-engine.ts';
import { withPrivateOpa } from '../../policy/private-opa.ts';
import { configuredRegion } from '../../policy/render.ts';
import type { Endpoints } from '../../stack/endpoints.ts';
import type { DestinationFacts } from '../../storage/object-store.ts';
import { openS3Store } from '../../storage/s3-store.ts';
import { say } from '../../text/voice.ts';
import { chosenPaths } from '../chosen-paths.ts';
import { bytes, printable, table } from '../output.ts';
import { opaTool } from '../policy-tool.ts';
import { locate, type Session, unlock } from '../session.ts';
import { labelled, nameOf, reasonText, word } from '../words.ts';

export interface PolicyTestOptions {
  readonly size?: number;
  readonly mediaType?: string;
}

/** Tells what policy would make of a path, there or not, and why. Stores nothing and sends nothing. */
export async function runPolicyTest(
  session: Session,
  path: string,
  options: PolicyTestOptions,
): Promise<void> {
  const installation = await unlock(session);
  const { config, ids } = installation;
  const [[source, insides] = []] = [...chosenPaths(config.sources, [path])];
  const inside = insides?.[0];
  if (source === undefined || inside === undefined || inside.length === 0)
    throw new Failure('usage', { detail: say('policy', 'name_a_file') });
  const bundle = await installedBundle(installation);
  const input: AdmissionInput = {
    gate: 'admission',
    source: { id: ids.source(source), name: source },
    entry: entryInput(inside),
    // Rules do not judge by the hash; it only has to have its form.
    content: { ...contentOf(resolve(path), options), sha256: '0'.repeat(64) },
  };
  const where = await locate(session).catch(() => undefined);
  await withPrivateOpa(await opaTool(session), bundle, installedSignature(installation), async (engine) => {
    const { result: admission } = await engine.admit(input);
    const because = await engine.explain(input);
    const releases = admission.allow ? await askReleases(installation, where, engine, input, admission) : [];
    const { entry: _entry, ...asked } = input;
    session.output.value({
      path,
      ...asked.content,
      source,
      revision: bundle.revision,
      because,
      admission,
      releases,
    });
    for (const line of account(input, admission, because, releases)) session.output.line(line);
  });
}

/** Size and media type of what is there, or as given for what is not. */
function contentOf(path: string, options: PolicyTestOptions): { sizeBytes: number; mediaType: string } {
  if (options.size !== undefined || options.mediaType !== undefined || !isFile(path)) {
    return { sizeBytes: options.size ?? 0, mediaType: options.mediaType ?? 'application/octet-stream' };
  }
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const head = Buffer.alloc(sniffLengthBytes);
      const length = readSync(file, head, 0, head.length, 0);
      return { sizeBytes: fstatSync(file).size, mediaType: sniffMediaType(head.subarray(0, length)) };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new Failure('usage', { detail: say('policy', 'give_size', { path }) }, { cause: error });
  }
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

interface AskedRelease {
  readonly destination: string;
  /** Whether the bucket was asked; otherwise it is taken to be as the configuration says. */
  readonly live: boolean;
  readonly result: ReleaseResult;
}

async function askReleases(
  installation: Installation,
  where: Endpoints | undefined,
  engine: OpaEngine,
  input: AdmissionInput,
  admission: AdmissionResult,
): Promise<AskedRelease[]> {
  const { config } = installation;
  const sealing = await plannedSealing(installation, admission);
  const wanted = config.destinations.filter(({ name }) => admission.destinations.includes(name));
  return Promise.all(
    wanted.map(async (destination) => {
      const live = where && (await liveFacts(where, destination));
      const { jurisdiction, region, tls, loopback, versioning, objectLock } =
        live ?? assumed(installation, destination);
      const { mode, days } = admission.retention;
      const { result } = await engine.release({
        gate: 'release',
        source: input.source,
        entry: input.entry,
        classification: admission.classification,
        content: { sizeBytes: input.content.sizeBytes, sha256: input.content.sha256 },
        sealing,
        destination: { name: destination.name, jurisdiction, region, tls, loopback, versioning, objectLock },
        lock: { mode, days, requiredMode: mode, requiredDays: days },
        verdict: { state: 'clean', signatureSet: 'official' },
        at: new Date().toISOString(),
      });
      return { destination: destination.name, live: live !== undefined, result };
    }),
  );
}

async function plannedSealing(
  { config, keyring, keys }: Installation,
  { format, scope }: AdmissionResult,
): Promise<ReleaseInput['sealing']> {
  const plan = { basis: 'plan', scope, keyScope: scope, contentMatches: true } as const;
  if (format === 'sealed-v1') return { ...plan, ...sealedV1Terms, keyId: keyIdOf(keys.sealingKey(scope)) };
  const recipients = await configuredRecipients(config, keyring.root.naming);
  if (recipients === undefined) throw new Failure('openpgp_unconfigured');
  return { ...plan, ...openpgpTerms, keyId: recipients.id, recipients: recipients.names };
}

async function liveFacts(
  where: Endpoints,
  destination: DestinationConfig,
): Promise<DestinationFacts | undefined> {
  try {
    const store = await openS3Store(where.s3(destination, 'agent'));
    return await store.facts().finally(() => store.close());
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}

type AssumedFacts = Pick<
  DestinationFacts,
  'jurisdiction' | 'region' | 'tls' | 'loopback' | 'versioning' | 'objectLock'
>;

function assumed({ config }: Installation, destination: DestinationConfig): AssumedFacts {
  const { jurisdiction } = destination;
  const region = configuredRegion(config, destination);
  return { jurisdiction, region, tls: true, loopback: false, versioning: true, objectLock: true };
}

/** Our own reasons in the reader's language, those of somebody's own rules as they say them. */
const reasonSentence = ({ id, text }: PolicyReason): string => {
  const told = reasonText(id);
  return told === printable(id) ? labelled(told, printable(text)) : told;
};

const sentences: Record<string, string> = {
  source: say('policy', 'set_for_source'),
  default: say('policy', 'no_rule'),
  incomprehensible: say('policy', 'broken_pattern'),
};

function account(
  { source, entry, content }: AdmissionInput,
  admission: AdmissionResult,
  because: Explanation | undefined,
  releases: readonly AskedRelease[],
): string[] {
  const { allow, reasons, classification, scope, retention, format, compression, scan } = admission;
  const why =
    because && (sentences[because.by.rule] ?? say('policy', 'rule', { name: printable(because.by.rule) }));
  const others = Object.entries(because?.matching ?? {}).filter(([rule]) => rule !== because?.by.rule);
  const rows = [
    [nameOf('classification'), `${classification}${why === undefined ? '' : ` (${why})`}`],
    ...(others.length === 0
      ? []
      : [
          [
            '',
            say('policy', 'also', {
              others: others.map(([rule, name]) => labelled(printable(rule), name)).join(', '),
            }),
          ],
        ]),
    [say('policy', 'key_scope'), printable(scope)],
    [
      nameOf('retention'),
      say('policy', 'retention_of', {
        class: printable(retention.class),
        mode: String(retention.mode),
        days: retention.days,
      }),
    ],
    [nameOf('format'), format],
    [
      nameOf('compression'),
      compression.algorithm === 'none' ? word('none') : `${compression.algorithm} ${compression.level}`,
    ],
    [nameOf('scan'), word(scan.required ? 'required' : 'off')],
    ...Object.entries(scan.notScanned).map(([reason, then], index) => [
      index === 0 ? nameOf('unscanned') : '',
      labelled(reasonText(reason), say('policy', `then_${then}`)),
    ]),
  ];
  const told = ({ destination, live, result }: AskedRelease): string[] => [
    say('policy', 'to', { destination: printable(destination) }),
    `${result.allow ? say('policy', 'may_go') : say('policy', 'held_here')}${live ? '' : ` ${say('policy', 'not_asked')}`}`,
    ...(result.transferAuthorisation === undefined
      ? []
      : [say('policy', 'authorised', { by: printable(result.transferAuthorisation) })]),
    ...result.reasons.map(reasonSentence),
  ];
  return [
    `${printable(`${source.name}:${entry.path}`)}, ${bytes(content.sizeBytes)}, ${content.mediaType}`,
    allow ? say('policy', 'admitted') : say('policy', 'not_backed_up'),
    ...reasons.map((reason) => `  ${reasonSentence(reason)}`),
    table(rows.map((row) => ['  ', ...row])),
    ...(releases.length === 0 ? [] : [table(releases.map((release) => ['  ', ...told(release)]))]),
  ];
}
