import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCredentialsFile } from '../../src/storage/credentials-file.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-credentials-'));
  file = join(folder, 'credentials');
  await writeFile(
    file,
    [
      '# comment',
      '[default]',
      'aws_access_key_id=AKID',
      'aws_secret_access_key = se/cr+et=',
      '',
      '[ agent ]\r',
      'aws_access_key_id = AGENT\r',
      'aws_secret_access_key = other\r',
      'aws_session_token = token\r',
      'region = eu-central-1',
      '[half]',
      'aws_access_key_id = HALF',
    ].join('\n'),
  );
});
afterAll(() => rm(folder, { recursive: true }));

test('reads the profile asked for and nothing of the others', async () => {
  expect(await readCredentialsFile(file, 'default', 'd')).toEqual({
    accessKeyId: 'AKID',
    secretAccessKey: 'se/cr+et=',
  });
  expect(await readCredentialsFile(file, 'agent', 'd')).toEqual({
    accessKeyId: 'AGENT',
    secretAccessKey: 'other',
    sessionToken: 'token',
  });
});

test.each([
  ['missing profile', 'nobody', 'profile missing or incomplete'],
  ['half a profile', 'half', 'profile missing or incomplete'],
])('%s is s3_denied', async (_, profile, reason) => {
  await expect(readCredentialsFile(file, profile, 'd')).rejects.toMatchObject({
    code: 's3_denied',
    message: expect.stringContaining(reason),
  });
});

test('a missing file is s3_denied and its path stays out of the failure', async () => {
  const failure = await readCredentialsFile(join(folder, 'secret-name'), 'default', 'd').catch(
    (error) => error,
  );
  expect(failure).toMatchObject({ code: 's3_denied', message: expect.stringContaining('ENOENT') });
  expect(`${failure.message} ${JSON.stringify(failure.facts)} ${failure.cause}`).not.toContain('secret-name');
});
