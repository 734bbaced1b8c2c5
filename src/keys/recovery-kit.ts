import type { Config } from '../config.ts';
import type { Id } from '../domain/records.ts';
import { connectionOf } from '../stack/endpoints.ts';
import { type Language, languages } from '../text/language.ts';
import { type Texts, textsIn } from '../text/texts.ts';
import { displayWidth } from '../text/width.ts';
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
  /** What to do, in order, in English: for scripts. */
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
    steps: stepsFor(places, 'en'),
  };
}

function placeOf(config: Config, home: string, destination: Config['destinations'][number]): KitPlace {
  const s3 = connectionOf(config, destination);
  const { name, bucket, prefix } = destination;
  const common = { destination: name, bucket, prefix };
  if (s3 === 'embedded') return { ...common, endpoint: undefined, region: undefined, thisMachine: home };
  return { ...common, endpoint: s3.endpoint, region: s3.region, thisMachine: undefined };
}

function stepsFor(places: readonly KitPlace[], language: Language): string[] {
  const [place] = places;
  if (place === undefined) throw new TypeError('a repository without destination');
  const { thisMachine: folder } = place;
  const say = textsIn(language);
  return [
    say('kit', 'step_machine'),
    folder === undefined ? say('kit', 'step_credentials') : say('kit', 'step_same_machine', { folder }),
    say('kit', 'step_run', { options: recoverOptions(place) }),
    say('kit', 'step_key'),
    say('kit', 'step_end'),
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

/**
 * The kit as it is printed: in the language of whoever makes it, then what to do in every other. Whoever takes the paper
 * out of the safe years later may be somebody else.
 */
export function kitText(kit: RecoveryKit, language: Language): string {
  const say = textsIn(language);
  const others = languages.filter((other) => other !== language);
  const labels = (['made', 'repository', 'destination', 'key'] as const).map((key) => say('kit', key));
  const width = Math.max(...labels.map(displayWidth)) + 2;
  const field = (label: string, value: string): string =>
    `${label}${' '.repeat(width - displayWidth(label))}${value}`;
  return [
    `================ ${say('kit', 'title')} ================`,
    say('kit', 'danger'),
    say('kit', 'keep'),
    '',
    field(say('kit', 'made'), kit.madeAt),
    field(say('kit', 'repository'), kit.repository),
    ...kit.places.flatMap((place) => [
      field(say('kit', 'destination'), `${place.destination}: ${placeText(place, say)}`),
      field(`  ${say('kit', 'bucket')}`, bucketText(place, say)),
    ]),
    field(say('kit', 'key'), kit.recoveryKey),
    field('', say('kit', 'key_form')),
    '',
    ...stepLines(kit, language),
    ...others.flatMap((other) => {
      const theirs = textsIn(other);
      return [
        '',
        `---------------- ${theirs('kit', 'other')} ----------------`,
        theirs('kit', 'danger'),
        theirs('kit', 'keep'),
        `${theirs('kit', 'key')} ${kit.recoveryKey}`,
        theirs('kit', 'key_form'),
        '',
        ...stepLines(kit, other),
      ];
    }),
    '=======================================================',
  ].join('\n');
}

function stepLines({ places }: RecoveryKit, language: Language): string[] {
  const say = textsIn(language);
  const steps = stepsFor(places, language).map((step, i) => `  ${i + 1}. ${step}`);
  return [say('kit', 'steps'), ...steps, '', say('kit', 'check')];
}

const placeText = ({ endpoint, thisMachine: folder }: KitPlace, say: Texts): string =>
  folder === undefined ? (endpoint ?? 'Amazon S3') : say('kit', 'this_machine', { folder });

function bucketText({ bucket, prefix, region }: KitPlace, say: Texts): string {
  return [
    bucket,
    ...(prefix === '' ? [] : [say('kit', 'prefix', { prefix })]),
    ...(region === undefined ? [] : [say('kit', 'region', { region })]),
  ].join(', ');
}
