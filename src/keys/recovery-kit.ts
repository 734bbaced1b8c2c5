import type { Config } from '../config.ts';
import type { Id } from '../domain/records.ts';
import { connectionOf } from '../stack/endpoints.ts';
import { kitHolder } from './open-keyring.ts';

/** Where a repository's objects are, as somebody on another machine needs it. */
export interface KitPlace {
  readonly destination: string;
  /** Undefined: the region's endpoint of AWS. */
  readonly endpoint: string | undefined;
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string | undefined;
  /** Folder of the S3 server on this very machine: what burns with the machine is no backup. */
  readonly thisMachine: string | undefined;
}

/** All that a person needs to bring everything back on a bare machine. To be printed, never to be kept beside the data. */
export interface RecoveryKit {
  readonly holder: typeof kitHolder;
  readonly repository: Id;
  readonly recoveryKey: string;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  readonly places: readonly KitPlace[];
  /** What to do, in order. */
  readonly steps: readonly string[];
}

export function recoveryKit(config: Config, home: string, recoveryKey: string): RecoveryKit {
  const places = config.destinations.map((destination) => placeOf(config, home, destination));
  return {
    holder: kitHolder,
    repository: config.repository,
    recoveryKey,
    madeAt: new Date().toISOString(),
    places,
    steps: stepsFor(places),
  };
}

function placeOf(config: Config, home: string, destination: Config['destinations'][number]): KitPlace {
  const s3 = connectionOf(config, destination);
  const { name, bucket, prefix } = destination;
  const common = { destination: name, bucket, prefix };
  if (s3 === 'embedded') return { ...common, endpoint: undefined, region: undefined, thisMachine: home };
  return { ...common, endpoint: s3.endpoint, region: s3.region, thisMachine: undefined };
}

function stepsFor(places: readonly KitPlace[]): string[] {
  const [place] = places;
  if (place === undefined) throw new TypeError('a repository without destination');
  const { thisMachine } = place;
  return [
    'Take a bare machine with Node 20 or later and install Holdfast on it. Nothing else is needed: no database, no configuration.',
    thisMachine !== undefined
      ? `The bucket lies on the machine this kit was made on. Bring a copy of ${thisMachine} to the new one, name it in HOLDFAST_HOME, and start its S3 server: holdfast up --only s3. Address and credentials: holdfast status --json.`
      : 'Get an access key for the bucket that may list versions and read objects, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    `Run: holdfast recover ${recoverOptions(place)} --to /some/folder`,
    'When it asks for the password, type the recovery key. Blanks, dashes and lower case do not matter.',
    'It says what it brought back, and what it could not. The formats are in docs/format.md, should Holdfast itself be gone.',
  ];
}

function recoverOptions({ endpoint, bucket, prefix, region, thisMachine }: KitPlace): string {
  const parts = [
    thisMachine !== undefined ? '--endpoint ADDRESS' : endpoint && `--endpoint ${endpoint}`,
    `--bucket ${bucket}`,
    prefix && `--prefix ${prefix}`,
    region && `--region ${region}`,
  ];
  return parts.filter(Boolean).join(' ');
}

/** The kit as it is printed. */
export function kitText(kit: RecoveryKit): string {
  return [
    '================ HOLDFAST RECOVERY KIT ================',
    'Whoever has this paper and access to the bucket can read everything.',
    'Print it, and keep it where the machine and its password are not.',
    '',
    `Made:          ${kit.madeAt}`,
    `Repository:    ${kit.repository}`,
    ...kit.places.flatMap(describePlace),
    `Recovery key:  ${kit.recoveryKey}`,
    '               (nine groups of four; there is no I, L, O or U in it)',
    '',
    'To bring everything back:',
    ...kit.steps.map((step, i) => `  ${i + 1}. ${step}`),
    '',
    'Check today that it works: holdfast key verify-kit',
    '=======================================================',
  ].join('\n');
}

function describePlace({ destination, endpoint, bucket, prefix, region, thisMachine }: KitPlace): string[] {
  const where =
    thisMachine === undefined
      ? (endpoint ?? 'Amazon S3')
      : `ON THIS MACHINE, in ${thisMachine}: it is lost with the machine`;
  return [
    `Destination:   ${destination}: ${where}`,
    `  bucket       ${bucket}${prefix === '' ? '' : `, prefix ${prefix}`}${region === undefined ? '' : `, region ${region}`}`,
  ];
}
