import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { Failure } from '../domain/failures.ts';
import { isHostName, isKeyringName } from '../keys/keyring-files.ts';

/** PEM texts of a connection over TLS. */
const tls = z.strictObject({
  ca: z.string().optional(),
  certificate: z.string().optional(),
  key: z.string().optional(),
  serverName: z.string().optional(),
});

const s3 = z.strictObject({
  endpoint: z.string().optional(),
  region: z.string(),
  pathStyle: z.boolean(),
  /** In AWS format; undefined: the usual chain of the AWS SDK on the new host. */
  credentials: z.string().optional(),
  tls,
});

const schema = z.strictObject({
  v: z.literal(1),
  kind: z.literal('holdfast host'),
  repository: z.string().regex(/^[0-9a-f]{32}$/),
  host: z.strictObject({
    id: z.string().regex(/^[0-9a-f]{32}$/),
    name: z.string(),
    group: z.string().optional(),
  }),
  /** The keyring's documents, wrapped under their passwords; none for a write-only host. */
  keyring: z.array(
    z.strictObject({
      name: z.string().refine((name) => isKeyringName(name) || isHostName(name)),
      bytes: z.base64(),
    }),
  ),
  temporal: z.strictObject({
    address: z.string(),
    namespace: z.string(),
    tls: tls.optional(),
    apiKey: z.string().optional(),
  }),
  postgres: z.strictObject({ uri: z.string(), tls }),
  s3: s3.optional(),
  /** As in the configuration of the machine that runs the cluster, with `s3` apart where one has a server of its own. */
  destinations: z
    .array(z.strictObject({ settings: z.record(z.string(), z.unknown()), s3: s3.optional() }))
    .min(1),
  /** The keys of the configuration that every host of a repository has in common. */
  settings: z.record(z.string(), z.unknown()),
  /** Rules and data by path below the policy folder, and the operator's own data. */
  policies: z.record(z.string(), z.string()),
  policyData: z.record(z.string(), z.unknown()).optional(),
});

/** What a new host is handed: addresses, certificates and credentials of its own. The password is not in it. */
export type JoinFile = z.infer<typeof schema>;
export type JoinTls = z.infer<typeof tls>;
export type JoinS3 = z.infer<typeof s3>;

/** Writes it for this user alone; a file that exists is refused. */
export function writeJoinFile(file: string, join: JoinFile): void {
  writeFileSync(file, `${JSON.stringify(join, undefined, 1)}\n`, { mode: 0o600, flag: 'wx' });
}

/** Failure `join_file_invalid`. */
export function readJoinFile(file: string): JoinFile {
  const invalid = (detail: string): Failure => new Failure('join_file_invalid', { file, detail });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw invalid('it cannot be read');
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw invalid(`${parsed.error.issues[0]?.path.join('.')} is not as it must be`);
  return parsed.data;
}
