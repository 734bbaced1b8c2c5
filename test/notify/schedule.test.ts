/** The digest's schedule on a real Temporal server. */
import { Client, ScheduleNotFoundError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConfigFile, parseConfig } from '../../src/config.ts';
import { scheduleDigest } from '../../src/notify/schedule.ts';
import { digestScheduleId } from '../../src/temporal/names.ts';
import { registerSearchAttributes } from '../../src/temporal/register-search-attributes.ts';
import { timeIn } from '../../src/text/time.ts';
import { startTemporalServer } from '../support/temporal.ts';

let env: TestWorkflowEnvironment;
let client: Client;

beforeAll(async () => {
  env = await startTemporalServer();
  await registerSearchAttributes(env.connection, 'default');
  client = new Client({ connection: env.connection });
});
afterAll(() => env?.teardown());

type DigestConfig = NonNullable<ConfigFile['notifications']>['digest'];

/** Local times at which a digest is made from one day of 2027 to another, by the schedule that a configuration makes. */
async function digests(
  digest: DigestConfig,
  { timezone = 'Africa/Douala', channels = 1, from = '03-26', to = '03-30' } = {},
): Promise<string[] | undefined> {
  const ping = { name: 'beat', type: 'ping', url: 'https://ping.example/' };
  const config = parseConfig(
    JSON.stringify({
      ...{ version: 1, repository: 'd'.repeat(32), host: { id: 'b'.repeat(32) }, timezone },
      sources: [{ name: 'docs', path: '/tmp' }],
      destinations: [{ name: 'primary', bucket: 'some-bucket', lock: { days: 7 } }],
      notifications: { digest, channels: Array(channels).fill(ping) },
    }),
    'holdfast.yaml',
  );
  await scheduleDigest(client, config);
  const isThere = await client.schedule
    .getHandle(digestScheduleId)
    .describe()
    .then(() => true)
    .catch((error: unknown) => {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      return false;
    });
  if (!isThere) return undefined;
  const seconds = (day: string) => ({ seconds: Date.parse(`2027-${day}T00:00:00Z`) / 1_000 });
  const { startTime } = await client.workflowService.listScheduleMatchingTimes({
    ...{ namespace: 'default', scheduleId: digestScheduleId },
    ...{ startTime: seconds(from) as never, endTime: seconds(to) as never },
  });
  return startTime?.map((at) => timeIn(timezone, new Date(Number(at.seconds) * 1_000)));
}

test('a digest comes at a time of day in the zone of the configuration, daily or on one day of the week', async () => {
  expect(await digests({ at: '07:05' })).toEqual(
    ['26', '27', '28', '29'].map((day) => `2027-03-${day} 07:05:00 +01:00`),
  );
  expect(await digests({ every: 'week', at: '18:30', weekday: 'mon' }, { to: '04-06' })).toEqual([
    '2027-03-29 18:30:00 +01:00',
    '2027-04-05 18:30:00 +01:00',
  ]);
  expect(await digests({ every: 'week', weekday: 'sun' })).toEqual(['2027-03-28 07:00:00 +01:00']);
});

test('one each day, also where the clocks change; at an hour that a day does not have, none', async () => {
  const timezone = 'Europe/Paris';
  expect(await digests({ at: '07:00' }, { timezone })).toEqual([
    '2027-03-26 07:00:00 +01:00',
    '2027-03-27 07:00:00 +01:00',
    '2027-03-28 07:00:00 +02:00',
    '2027-03-29 07:00:00 +02:00',
  ]);
  expect(await digests({ at: '07:00' }, { timezone, from: '10-30', to: '11-01' })).toEqual([
    '2027-10-30 07:00:00 +02:00',
    '2027-10-31 07:00:00 +01:00',
  ]);
  expect(await digests({ at: '02:30' }, { timezone })).toEqual([
    '2027-03-26 02:30:00 +01:00',
    '2027-03-27 02:30:00 +01:00',
    '2027-03-29 02:30:00 +02:00',
  ]);
  // An hour that comes twice counts once.
  expect(await digests({ at: '02:30' }, { timezone, from: '10-30', to: '11-01' })).toHaveLength(2);
});

test('none is made where it is off, or nobody would get it', async () => {
  await digests({});
  expect(await digests('off')).toBeUndefined();
  await digests({});
  expect(await digests({}, { channels: 0 })).toBeUndefined();
});
