import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { s3Roles } from '../../src/stack/services/s3-roles.ts';

/**
 * What each request of src/storage needs on Amazon S3 (Service Authorization Reference, "Actions, resources, and
 * condition keys for Amazon S3"; API reference of each operation), and which role sends it.
 */
const needs: Readonly<Record<string, { role: 'agent' | 'retention' | 'operator'; actions: string[] }>> = {
  HeadBucketCommand: { role: 'agent', actions: ['s3:ListBucket'] },
  GetBucketVersioningCommand: { role: 'agent', actions: ['s3:GetBucketVersioning'] },
  GetObjectLockConfigurationCommand: { role: 'agent', actions: ['s3:GetBucketObjectLockConfiguration'] },
  ListObjectVersionsCommand: { role: 'agent', actions: ['s3:ListBucketVersions'] },
  ListMultipartUploadsCommand: { role: 'agent', actions: ['s3:ListBucketMultipartUploads'] },
  // Lock headers on a write are permitted apart from the write.
  PutObjectCommand: { role: 'agent', actions: ['s3:PutObject', 's3:PutObjectRetention'] },
  CreateMultipartUploadCommand: { role: 'agent', actions: ['s3:PutObject', 's3:PutObjectRetention'] },
  UploadPartCommand: { role: 'agent', actions: ['s3:PutObject'] },
  CompleteMultipartUploadCommand: { role: 'agent', actions: ['s3:PutObject'] },
  AbortMultipartUploadCommand: { role: 'agent', actions: ['s3:AbortMultipartUpload'] },
  ListPartsCommand: { role: 'agent', actions: ['s3:ListMultipartUploadParts'] },
  // An answer to HEAD shows lock and legal hold only to those who may ask for them.
  HeadObjectCommand: {
    role: 'agent',
    actions: ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention', 's3:GetObjectLegalHold'],
  },
  GetObjectCommand: { role: 'agent', actions: ['s3:GetObject', 's3:GetObjectVersion'] },
  GetObjectRetentionCommand: { role: 'agent', actions: ['s3:GetObjectRetention'] },
  PutObjectRetentionCommand: { role: 'agent', actions: ['s3:PutObjectRetention'] },
  PutObjectLegalHoldCommand: { role: 'agent', actions: ['s3:PutObjectLegalHold'] },
  DeleteObjectCommand: { role: 'retention', actions: ['s3:DeleteObjectVersion'] },
  // The bucket is made by hand, before: docs/deploy-aws.md.
  CreateBucketCommand: {
    role: 'operator',
    actions: ['s3:CreateBucket', 's3:PutBucketObjectLockConfiguration'],
  },
};

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string[];
  readonly Resource: string | string[];
}

const root = path.join(import.meta.dirname, '../..');
const statements = (role: string): Statement[] =>
  JSON.parse(readFileSync(path.join(root, `ops/iam/${role}.json`), 'utf8')).Statement;
const actions = (role: string, effect: Statement['Effect']): string[] =>
  statements(role)
    .filter((statement) => statement.Effect === effect)
    .flatMap((statement) => statement.Action);

function importedCommands(): string[] {
  const folder = path.join(root, 'src/storage');
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(path.join(folder, name), 'utf8').matchAll(
        /import \{([^}]*)\} from '@aws-sdk\/client-s3'/g,
      ),
    ])
    .flatMap(([, list = '']) => list.split(','))
    .map((name) => name.trim())
    .filter((name) => name.endsWith('Command'));
  return [...new Set(names)].sort();
}

test('every request of src/storage is known here, and no other', () => {
  expect(importedCommands()).toEqual(Object.keys(needs).sort());
});

test('the agent may do what its requests need, and nothing else', () => {
  const needed = Object.values(needs)
    .filter(({ role }) => role === 'agent')
    .flatMap((need) => need.actions);
  expect([...new Set(actions('agent', 'Allow'))].sort()).toEqual([...new Set(needed)].sort());
});

test('the agent deletes nothing, unlocks nothing, and is told so explicitly', () => {
  expect(actions('agent', 'Allow').filter((action) => /Delete|Bypass|\*/.test(action))).toEqual([]);
  expect(actions('agent', 'Deny')).toEqual(
    expect.arrayContaining(['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:BypassGovernanceRetention']),
  );
});

test('retention deletes versions and reads no content; recover reads and writes nothing', () => {
  expect(actions('retention', 'Allow')).toEqual(
    expect.arrayContaining(needs.DeleteObjectCommand?.actions ?? []),
  );
  expect(
    actions('retention', 'Allow').filter((action) => /:(GetObject|GetObjectVersion|Put.*)$/.test(action)),
  ).toEqual([]);
  expect(actions('recover', 'Allow').filter((action) => !/:(Get|List)/.test(action))).toEqual([]);
});

test('no role may bypass a lock, and no permission is a wildcard', () => {
  for (const role of s3Roles) {
    expect(actions(role, 'Allow').filter((action) => /Bypass|\*/.test(action))).toEqual([]);
  }
});

test('bucket actions name the bucket, object actions its objects', () => {
  const ofBucket = /^s3:(ListBucket|ListBucketVersions|ListBucketMultipartUploads|GetBucket\w+)$/;
  for (const role of s3Roles) {
    for (const statement of statements(role).filter(({ Effect }) => Effect === 'Allow')) {
      for (const action of statement.Action) {
        expect(statement.Resource, `${role} ${action}`).toBe(
          ofBucket.test(action) ? 'arn:aws:s3:::BUCKET' : 'arn:aws:s3:::BUCKET/*',
        );
      }
    }
  }
});
