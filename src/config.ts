import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { Failure } from './domain/failures.ts';
import { lockModes, sealedFormats } from './domain/records.ts';
import { cronForm, isCron } from './sweep/cron.ts';
import { languages } from './text/language.ts';
import { spoken } from './text/voice.ts';
import { parseRate, rateForm } from './throttle/rate.ts';
import { parseDays, parseMinute, type RateWindow, weekdays } from './throttle/windows.ts';

/**
 * `holdfast.yaml`: read once, checked once, then trusted. Unknown keys are refused, so that a misspelt one cannot be
 * taken for its default.
 */
const absolutePath = z.string().refine(isAbsolute, 'must be an absolute path');
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'letters without accents, digits, dot, dash, underscore; at most 63',
  );
const id = z.string().regex(/^[0-9a-f]{32}$/, '32 hex digits');
const webAddress = z.url({ protocol: /^https?$/ });

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'a number and a unit: ms, s, m, h or d')
  .transform((text) => Number.parseInt(text, 10) * (units[text.replace(/^\d+/, '')] ?? 1));

const percentage = z
  .string()
  .regex(/^\d+(\.\d+)?%$/, 'a percentage, like 5%')
  .transform((text) => Number.parseFloat(text) / 100)
  .refine((share) => share <= 1, 'at most 100%');

const sizes: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const size = z
  .string()
  .regex(/^\d+(B|KiB|MiB|GiB|TiB)$/, 'a number and a unit: B, KiB, MiB, GiB or TiB')
  .transform((text) => Number.parseInt(text, 10) * (sizes[text.replace(/^\d+/, '')] ?? 1));

/** What S3 stores in one object: Amazon S3 User Guide, "Amazon S3 multipart upload limits". */
const largestObjectBytes = 5 * 2 ** 40;

const rate = z.string().transform((text, context) => {
  const bytesPerSecond = parseRate(text);
  if (bytesPerSecond !== undefined) return bytesPerSecond;
  context.addIssue({ code: 'custom', message: rateForm });
  return z.NEVER;
});

const minuteOfDay = z.string().transform((text, context) => {
  const minute = parseMinute(text);
  if (minute !== undefined) return minute;
  context.addIssue({ code: 'custom', message: 'a time of day, like 08:00' });
  return z.NEVER;
});

const days = z.string().transform((text, context) => {
  const found = parseDays(text);
  if (found !== undefined) return found;
  context.addIssue({ code: 'custom', message: 'days, like mon-fri or sat,sun' });
  return z.NEVER;
});

const rateWindow = ({
  from: fromMinute,
  to: toMinute,
  ...window
}: Omit<RateWindow, 'fromMinute' | 'toMinute'> & { from: number; to: number }): RateWindow => ({
  ...window,
  fromMinute,
  toMinute,
});

const timezone = z
  .string()
  .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', 'an IANA time zone');

const jitter = duration.prefault('10m');
/** Share of the files that look unchanged which each sweep reads again. */
const rehash = percentage.prefault('1%');

export const mailAddress = z.email('an e-mail address');

/** Names and addresses that stay on this machine. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

/** A password or a file name never goes over a network in the clear. */
const secureUrl = z
  .url({ protocol: /^https?$/, error: 'a URL with https' })
  .refine(
    (url) => url.startsWith('https:') || isLoopback(new URL(url).hostname),
    'https; http only to this machine',
  );

const proxyUrl = z.url({ protocol: /^http$/, error: 'a URL with http' });

const source = z.strictObject({
  name,
  path: absolutePath,
  /** Queue group of the hosts that mount this very tree; the host's own group where it is left out. */
  group: name.optional(),
  /** What happens to an infected file: sealed and taken away, sealed and left in place, or only reported. */
  quarantine: z.enum(['move', 'copy', 'report']).default('move'),
  exclude: z.array(z.string()).default([]),
  include: z.array(z.string()).default([]),
  oneFileSystem: z.boolean().default(false),
  maxSize: size.optional(),
  /** When every entry is looked at, whatever the watcher noticed: at intervals, or by a cron line in a time zone. */
  sweep: z
    .union(
      [
        z.literal('off'),
        z.strictObject({ every: duration.refine((ms) => ms >= 1_000, 'at least 1s'), jitter, rehash }),
        z.strictObject({ cron: z.string().refine(isCron, cronForm), timezone, jitter, rehash }),
      ],
      'off, or `every` with a duration, or `cron` with a `timezone`',
    )
    .prefault({ every: '1d' }),
  /** How changes are noticed in between: by events of the kernel, or where others can change files unnoticed, by looking. */
  watch: z.enum(['auto', 'events', 'poll', 'off']).default('auto'),
  /** How often everything is looked at where there are no events. */
  pollEvery: duration.refine((ms) => ms >= 1_000, 'at least 1s').prefault('1m'),
});

/** How a server proves who it is, and this host to it. */
const tlsFiles = {
  caFile: absolutePath.optional(),
  certFile: absolutePath.optional(),
  keyFile: absolutePath.optional(),
  serverName: z.string().optional(),
};

/** Told that what passes may be read and changed on the way: without it no service is reached over a network in the clear. */
const insecure = z.boolean().default(false);

/** Where an embedded S3 server says that its buckets lie. */
export const embeddedRegion = 'us-east-1';

/** How an S3 server is reached. */
const s3Connection = {
  /** Omitted: the AWS endpoint of the region. */
  endpoint: z.url().optional(),
  region: z.string().default('us-east-1'),
  pathStyle: z.boolean().default(false),
  credentialsFile: absolutePath.optional(),
  profile: z.string().optional(),
  ...tlsFiles,
  insecure,
};

const destination = z.strictObject({
  name,
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'an S3 bucket name'),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9._/-]*$/)
    .transform((text) => text.replace(/^\/+|\/+$/g, ''))
    .default(''),
  jurisdiction: z.string().min(2).default('local'),
  /** What cannot fit into one object of this size is refused before anything is sent. Bytes. */
  maxObjectSize: size
    .refine((bytes) => bytes > 0 && bytes <= largestObjectBytes, 'more than nothing and at most 5 TiB')
    .prefault('5TiB'),
  lock: z.strictObject({ mode: z.enum(lockModes).default('GOVERNANCE'), days: z.int().min(1).max(36_500) }),
  /** Its own server; `services.s3` where there is none. */
  s3: z.strictObject(s3Connection).optional(),
});

/** A file is sent to each in turn: more of them than this cost more than they protect from. */
const mostDestinations = 8;

const embedded = z.strictObject({ mode: z.literal('embedded') });
const tls = z.strictObject(tlsFiles);

const services = z.strictObject({
  temporal: z
    .discriminatedUnion('mode', [
      embedded,
      z.strictObject({
        mode: z.literal('external'),
        address: z.string(),
        namespace: z.string().default('holdfast'),
        tls: tls.optional(),
        insecure,
        apiKeyFile: absolutePath.optional(),
        webUi: z.url().optional(),
      }),
    ])
    .default({ mode: 'embedded' }),
  postgres: z
    .discriminatedUnion('mode', [
      embedded,
      z.strictObject({
        mode: z.literal('external'),
        /** Files that hold one connection URI each: the tables' owner (migrations; not on hosts that joined) and the role the program runs as. */
        ownerUriFile: absolutePath.optional(),
        writerUriFile: absolutePath,
        ...tlsFiles,
        insecure,
      }),
    ])
    .default({ mode: 'embedded' }),
  opa: z
    .discriminatedUnion('mode', [
      embedded,
      z.strictObject({ mode: z.literal('external'), socket: absolutePath }),
    ])
    .default({ mode: 'embedded' }),
  clamd: z
    .discriminatedUnion('mode', [
      embedded,
      z.strictObject({
        mode: z.literal('external'),
        socket: absolutePath,
        signatureSet: z.enum(['official', 'custom', 'builtin-test']).default('official'),
      }),
    ])
    .default({ mode: 'embedded' }),
  s3: z
    .discriminatedUnion('mode', [embedded, z.strictObject({ mode: z.literal('external'), ...s3Connection })])
    .default({ mode: 'embedded' }),
});

const logs = z.strictObject({
  /** The least urgent lines that are written. */
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** When a log is put aside, and how many of each are kept beside it. */
  maxSize: size.refine((bytes) => bytes >= 65_536, 'at least 64KiB').prefault('10MiB'),
  maxAge: duration.refine((ms) => ms >= 3_600_000, 'at least 1h').prefault('7d'),
  keep: z.int().min(1).max(100).default(5),
  /** Where our own processes' logs are sent besides; nowhere by default. */
  loki: z
    .strictObject({
      url: webAddress,
      /** Whose logs they are, where several share a Loki. */
      tenant: z.string().min(1).optional(),
      username: z.string().min(1).optional(),
      /** Holds the user's password or, without a user, a token. */
      passwordFile: absolutePath.optional(),
      ...tlsFiles,
      insecure,
    })
    .refine(
      ({ username, passwordFile }) => username === undefined || passwordFile !== undefined,
      'username needs a passwordFile',
    )
    .optional(),
});

const port = z.int().min(1).max(65_535);

/** Never every address: what is open to a network is named. */
const ownAddress = z
  .union([z.ipv4(), z.ipv6()], 'an IP address of this machine')
  .refine((address) => !/^[0:.]+$/.test(address), 'one address of this machine, not all of them');

/** Where messages go (docs/notifications.md). */
const channel = z.discriminatedUnion('type', [
  z
    .strictObject({
      name,
      type: z.literal('email'),
      host: z.string().min(1),
      port: port.optional(),
      /** none: only on this machine. */
      security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
      user: z.string().min(1).optional(),
      passwordFile: absolutePath.optional(),
      caFile: absolutePath.optional(),
      from: mailAddress,
      to: z.array(mailAddress).min(1).max(20),
    })
    .refine(
      ({ security, host }) => security !== 'none' || isLoopback(host),
      'security: none only to this machine',
    )
    .refine(
      ({ user, passwordFile }) => (user === undefined) === (passwordFile === undefined),
      'user and passwordFile: both or none',
    ),
  z.strictObject({
    name,
    type: z.literal('webhook'),
    url: secureUrl,
    /** Holds the secret that each message is signed with. */
    secretFile: absolutePath,
    caFile: absolutePath.optional(),
  }),
  z.strictObject({
    name,
    type: z.literal('ping'),
    url: secureUrl,
    /** Whether sweeps that were not complete are told by `<url>/fail`. */
    failures: z.boolean().default(true),
    caFile: absolutePath.optional(),
  }),
]);

const schema = z.strictObject({
  version: z.literal(1),
  repository: id,
  host: z.strictObject({ id, group: name.optional() }),
  passwordFile: absolutePath.optional(),
  sources: z.array(source).min(1, 'at least one source'),
  destinations: z.array(destination).min(1, 'at least one destination').max(mostDestinations),
  services: services.prefault({}),
  /** Where hosts that were added reach the embedded services, over TLS with certificates on both sides; nowhere by default. */
  listen: z
    .strictObject({
      address: ownAddress,
      ports: z
        .strictObject({
          temporal: port.default(7_443),
          postgres: port.default(7_444),
          s3: port.default(7_445),
        })
        .prefault({}),
    })
    .optional(),
  logs: logs.prefault({}),
  /** Where `codec-server` listens: it decrypts payloads for the Web UI of Temporal. */
  codecServer: z
    .strictObject({
      address: z.string().min(1).default('127.0.0.1'),
      port: port.default(8_234),
      certFile: absolutePath.optional(),
      keyFile: absolutePath.optional(),
    })
    .refine(
      ({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined),
      'certFile and keyFile: both or none',
    )
    .refine(
      ({ address, certFile }) => certFile !== undefined || isLoopback(address),
      'certFile and keyFile are needed beyond this machine',
    )
    .prefault({}),
  /** Whether this host also does what is done for the whole repository: what expires, keys and manifests of lost hosts. */
  keeper: z.boolean().default(true),
  /** Where Prometheus finds the metrics of this host's processes (docs/monitoring.md); on free ports where none are named. */
  metrics: z
    .strictObject({
      address: z.union([z.literal('127.0.0.1'), ownAddress]).default('127.0.0.1'),
      ports: z
        .strictObject({ worker: port.optional(), sdk: port.optional(), watcher: port.optional() })
        .prefault({}),
    })
    .prefault({}),
  /** How content is sealed where policy does not say otherwise. */
  format: z.enum(sealedFormats).default('sealed-v1'),
  /** Whether sweeps store small files many to an object. */
  packs: z.enum(['on', 'off']).default('on'),
  /** This host has a key file in place of a password and a keyring, and cannot open what it seals. */
  writeOnly: z.boolean().default(false),
  openpgp: z
    .strictObject({
      /** Files with public keys, one or more in each. */
      recipients: z.array(absolutePath).default([]),
      passphraseFile: absolutePath.optional(),
    })
    .refine(
      (openpgp) => openpgp.recipients.length > 0 || openpgp.passphraseFile !== undefined,
      'neither recipients nor a passphraseFile',
    )
    .optional(),
  pipeline: z
    .strictObject({
      /** Tries after the first one, for errors about a file. */
      maxRetries: z.int().min(0).max(100).default(5),
      /** Pause before the first of them, doubled each time. */
      retryDelay: duration.prefault('2s'),
      /** How long a path must have been without an event. */
      quiet: duration.prefault('200ms'),
    })
    .prefault({}),
  staging: z
    .strictObject({
      /** How much may be held on this host at once; what finds no room fails until there is some. Bytes. */
      quota: size.prefault('20GiB'),
      /** How long a held file waits for a decision; then it counts as rejected. */
      expires: duration.refine((ms) => ms >= 60_000, 'at least 1m').prefault('14d'),
      /** How often whoever decides is reminded of it. */
      remindEvery: duration.refine((ms) => ms >= 60_000, 'at least 1m').prefault('1d'),
    })
    .prefault({}),
  verify: z
    .strictObject({
      /** How often a sample is verified. */
      every: duration.refine((ms) => ms >= 3_600_000, 'at least 1h').prefault('1d'),
      /** Share of the objects that each run looks at, those that were not for longest. */
      sample: percentage.prefault('5%'),
      /** Share of the objects whose content each run reads and decrypts. */
      readData: percentage.prefault('1%'),
    })
    .prefault({}),
  audit: z
    .strictObject({
      /** Least time between two anchors of the audit trail in a destination. */
      anchorEvery: duration
        .refine((ms) => ms >= 5_000 && ms <= 600_000, 'at least 5s and at most 10m')
        .prefault('5m'),
      /** How often the trail is verified. */
      verifyEvery: duration.refine((ms) => ms >= 3_600_000, 'at least 1h').prefault('1d'),
      /** So many wrong passwords, keys and credentials within a time are an incident. */
      refusals: z
        .strictObject({
          count: z.int().min(2).max(1_000).prefault(5),
          within: duration
            .refine((ms) => ms >= 60_000 && ms <= 86_400_000, 'at least 1m and at most 1d')
            .prefault('10m'),
        })
        .prefault({}),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** What all uploads of this host take together: always, or at certain hours; the first window that holds counts. */
      upload: z
        .union([
          rate,
          z.array(
            z
              .strictObject({
                rate,
                from: minuteOfDay,
                to: minuteOfDay,
                timezone: timezone.optional(),
                days: days.prefault('mon-sun'),
              })
              .transform(rateWindow),
          ),
        ])
        .optional(),
    })
    .prefault({}),
  /** What is stored is scanned again by newer signatures, at most so fast. Bytes of content a second. */
  rescan: z
    .union([
      z.literal('off'),
      z.strictObject({
        every: duration.refine((ms) => ms >= 3_600_000, 'at least 1h').prefault('1d'),
        rate: size.refine((bytes) => bytes >= 65_536, 'at least 64KiB').prefault('4MiB'),
      }),
    ])
    .prefault({}),
  /** How much of a source may change or vanish from one sweep to the next before an incident is opened: both must be passed. */
  massChange: z
    .strictObject({
      /** Of its files. */
      share: percentage.prefault('20%'),
      least: z.int().min(1).default(100),
    })
    .prefault({}),
  /** What is sent to people is in this language, with times in this zone. */
  language: z.enum(languages).default('en'),
  timezone: timezone.default('UTC'),
  /** The breach register. */
  breaches: z
    .strictObject({
      /** How long after its detection an incident has to be notified. */
      notifyWithin: duration.refine((ms) => ms >= 3_600_000, 'at least 1h').prefault('72h'),
      /** How long before that a warning is sent. */
      warnBefore: duration.prefault('24h'),
      /** Who you are, whom you tell, and who answers questions: for the prepared notice. */
      organisation: z.string().min(1).optional(),
      authority: z.strictObject({ name: z.string().min(1), email: mailAddress.optional() }).optional(),
      contact: z
        .strictObject({
          name: z.string().min(1),
          role: z.string().min(1),
          phone: z.string().min(1),
          email: mailAddress,
        })
        .optional(),
    })
    .refine(({ warnBefore, notifyWithin }) => warnBefore < notifyWithin, 'warnBefore: less than notifyWithin')
    .prefault({}),
  /** The compliance report (docs/compliance.md). */
  compliance: z
    .strictObject({
      /** Files with own mappings of laws; one takes the place of a packaged one of its id. */
      mappings: z.array(absolutePath).max(100).default([]),
    })
    .prefault({}),
  notifications: z
    .strictObject({
      channels: z
        .array(channel)
        .max(10)
        .refine(
          (channels) => new Set(channels.map((each) => each.name)).size === channels.length,
          'two channels have one name',
        )
        .default([]),
      /** Whether messages name files. Mail is read by whoever handles it. */
      includePaths: z.boolean().default(false),
      /** A source without a complete sweep for so long is told. */
      sweepWithin: duration.refine((ms) => ms >= 3_600_000, 'at least 1h').prefault('26h'),
      /** What lasts is told again after so long. */
      repeatEvery: duration.refine((ms) => ms >= 3_600_000, 'at least 1h').prefault('1d'),
      /** A disk or staging folder fuller than this is told. */
      diskAbove: percentage.prefault('80%'),
      /** How e-mail servers and URLs beyond this machine are reached, where not directly. */
      proxy: proxyUrl.optional(),
      digest: z
        .union([
          z.literal('off'),
          z.strictObject({
            every: z.enum(['day', 'week']).default('day'),
            at: minuteOfDay.prefault('07:00'),
            /** The day of a weekly one. */
            weekday: z.enum(weekdays).default('mon'),
          }),
        ])
        .default('off'),
    })
    .prefault({}),
  policy: z
    .strictObject({
      allowTestSignatures: z.boolean().default(false),
      /** Official signatures older than this count as stale. */
      maxSignatureAge: duration.prefault('7d'),
      /** Rules for single sources, by name: given to the policies as data. */
      sources: z.record(z.string(), z.unknown()).default({}),
      /** The operator's own policy data: a file of YAML or JSON, or a folder of such. */
      data: absolutePath.optional(),
      bundle: z
        .strictObject({
          /** The operator's own rules, in place of those in the state folder. */
          dir: absolutePath,
          /** PEM of the key that the whole bundle in `dir` is signed with; nothing else is loaded then. */
          publicKeyFile: absolutePath.optional(),
        })
        .optional(),
    })
    .prefault({}),
});

export type Config = z.infer<typeof schema>;
export type ChannelConfig = Config['notifications']['channels'][number];
export type SourceConfig = Config['sources'][number];
export type TlsFiles = z.infer<typeof tls>;
export type DestinationConfig = Config['destinations'][number];
/** The file's form before defaults and units are applied. */
export type ConfigFile = z.input<typeof schema>;

/** Reads and checks a configuration file. Failures: `config_missing`, `config_invalid`. */
export function readConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure('config_missing', { file }, { cause: error });
  }
  return parseConfig(text, file);
}

export function parseConfig(text: string, file: string): Config {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw new Failure('config_invalid', {
      file,
      detail: error instanceof Error ? error.message : 'not YAML',
    });
  }
  const checked = schema.safeParse(raw);
  if (!checked.success) {
    // Said anew in the language of whoever reads it.
    const told = spoken() === 'fr' ? schema.safeParse(raw, { error: z.locales.fr().localeError }) : checked;
    const [issue] = told.error?.issues ?? [];
    throw new Failure('config_invalid', {
      file,
      detail: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    });
  }
  if (checked.data.format === 'openpgp' && checked.data.openpgp === undefined)
    throw new Failure('config_invalid', {
      file,
      detail: 'format: openpgp needs recipients below the key openpgp',
    });
  if (checked.data.writeOnly) checkWriteOnly(checked.data, file);
  const names = checked.data.sources.map((each) => each.name);
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  if (twice !== undefined)
    throw new Failure('config_invalid', { file, detail: `sources: ${twice} is named twice` });
  checkDestinations(checked.data, file);
  return checked.data;
}

/** Two names for one place would look like two copies. */
function checkDestinations({ destinations, services }: Config, file: string): void {
  const names = new Set<string>();
  const places = new Map<string, string>();
  for (const { name, bucket, prefix, s3 } of destinations) {
    const endpoint =
      s3 === undefined && services.s3.mode === 'embedded' ? 'embedded' : endpointOf(s3 ?? services.s3);
    const place = JSON.stringify([endpoint, bucket, prefix]);
    const other = places.get(place);
    const detail = names.has(name)
      ? `${name} is named twice`
      : other !== undefined
        ? `${other} and ${name} are one and the same place`
        : undefined;
    if (detail !== undefined)
      throw new Failure('config_invalid', { file, detail: `destinations: ${detail}` });
    names.add(name);
    places.set(place, name);
  }
}

const endpointOf = (s3: object): string =>
  'endpoint' in s3 && typeof s3.endpoint === 'string' ? new URL(s3.endpoint).origin : 'aws';

/** Nothing on a write-only host may open what it seals, nor be sealed in another way. */
function checkWriteOnly({ format, openpgp, passwordFile }: Config, file: string): void {
  const detail =
    format !== 'openpgp'
      ? 'writeOnly needs format: openpgp'
      : openpgp?.passphraseFile !== undefined
        ? 'writeOnly and openpgp.passphraseFile contradict each other: the passphrase opens what it seals'
        : passwordFile !== undefined
          ? 'writeOnly and passwordFile contradict each other: the password opens what others sealed'
          : undefined;
  if (detail !== undefined) throw new Failure('config_invalid', { file, detail });
}
