import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Id } from '../../domain/records.ts';
import { privateFolder } from '../folders.ts';
import { writePrivate } from '../secrets.ts';

/** The S3 roles of the program (design: put without delete; delete by version id; read only). */
export const s3Roles = ['agent', 'retention', 'recover'] as const;
export type S3Role = (typeof s3Roles)[number];

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Where the credentials are kept: AWS shared-credentials format, mode 0600. */
export interface S3CredentialFiles {
  /** The bucket owner's. */
  readonly credentialsFile: string;
  /** Folder of the files `agent`, `retention` and `recover`. */
  readonly rolesDir: string;
  /** Folder of one file for each host that was added, named by its id: each does as the agent does. */
  readonly hostsDir: string;
}

export function s3CredentialFiles(home: string): S3CredentialFiles {
  const folder = path.join(home, 'secrets', 's3');
  return {
    credentialsFile: path.join(folder, 'credentials'),
    rolesDir: path.join(folder, 'roles'),
    hostsDir: path.join(folder, 'hosts'),
  };
}

/** The owner's and the roles' credentials, made at random on first use. */
export function ensureS3Credentials(files: S3CredentialFiles): {
  readonly owner: S3Credentials;
  readonly roles: Readonly<Record<S3Role, S3Credentials>>;
} {
  privateFolder(path.dirname(files.credentialsFile), undefined);
  privateFolder(files.rolesDir, undefined);
  const role = (name: S3Role) => ensureCredentials(path.join(files.rolesDir, name));
  return {
    owner: ensureCredentials(files.credentialsFile),
    roles: { agent: role('agent'), retention: role('retention'), recover: role('recover') },
  };
}

/** Credentials of a host's own, made at random where it has none yet. */
export function ensureHostCredentials(files: S3CredentialFiles, hostId: Id): S3Credentials {
  privateFolder(files.hostsDir, undefined);
  return ensureCredentials(path.join(files.hostsDir, hostId));
}

export function removeHostCredentials(files: S3CredentialFiles, hostId: Id): void {
  rmSync(path.join(files.hostsDir, hostId), { force: true });
}

function hostCredentials({ hostsDir }: S3CredentialFiles): S3Credentials[] {
  if (!existsSync(hostsDir)) return [];
  const ids = readdirSync(hostsDir).filter((name) => /^[0-9a-f]{32}$/.test(name));
  return ids.sort().map((id) => ensureCredentials(path.join(hostsDir, id)));
}

/** The accounts of the embedded server beside its root's, in the form of its file `users.json`. */
export function s3Accounts(files: S3CredentialFiles): string {
  const { roles } = ensureS3Credentials(files);
  const accounts = [...Object.values(roles), ...hostCredentials(files)].map(
    ({ accessKeyId: access, secretAccessKey: secret }) => [
      access,
      { access, secret, role: 'user', userID: 0, groupID: 0, projectID: 0 },
    ],
  );
  return JSON.stringify({ accessAccounts: Object.fromEntries(accounts) });
}

function ensureCredentials(file: string): S3Credentials {
  if (!existsSync(file)) {
    const accessKeyId = `HF${randomBytes(9).toString('hex').toUpperCase()}`;
    const secretAccessKey = randomBytes(30).toString('base64url');
    writePrivate(
      file,
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
  }
  const text = readFileSync(file, 'utf8');
  const value = (name: string) => new RegExp(`^${name} = (\\S+)$`, 'm').exec(text)?.[1];
  const accessKeyId = value('aws_access_key_id');
  const secretAccessKey = value('aws_secret_access_key');
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Error('a credentials file was changed');
  return { accessKeyId, secretAccessKey };
}

const bucketActions: Readonly<Record<S3Role, readonly string[]>> = {
  agent: [
    's3:GetBucketVersioning',
    's3:GetBucketObjectLockConfiguration',
    's3:GetBucketLocation',
    's3:ListBucket',
    's3:ListBucketVersions',
    's3:ListBucketMultipartUploads',
  ],
  retention: ['s3:ListBucket', 's3:ListBucketVersions'],
  recover: ['s3:ListBucket', 's3:ListBucketVersions'],
};

const objectActions: Readonly<Record<S3Role, readonly string[]>> = {
  agent: [
    's3:PutObject',
    's3:AbortMultipartUpload',
    's3:ListMultipartUploadParts',
    's3:GetObject',
    's3:GetObjectVersion',
    's3:GetObjectRetention',
    's3:PutObjectRetention',
    's3:GetObjectLegalHold',
    's3:PutObjectLegalHold',
  ],
  retention: ['s3:DeleteObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold'],
  recover: ['s3:GetObject', 's3:GetObjectVersion'],
};

/**
 * The bucket policy (S3 policy language 2012-10-17) that gives each role of the embedded server what it needs and
 * nothing else; its principals are access key ids, as versitygw names its accounts.
 */
export function roleBucketPolicy(bucket: string, files: S3CredentialFiles): string {
  const { roles } = ensureS3Credentials(files);
  const hosts = hostCredentials(files);
  const statement = (role: S3Role, actions: readonly string[], resource: string) => ({
    Effect: 'Allow',
    Principal: {
      AWS: [roles[role], ...(role === 'agent' ? hosts : [])].map(({ accessKeyId }) => accessKeyId),
    },
    Action: actions,
    Resource: [resource],
  });
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: s3Roles.flatMap((role) => [
      statement(role, bucketActions[role], `arn:aws:s3:::${bucket}`),
      statement(role, objectActions[role], `arn:aws:s3:::${bucket}/*`),
    ]),
  });
}
